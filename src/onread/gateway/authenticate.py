"""Who is asking: find the key, verify the signature, name the principal."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from onread.addressing.address import (
    Address,
    ControlAddress,
    ObjectLambdaAccessPointAddress,
    ServiceAddress,
    WriteAddress,
)
from onread.errors import (
    AuthorizationHeaderMalformed,
    InvalidAccessKeyId,
    InvalidSignature,
    InvalidToken,
    MissingAuthenticationToken,
    SignatureDoesNotMatch,
)
from onread.gateway.call import AuthenticatedCall, RoutedCall
from onread.metadata.facade import Records
from onread.metadata.records import AccessKey
from onread.objectlambda.sessions import open_session
from onread.policy.principal import Principal, PrincipalKind
from onread.sigv4.session_token import session_secret
from onread.sigv4.verify import ClaimedSignature, check_scope, read_signature, verify, verify_nothing

# What a function may add, unsigned, to the URL it was given: AWS's samples forward the first two groups
# unsigned, and SDK callers' checksum mode is resent by functions that follow AWS's rule.
_TOLERATED_AT_INPUT_URL = frozenset({"x-amz-checksum-mode", "x-amz-request-payer", "x-amz-expected-bucket-owner"})

_DATA_SERVICES = frozenset({"s3", "s3-object-lambda"})
_MAXIMUM_DOCUMENT_BYTES = {"CreateFunction": 80 << 20, "UpdateFunctionCode": 80 << 20, "Invoke": 6 << 20}
_DOCUMENT_BYTES = 256 << 10


@dataclass(frozen=True, slots=True)
class Authenticator:
    """Turns a signature into a principal.

    Args:
        session_key: the 32 bytes from which session tokens and their secrets derive.
        is_live: whether an execution environment still exists; its credentials end with it.
    """

    records: Records
    account_id: str
    region: str
    session_key: bytes
    is_live: Callable[[str], bool]

    async def __call__(self, call: RoutedCall, *, now: datetime) -> AuthenticatedCall:
        """The call with its principal; an unsigned call comes back anonymous, except where none may be.

        Raises:
            MissingAuthenticationToken: an unsigned call to an Object Lambda access point or to a
                service's own operations.
            SignatureDoesNotMatch, InvalidSignature: the latter for ``s3-object-lambda`` scopes, as on AWS.
            InvalidAccessKeyId, InvalidToken, AccessDenied, RequestTimeTooSkewed and the rest of section 4.
        """
        claim = read_signature(call.request)
        if claim is None:
            return AuthenticatedCall(routed=call, principal=self._anonymous(call.address))
        check_scope(claim, now=now, region=_region_of(call.address, self.region), services=_services_of(call.address))
        if claim.session_token is None:
            secret, principal = self._permanent(claim)
        else:
            principal = self._session(claim.session_token, claim.access_key_id, now)
            secret = session_secret(claim.session_token, key=self.session_key)
        document = await self._document(call, claim)
        tolerated = _TOLERATED_AT_INPUT_URL if principal.input_grant else frozenset[str]()
        try:
            verified = verify(claim, call.request, secret, body=document, tolerated=tolerated)
        except SignatureDoesNotMatch as error:
            if claim.service != "s3-object-lambda":
                raise
            raise InvalidSignature(**error.fields) from error
        return AuthenticatedCall(
            routed=call if document is None else _with_document(call, document),
            principal=principal,
            claim=claim,
            verified=verified,
        )

    def _anonymous(self, address: Address) -> Principal:
        if isinstance(address, ObjectLambdaAccessPointAddress | WriteAddress | ControlAddress) or (
            isinstance(address, ServiceAddress) and address.service != "s3"
        ):
            raise MissingAuthenticationToken
        return Principal(kind=PrincipalKind.ANONYMOUS, account_id="", arn="anonymous", principal_id="anonymous")

    def _permanent(self, claim: ClaimedSignature) -> tuple[str, Principal]:
        key = self.records.access_key(claim.access_key_id)
        principal = self._owner(key) if key is not None and key.active else None
        if key is None or principal is None:
            verify_nothing(claim)  # an unknown key takes as long as a known one
            raise InvalidAccessKeyId(AWSAccessKeyId=claim.access_key_id)
        return key.secret.reveal(), principal

    def _owner(self, key: AccessKey) -> Principal | None:
        if key.user_name is None:
            return root_principal(key.account_id, key.access_key_id)
        user = self.records.user(key.account_id, key.user_name)
        if user is None:
            return None
        return Principal(
            kind=PrincipalKind.USER,
            account_id=user.account_id,
            arn=user.arn,
            principal_id=user.user_id,
            user_name=user.name,
            access_key_id=key.access_key_id,
        )

    def _session(self, token: str, access_key_id: str, now: datetime) -> Principal:
        principal = open_session(token, key=self.session_key, access_key_id=access_key_id, now=now)
        if principal.function_session and not self.is_live(principal.function_session.environment_id):
            raise InvalidToken("The execution environment of these credentials has ended.")
        if principal.input_grant:
            self._check_still_active(principal)
        return principal

    def _check_still_active(self, principal: Principal) -> None:
        """An input URL carries its caller's rights as they are now, not as they were."""
        key = self.records.access_key(principal.access_key_id or "")
        owner = self._owner(key) if key is not None and key.active else None
        if owner is None or owner.principal_id != principal.principal_id:
            raise InvalidToken("The caller of this URL is no longer known.")

    async def _document(self, call: RoutedCall, claim: ClaimedSignature) -> bytes | None:
        """The body, where the signature covers its hash without saying it in a header."""
        if claim.payload_hash is not None or call.document is not None:
            return call.document
        return await call.request.body.read(_MAXIMUM_DOCUMENT_BYTES.get(call.operation.name, _DOCUMENT_BYTES))


def root_principal(account_id: str, access_key_id: str) -> Principal:
    """The account itself."""
    return Principal(
        kind=PrincipalKind.ROOT,
        account_id=account_id,
        arn=f"arn:aws:iam::{account_id}:root",
        principal_id=account_id,
        access_key_id=access_key_id,
    )
