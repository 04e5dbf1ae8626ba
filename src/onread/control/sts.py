"""STS: who asks, and temporary credentials.

Nothing is stored: a session token is sealed, and says whose credentials it belongs to. Whether AssumeRole is
allowed was asked before, of the role's trust policy.

Source: AWS Security Token Service API Reference.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from secrets import token_bytes
from typing import Any

from onread.control.call import ControlCall, Operations
from onread.control.iam_inputs import check_document, find_policy, read_tags
from onread.control.identities import make_temporary_key_id
from onread.errors import AccessDenied, PackedPolicyTooLarge, ValidationError
from onread.metadata.facade import Records
from onread.metadata.identity_records import Role
from onread.objectlambda.sessions import seal_session
from onread.policy.principal import Principal, PrincipalKind, TemporarySession
from onread.sigv4.session_token import LONGEST_TOKEN, NONCE_BYTES, session_secret
from onread.wire.output import Output

_LEAST_SECONDS = 900
_LONGEST_CHAINED_SECONDS = 3_600
_LONGEST_USER_SECONDS, _USER_SECONDS = 129_600, 43_200
_LONGEST_ROOT_SECONDS = 3_600
_MOST_POLICY_ARNS = 10
_LONGEST_SESSION_POLICY = 2_048
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_KEY_ID = re.compile(r"A(?:KIA|SIA)[A-Z0-9]{12,124}")


class SessionOperations:
    """STS's operations.

    Args:
        clock: gives the time as aware UTC.
        session_key: 32 bytes with which session tokens are sealed.
    """

    def __init__(self, records: Records, *, clock: Callable[[], datetime], session_key: bytes) -> None:
        self._records = records
        self._clock = clock
        self._session_key = session_key

    def operations(self) -> Operations:
        """The operations served here, by AWS's name."""
        return {
            "AssumeRole": self.assume_role,
            "GetAccessKeyInfo": self.get_access_key_info,
            "GetCallerIdentity": self.get_caller_identity,
            "GetSessionToken": self.get_session_token,
        }

    async def get_caller_identity(self, call: ControlCall) -> Output:
        """GetCallerIdentity: "No permissions are required to perform this operation"."""
        principal = call.principal
        return Output(
            members={"UserId": principal.principal_id, "Account": principal.account_id, "Arn": principal.arn}
        )

    async def get_access_key_info(self, call: ControlCall) -> Output:
        """GetAccessKeyInfo: the account of a key. What may be made by STS is this account's."""
        key_id = str(call.params.get("AccessKeyId", ""))
        if self._records.access_key(key_id) is None and not key_id.startswith("ASIA"):
            if _KEY_ID.fullmatch(key_id) is None:
                raise ValidationError(
                    "AccessKeyId must begin with AKIA or ASIA and have 16 to 128 characters."
                )
            raise AccessDenied("There is no such access key.")
        return Output(members={"Account": call.account_id})

    async def assume_role(self, call: ControlCall) -> Output:
        """AssumeRole: credentials of the role, narrowed by session policies where some are given."""
        _refuse_mfa(call)
        role = self._records.identities.role_by_arn(str(call.params.get("RoleArn", "")))
        if role is None:
            raise AccessDenied("You are not authorized to assume that role.")
        name = str(call.params.get("RoleSessionName", ""))
        if _SESSION_NAME.fullmatch(name) is None:
            raise ValidationError(
                "RoleSessionName must have 2 to 64 characters, each a letter, a digit or one of _+=,.@-"
            )
        now = self._clock()
        seconds = _role_seconds(call, role)
        principal = Principal(
            kind=PrincipalKind.ASSUMED_ROLE,
            account_id=role.account_id,
            arn=f"arn:aws:sts::{role.account_id}:assumed-role/{role.name}/{name}",
            principal_id=f"{role.role_id}:{name}",
            access_key_id=make_temporary_key_id(),
            role_arn=role.arn,
            role_id=role.role_id,
            issued_at=now,
            chain=call.principal.chain,  # credentials made inside a run stay inside it
            session=TemporarySession(
                expires_at=now + timedelta(seconds=seconds),
                policies=_session_policies(call),
                policy_arns=self._session_policy_arns(call),
                tags=read_tags(call.params.get("Tags")),
                source_identity=_source_identity(call),
            ),
        )
        members: dict[str, Any] = {
            "Credentials": self._mint(principal),
            "AssumedRoleUser": {"AssumedRoleId": principal.principal_id, "Arn": principal.arn},
        }
        session = principal.session
        if session is not None and session.source_identity is not None:
            members["SourceIdentity"] = session.source_identity
        return Output(members=members)

    async def get_session_token(self, call: ControlCall) -> Output:
        """GetSessionToken: the caller's own rights for a while. They end with the key that asks."""
        _refuse_mfa(call)
        caller, now = call.principal, self._clock()
        if caller.session is not None or caller.access_key_id is None:
            raise AccessDenied("Cannot call GetSessionToken with session credentials.")
        longest = _LONGEST_ROOT_SECONDS if caller.kind is PrincipalKind.ROOT else _LONGEST_USER_SECONDS
        asked = call.params.get("DurationSeconds") or min(_USER_SECONDS, longest)
        # "Sessions for account owners are restricted to one hour. If longer, it defaults to one hour."
        seconds = min(_seconds(asked, _LONGEST_USER_SECONDS), longest)
        principal = Principal(
            kind=caller.kind,
            account_id=caller.account_id,
            arn=caller.arn,
            principal_id=caller.principal_id,
            user_name=caller.user_name,
            access_key_id=make_temporary_key_id(),
            issued_at=now,
            session=TemporarySession(
                expires_at=now + timedelta(seconds=seconds), parent_key_id=caller.access_key_id
            ),
        )
        return Output(members={"Credentials": self._mint(principal)})

    def _session_policy_arns(self, call: ControlCall) -> tuple[str, ...]:
        given = call.params.get("PolicyArns") or ()
        if len(given) > _MOST_POLICY_ARNS:
            raise ValidationError(f"At most {_MOST_POLICY_ARNS} PolicyArns may be given.")
        return tuple(find_policy(self._records, call, each.get("arn")).arn for each in given)

    def _mint(self, principal: Principal) -> dict[str, Any]:
        """The credentials as clients are given them.

        Raises:
            PackedPolicyTooLarge: what has to be sealed makes the token too long.
        """
        token = seal_session(principal, key=self._session_key, nonce=token_bytes(NONCE_BYTES))
        if len(token) > LONGEST_TOKEN:
            raise PackedPolicyTooLarge
        return {
            "AccessKeyId": principal.access_key_id,
            "SecretAccessKey": session_secret(token, key=self._session_key),
            "SessionToken": token,
            "Expiration": principal.session.expires_at if principal.session else None,
        }


def _refuse_mfa(call: ControlCall) -> None:
    if call.params.get("SerialNumber") or call.params.get("TokenCode"):
        raise AccessDenied("MultiFactorAuthentication failed: there are no MFA devices here.")


def _role_seconds(call: ControlCall, role: Role) -> int:
    """How long the session may last. A role that assumes another one gets an hour at most."""
    chained = call.principal.kind is PrincipalKind.ASSUMED_ROLE
    longest = (
        min(role.longest_session_seconds, _LONGEST_CHAINED_SECONDS)
        if chained
        else (role.longest_session_seconds)
    )
    return _seconds(call.params.get("DurationSeconds") or min(3_600, longest), longest)


def _seconds(asked: int, longest: int) -> int:
    if not _LEAST_SECONDS <= asked <= longest:
        raise ValidationError(f"DurationSeconds must be between {_LEAST_SECONDS} and {longest} seconds.")
    return asked


def _session_policies(call: ControlCall) -> tuple[str, ...]:
    text = call.params.get("Policy")
    if not text:
        return ()
    if len(text) > _LONGEST_SESSION_POLICY:
        raise ValidationError(f"Policy has at most {_LONGEST_SESSION_POLICY} characters.")
    return (check_document(text),)


def _source_identity(call: ControlCall) -> str | None:
    """Once set, it goes along through every further role and cannot be changed."""
    session = call.principal.session
    inherited = session.source_identity if session is not None else None
    asked = call.params.get("SourceIdentity") or None
    if asked is not None and _SESSION_NAME.fullmatch(asked) is None:
        raise ValidationError("SourceIdentity has the form of a session name.")
    if inherited is not None and asked not in (None, inherited):
        raise AccessDenied("The source identity of a session cannot be changed.")
    return inherited or asked
