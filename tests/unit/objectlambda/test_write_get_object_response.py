"""The order of the checks; the whole of a write is in tests/flow/test_transform.py."""

from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from tests.fakes.object_lambda import ACCOUNT, FUNCTION, NOW, ROUTE, TOKEN_KEY, WRITER, FedBody, olap
from tests.fakes.virtual_time import run_in_virtual_time

from onread.errors import AccessDenied, LambdaInvalidResponse, ValidationError
from onread.objectlambda.rendezvous import ENDED, EXPIRED, Rendezvous
from onread.objectlambda.route_token import RANDOM_BYTES, UNKNOWN, OutputTicket, mint
from onread.objectlambda.write_get_object_response import WriteCall, WriteGetObjectResponse
from onread.policy.principal import FunctionSession

TICKET = OutputTicket(
    route=ROUTE,
    request_id="r",
    account_id=ACCOUNT,
    access_point_arn=olap().arn,
    function_arn=FUNCTION.arn,
    expires_at=NOW.timestamp() + 60,
)
STRANGER = replace(WRITER, account_id="999999999999")
OTHER = replace(WRITER, function_session=FunctionSession(function_arn="other", environment_id="e"))


def token(**changes):
    return mint(replace(TICKET, **changes), key=TOKEN_KEY, randomness=b"r" * RANDOM_BYTES)


def refusal(*, text=None, route=ROUTE, host=None, principal=WRITER, expected=True, now=NOW, **params):
    """What a write is told, the meeting's note of it, and how many bytes of its body were read."""

    async def case():
        rendezvous = Rendezvous()
        operation = WriteGetObjectResponse(
            rendezvous=rendezvous, token_key=TOKEN_KEY, forwarded=frozenset({"ETag"}), clock=lambda: now
        )
        given = token() if text is None else text
        body = FedBody().feed(b"body").end()
        call = WriteCall(
            params={"RequestRoute": route, "RequestToken": given, **params},
            body=body,
            principal=principal,
            route=host,
            account_id=ACCOUNT,
        )
        async with AsyncExitStack() as scope:
            meeting = scope.enter_context(rendezvous.expect(given, deadline=60)) if expected else None
            with pytest.raises((ValidationError, AccessDenied)) as refused:
                await operation.write_get_object_response(call, scope)
            return refused.value, meeting and meeting.refusal, body.pulled_bytes

    return run_in_virtual_time(case())


@pytest.mark.parametrize(
    "given",
    [
        {"text": "noise"},
        {"text": "noise", "principal": OTHER},
        {"route": "io-other"},
        {"host": "io-other"},
        {"route": "io-other", "host": "io-other"},
        {"principal": STRANGER},
        {"principal": STRANGER, "expected": False},
        {"principal": STRANGER, "StatusCode": 99},
    ],
)
def test_T100_what_is_not_the_writers_own_is_unknown_in_one_wording(given):
    error, noted, read = refusal(**given)
    assert (error.code, error.text, noted, read) == ("ValidationError", UNKNOWN, None, 0)


def test_T141_another_functions_credentials_are_denied_before_its_parameters_are_looked_at():
    error, noted, _ = refusal(principal=OTHER, StatusCode=99)
    assert (error.code, noted) == ("AccessDenied", None)


@pytest.mark.parametrize(("seconds", "text"), [(0, ENDED), (59, ENDED), (60, EXPIRED), (3600, EXPIRED)])
def test_T105_an_own_token_whose_meeting_is_over_is_told_used_or_expired(seconds, text):
    now = NOW.fromtimestamp(NOW.timestamp() + seconds, NOW.tzinfo)
    error, _, read = refusal(expected=False, now=now)
    assert (error.code, error.text, read) == ("ValidationError", text, 0)


def test_a_broken_rule_is_noted_for_the_caller_and_the_body_left_unread():
    error, noted, read = refusal(StatusCode=99)
    assert (error.code, noted, read) == ("ValidationError", LambdaInvalidResponse, 0)
