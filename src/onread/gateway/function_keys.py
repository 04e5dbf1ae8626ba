"""The keys that a function finds in its environment: good for WriteGetObjectResponse while that lives."""

from collections.abc import Callable

from onread.metadata.records import Function
from onread.objectlambda.sessions import seal_function_session
from onread.policy.principal import FunctionSession
from onread.sigv4.session_token import session_secret

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_NONCE_BYTES = 12


def function_keys(
    function: Function, environment_id: str, *, key: bytes, random_bytes: Callable[[int], bytes]
) -> tuple[str, str, str]:
    """Access key id, secret access key and session token of one execution environment.

    Nothing is stored: the token says what it is for, the secret derives from it.
    """
    access_key_id = "ASIA" + "".join(_ALPHABET[byte % 32] for byte in random_bytes(16))
    token = seal_function_session(
        FunctionSession(function_arn=function.arn, environment_id=environment_id),
        role_arn=function.role,
        access_key_id=access_key_id,
        key=key,
        nonce=random_bytes(_NONCE_BYTES),
    )
    return access_key_id, session_secret(token, key=key), token
