from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.fakes.object_lambda import ACCOUNT, CALLER, FUNCTION, NOW, REQUEST_ID, SESSION_KEY, SUPPORTING

from onread.errors import AccessDenied, ExpiredToken, InvalidToken
from onread.objectlambda.sessions import open_session, seal_input_session, seal_session
from onread.policy.principal import FunctionSession, InputGrant, Principal, PrincipalKind, TemporarySession
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


def role_session(**changes):
    return Principal(
        kind=PrincipalKind.ASSUMED_ROLE,
        account_id=ACCOUNT,
        arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s",
        principal_id="AROAX:s",
        access_key_id="ASIAENV",
        role_arn=f"arn:aws:iam::{ACCOUNT}:role/r",
        role_id="AROAX",
        issued_at=NOW,
        **changes,
    )


def sealed(principal):
    return seal_session(principal, key=SESSION_KEY, nonce=NONCE)


@pytest.mark.parametrize(
    "session",
    [
        TemporarySession(expires_at=NOW + timedelta(hours=1)),
        TemporarySession(
            expires_at=NOW + timedelta(hours=1),
            parent_key_id="AKIAPARENT",
            policies=('{"a": "\N{SNOWMAN}"}', "{}"),
            policy_arns=("arn:x", "arn:y"),
            tags={"Team": "blue"},
            source_identity="alice",
        ),
    ],
)
def test_temporary_credentials_are_whoever_they_were_made_for(session):
    made = role_session(session=session, chain=("arn:f", "arn:g"))
    assert opened(sealed(made), access_key_id="ASIAENV") == made


def test_T013_temporary_credentials_end_at_their_expiry():
    token = sealed(role_session(session=TemporarySession(expires_at=NOW + timedelta(seconds=900))))
    opened(token, access_key_id="ASIAENV", now=NOW + timedelta(seconds=899))
    with pytest.raises(ExpiredToken):
        opened(token, access_key_id="ASIAENV", now=NOW + timedelta(seconds=900))


def test_T013_an_input_session_ends_with_the_credentials_of_its_caller():
    caller = role_session(session=TemporarySession(expires_at=NOW + timedelta(seconds=30)))
    token = input_session(caller)
    opened(token, access_key_id="ASIAENV", now=NOW + timedelta(seconds=29))
    with pytest.raises(ExpiredToken):
        opened(token, access_key_id="ASIAENV", now=NOW + timedelta(seconds=30))


def test_an_input_session_carries_what_narrows_its_caller():
    session = TemporarySession(expires_at=NOW + timedelta(hours=1), policies=("{}",))
    caller = role_session(session=session, chain=("arn:f",))
    found = opened(input_session(caller), access_key_id="ASIAENV")
    assert (found.session, found.chain, found.role_id) == (session, ("arn:f",), "AROAX")


def test_the_longest_session_fits_beside_the_longest_key():
    noise = "".join(chr(33 + (n * 7919 + n * n) % 90) for n in range(2048))
    session = TemporarySession(expires_at=NOW + timedelta(hours=1), policies=(noise,))
    grant = replace(GRANT, key="\x01" * 1024)
    token = input_session(role_session(session=session), grant=grant)
    assert opened(token, access_key_id="ASIAENV").session == session


def test_T141_a_functions_credentials_end_with_its_environment_and_no_sooner():
    made = role_session(session=TemporarySession(expires_at=None), function_session=SESSION)
    found = opened(sealed(made), access_key_id="ASIAENV", now=NOW + timedelta(days=365))
    assert found.function_session == SESSION
    assert found.input_grant is None
