"""The keys that a function finds in its environment: its role's session, while that environment lives."""

from collections.abc import Callable
from datetime import datetime

import structlog

from onread.control.function_role import role_for_lambda
from onread.metadata.facade import Records
from onread.metadata.records import Function
from onread.objectlambda.sessions import seal_session
from onread.policy.principal import FunctionSession, Principal, PrincipalKind, TemporarySession
from onread.sigv4.session_token import session_secret

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_NONCE_BYTES = 12

_log = structlog.get_logger()


def function_keys(
    function: Function,
    environment_id: str,
    *,
    records: Records,
    key: bytes,
    clock: Callable[[], datetime],
    random_bytes: Callable[[int], bytes],
) -> tuple[str, str, str]:
    """Access key id, secret access key and session token of one execution environment.

    Nothing is stored: the token says whose they are, the secret derives from it. A role that does not
    exist, or does not trust Lambda, leaves WriteGetObjectResponse alone.
    """
    role = role_for_lambda(records, function.role, function.account_id, function.arn)
    if role is None:
        _log.warning("function.role_unusable", function=function.name, role=function.role)
    role_name = function.role.rpartition("/")[2]
    access_key_id = "ASIA" + "".join(_ALPHABET[byte % 32] for byte in random_bytes(16))
    principal = Principal(
        kind=PrincipalKind.ASSUMED_ROLE,
        account_id=function.account_id,
        arn=f"arn:aws:sts::{function.account_id}:assumed-role/{role_name}/{function.name}",
        principal_id=f"{role.role_id if role else role_name}:{function.name}",
        access_key_id=access_key_id,
        role_arn=function.role,
        role_id=role.role_id if role else None,
        issued_at=clock(),
        session=TemporarySession(expires_at=None),
        function_session=FunctionSession(function_arn=function.arn, environment_id=environment_id),
    )
    token = seal_session(principal, key=key, nonce=random_bytes(_NONCE_BYTES))
    return access_key_id, session_secret(token, key=key), token
