from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.fakes.object_lambda import ACCOUNT, CALLER, FUNCTION, NOW, REQUEST_ID, SESSION_KEY, SUPPORTING

from onread.errors import AccessDenied, InvalidToken
from onread.objectlambda.sessions import open_session, seal_function_session, seal_input_session
from onread.policy.principal import FunctionSession, InputGrant, PrincipalKind
from onread.sigv4.session_token import seal

NONCE = b"n" * 12
GRANT = InputGrant(
    request_id=REQUEST_ID, method="GET", access_point_arn=SUPPORTING.arn, key="a b", version_id="v1"
)
SESSION = FunctionSession(function_arn=FUNCTION.arn, environment_id="e1")


def input_session(principal=CALLER, grant=GRANT):
    return seal_input_session(
        principal, grant, key=SESSION_KEY, nonce=NONCE, expires_at=NOW + timedelta(seconds=61)
    )


def opened(token, *, access_key_id=CALLER.access_key_id, now=NOW):
    return open_session(token, key=SESSION_KEY, access_key_id=access_key_id, now=now)


def test_T131_an_input_session_is_its_caller_and_its_grant():
    assert opened(input_session()) == replace(
        CALLER, called_via=("s3-object-lambda.amazonaws.com",), input_grant=GRANT
    )


def test_the_facts_of_a_role_session_survive():
    caller = replace(
        CALLER,
        kind=PrincipalKind.ASSUMED_ROLE,
        role_arn=f"arn:aws:iam::{ACCOUNT}:role/r",
        user_name=None,
        issued_at=datetime(2030, 1, 1, tzinfo=UTC),
    )
    found = opened(input_session(caller))
    assert (found.kind, found.role_arn, found.issued_at) == (caller.kind, caller.role_arn, caller.issued_at)


def test_a_list_session_has_no_key():
    grant = replace(GRANT, key=None, version_id=None)
    assert opened(input_session(grant=grant)).input_grant == grant


@pytest.mark.parametrize("key", ["\x01" * 1024, "\N{SNOWMAN}" * 341, '"\\' * 512])
def test_the_longest_keys_fit_into_a_token(key):
    token = input_session(grant=replace(GRANT, key=key))
    assert opened(token).input_grant == replace(GRANT, key=key)


def test_an_input_session_ends_at_its_expiry():
    opened(input_session(), now=NOW + timedelta(seconds=60.9))
    with pytest.raises(AccessDenied, match="Request has expired"):
        opened(input_session(), now=NOW + timedelta(seconds=61))


def test_a_session_belongs_to_one_access_key():
    with pytest.raises(InvalidToken):
        opened(input_session(), access_key_id="AKIASOMEBODYELSE0001")


def test_a_token_of_another_key_is_invalid():
    with pytest.raises(InvalidToken):
        open_session(input_session(), key=b"x" * 32, access_key_id=CALLER.access_key_id, now=NOW)


def test_a_sealed_document_of_another_use_is_invalid():
    token = seal({"use": "other", "access_key_id": "A"}, key=SESSION_KEY, nonce=NONCE)
    with pytest.raises(InvalidToken):
        opened(token, access_key_id="A")


def test_a_function_session_is_the_role_with_the_function_as_session_name():
    token = seal_function_session(
        SESSION, role_arn=FUNCTION.role, access_key_id="ASIAENV", key=SESSION_KEY, nonce=NONCE
    )
    principal = opened(token, access_key_id="ASIAENV", now=NOW + timedelta(days=365))
    assert principal.kind is PrincipalKind.ASSUMED_ROLE
    assert principal.account_id == ACCOUNT
    assert principal.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/lambda/upper"
    assert principal.role_arn == FUNCTION.role
    assert principal.function_session == SESSION
    assert principal.input_grant is None
