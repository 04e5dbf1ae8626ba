"""Who is asking: find the key, verify the signature, name the principal."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

from onread.addressing.address import (
    Address,
    AliasAddress,
    ControlAddress,
    ObjectLambdaAccessPointAddress,
    ServiceAddress,
    WriteAddress,
)
from onread.addressing.names import OBJECT_LAMBDA_ALIAS_SUFFIX, OBJECT_LAMBDA_PLAIN_SUFFIX
from onread.errors import (
    AccessDenied,
    InvalidRequest,
    InvalidSignature,
    InvalidToken,
    MissingAuthenticationToken,
    SignatureDoesNotMatch,
)
from onread.gateway.call import AuthenticatedCall, RoutedCall
from onread.gateway.documents import read_document
from onread.metadata.facade import Records
from onread.metadata.key_uses import KeyUse
from onread.metadata.records import AccessKey
from onread.objectlambda.input_url import InputUrl
from onread.objectlambda.open_runs import OpenRuns
from onread.objectlambda.sessions import acting_in, input_secret, open_session, refuse_expired
from onread.policy.principal import Principal, PrincipalKind
from onread.sigv4.session_token import session_secret
from onread.sigv4.verify import (
    ClaimedSignature,
    check_age,
    check_scope,
    read_signature,
    refuse_unknown_access_key,
    verify,
)
from onread.wire.frozen import changed

_OBJECT_LAMBDA_SUFFIXES = (OBJECT_LAMBDA_ALIAS_SUFFIX, OBJECT_LAMBDA_PLAIN_SUFFIX)

# The access key in the URLs by which functions fetch for a reader without a name: it opens nothing.
_NOBODYS_KEY = "ANONYMOUSREADER"
STRANGER = Principal(
    kind=PrincipalKind.ANONYMOUS,
    account_id="",
    arn="anonymous",
    principal_id="anonymous",
    access_key_id=_NOBODYS_KEY,
)

# What a function may add, unsigned, to the URL it was given: AWS's samples forward the first two groups
# unsigned, and SDK callers' checksum mode is resent by functions that follow AWS's rule.
_TOLERATED_AT_INPUT_URL = frozenset(
    {"x-amz-checksum-mode", "x-amz-request-payer", "x-amz-expected-bucket-owner"}
)


@dataclass(frozen=True, slots=True)
class Authenticator:
    """Turns a signature into a principal.

    Args:
        session_key: the 32 bytes from which session tokens and their secrets derive.
        is_live: whether an execution environment still exists; its credentials end with it.
        chain_of: the functions in whose runs an execution environment acts at this moment.
        open_runs: the runs under way, and the URLs that they were given; an ``inputS3Url`` ends with its run.
    """

    records: Records
    account_id: str
    region: str
    session_key: bytes
    is_live: Callable[[str], bool]
    chain_of: Callable[[str], tuple[str, ...]]
    open_runs: OpenRuns

    async def __call__(self, call: RoutedCall, *, now: datetime) -> AuthenticatedCall:
        """The call with its principal; an unsigned call comes back anonymous, except where none may be.

        Raises:
            MissingAuthenticationToken: an unsigned call to a service's own operations, or to an Object
                Lambda access point, save a read where its owner has let strangers in.
            InvalidRequest: an unsigned call that says what headers its answer should have.
            SignatureDoesNotMatch, InvalidSignature: the latter for ``s3-object-lambda`` scopes, as on AWS.
            InvalidAccessKeyId, InvalidToken, AccessDenied, RequestTimeTooSkewed and the rest of section 4.
        """
        if (url := self.open_runs.url_used_by(call.request)) is not None:
            return self._by_url(call, url, now)
        claim = read_signature(call.request)
        if claim is None:
            return AuthenticatedCall(routed=call, principal=self._anonymous(call))
        services, region = _accepted(call.address, self.region)
        check_scope(claim, now=now, region=region, services=services)
        secret, principal = self._identify(claim, now)
        call = await _with_document(call, claim)
        body_hash = None if call.document is None else sha256(call.document).hexdigest()
        if principal is None:
            refuse_unknown_access_key(claim, call.request, body_hash=body_hash)
        tolerated = _TOLERATED_AT_INPUT_URL if principal.input_grant else frozenset[str]()
        try:
            verified = verify(claim, call.request, secret, body_hash=body_hash, tolerated=tolerated)
        except SignatureDoesNotMatch as error:
            if claim.service != "s3-object-lambda":
                raise
            raise _as_object_lambda_says(error) from error
        if claim.session_token is None and principal.kind is PrincipalKind.USER:
            self.records.key_uses.note(claim.access_key_id, KeyUse(now, claim.service, claim.region))
        return AuthenticatedCall(routed=call, principal=principal, claim=claim, verified=verified)

    def _by_url(self, call: RoutedCall, url: InputUrl, now: datetime) -> AuthenticatedCall:
        """The very URL that an open run was given: what it was signed as need not be found out again."""
        claim, verified = url.presigned.claim, url.presigned.verified
        check_age(claim, now)
        refuse_expired(url.principal, now)
        principal = self._of_session(url.principal)
        return AuthenticatedCall(routed=call, principal=principal, claim=claim, verified=verified)

    def _anonymous(self, call: RoutedCall) -> Principal:
        match call.address:
            case WriteAddress() | ControlAddress():
                raise MissingAuthenticationToken
            case ServiceAddress(service) if service != "s3":
                raise MissingAuthenticationToken
            case ObjectLambdaAccessPointAddress(name, account_id):
                self._check_open_to_strangers(call, account_id, name)
            case AliasAddress(alias) if alias.endswith(_OBJECT_LAMBDA_SUFFIXES):
                found = self.records.object_lambda_access_point_by_alias(alias)
                if found is None:
                    raise MissingAuthenticationToken
                self._check_open_to_strangers(call, found.account_id, found.name)
        if any(name.startswith("Response") for name in call.params):
            # Source: GetObject, "you must sign the request": else any link would choose its content type.
            raise InvalidRequest(
                "Request specific response headers cannot be used for anonymous GET requests."
            )
        return STRANGER

    def _check_open_to_strangers(self, call: RoutedCall, account_id: str, name: str) -> None:
        """AWS lets nobody in without a signature; here its owner may, to read and for nothing else."""
        is_read = call.operation.name in ("GetObject", "HeadObject")
        if not is_read or not self.records.object_lambda_settings.of(account_id, name).anonymous:
            raise MissingAuthenticationToken

    def _identify(self, claim: ClaimedSignature, now: datetime) -> tuple[str, Principal | None]:
        """The secret that should have signed and whose it is; None: nobody's (in the same time)."""
        if claim.session_token is not None:
            return self._by_session(claim.session_token, claim.access_key_id, now)
        key = self.records.access_key(claim.access_key_id)
        if key is None or not key.active:
            return "", None
        return key.secret.reveal(), self._owner(key)

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

    def _by_session(self, token: str, access_key_id: str, now: datetime) -> tuple[str, Principal]:
        sealed = open_session(token, key=self.session_key, access_key_id=access_key_id, now=now)
        if sealed.input_grant is not None:
            return input_secret(access_key_id, key=self.session_key), self._of_session(sealed)
        if (session := sealed.function_session) is not None:
            # A function's keys act inside its present run; whatever is made with them carries that along.
            sealed = acting_in(token, self.chain_of(session.environment_id), key=self.session_key)
        return session_secret(token, key=self.session_key), self._of_session(sealed)

    def _of_session(self, sealed: Principal) -> Principal:
        """Whose temporary credentials these are, when they are good for anything still."""
        if sealed.function_session and not self.is_live(sealed.function_session.environment_id):
            raise InvalidToken("The execution environment of these credentials has ended.")
        if sealed.input_grant and sealed.input_grant.request_id not in self.open_runs:
            raise AccessDenied("The run for which this URL was made has ended.")
        principal = self._as_of_now(sealed)
        if principal is not None:
            return principal
        if sealed.input_grant:
            raise AccessDenied("The caller of this URL is no longer known.")
        raise InvalidToken("Whoever these credentials were made for is gone, or the key that asked for them.")

    def _as_of_now(self, sealed: Principal) -> Principal | None:
        """Credentials carry their owner's rights as they are now; None when there is no such owner.

        Ids decide, never names: who is made again under a name inherits nothing.
        """
        if sealed.kind is PrincipalKind.ANONYMOUS:
            return sealed
        if sealed.kind is PrincipalKind.ASSUMED_ROLE:
            if sealed.role_id is None or self.records.identities.role_by_id(sealed.role_id) is not None:
                return sealed
            # A function whose role is gone can still answer: WriteGetObjectResponse needs no role.
            return changed(sealed, role_id=None) if sealed.function_session else None
        key_id = sealed.session.parent_key_id if sealed.session is not None else sealed.access_key_id
        key = self.records.access_key(key_id or "")
        owner = self._owner(key) if key is not None and key.active else None
        if owner is None or owner.principal_id != sealed.principal_id:
            return None
        if (owner.arn, owner.user_name) == (sealed.arn, sealed.user_name):
            return sealed
        return changed(sealed, arn=owner.arn, user_name=owner.user_name)


def _as_object_lambda_says(error: SignatureDoesNotMatch) -> InvalidSignature:
    """AWS: Object Lambda's endpoints answer InvalidSignature, 400, where S3 says SignatureDoesNotMatch."""
    renamed = InvalidSignature()
    renamed.fields = error.fields
    return renamed


async def _with_document(call: RoutedCall, claim: ClaimedSignature) -> RoutedCall:
    """The call with its body read, where the signature covers the body's hash without saying it."""
    if claim.payload_hash is not None or call.document is not None:
        return call
    return changed(call, document=await read_document(call.request.body, call.operation.document_limit_bytes))


def _accepted(address: Address, region: str) -> tuple[frozenset[str], str]:
    """The services and the Region whose signatures are good at this address."""
    match address:
        case ServiceAddress("iam"):
            return frozenset({"iam"}), "us-east-1"  # wherever the client thinks it is
        case ServiceAddress(service):
            return frozenset({service}), region
        case ControlAddress():
            return frozenset({"s3"}), region
        case WriteAddress():
            return frozenset({"s3-object-lambda"}), region
        case _:
            return frozenset({"s3", "s3-object-lambda"}), region


@lru_cache(maxsize=16)  # an account has one root and few keys for it
def root_principal(account_id: str, access_key_id: str) -> Principal:
    """The account itself."""
    return Principal(
        kind=PrincipalKind.ROOT,
        account_id=account_id,
        arn=f"arn:aws:iam::{account_id}:root",
        principal_id=account_id,
        access_key_id=access_key_id,
    )
