import asyncio
from dataclasses import replace

import pytest
from tests.fakes.fake_invoker import FakeInvoker
from tests.fakes.object_lambda import FUNCTION, NOW, REQUEST_ID, SESSION_KEY, input_url
from tests.fakes.object_lambda import request as caller_request

from onread.functions.invoker import Invocation
from onread.objectlambda.open_runs import OpenRuns
from onread.objectlambda.sessions import input_secret, open_session
from onread.sigv4.verify import read_signature, verify
from onread.wire.message import BytesBody, Headers, Request


def use_of(url, **changes):
    presigned = url.presigned
    request = Request(
        method=presigned.method,
        target=presigned.target,
        host=presigned.host,
        headers=Headers([("Host", presigned.host), ("User-Agent", "function")]),
        body=BytesBody(b""),
    )
    return replace(request, **changes)


def during_a_run(url, looks_at):
    """What ``looks_at`` finds in the runs while one is under way, and when it is over."""

    async def play():
        going_on, over = asyncio.Event(), asyncio.Event()

        async def function(*_):
            going_on.set()
            await over.wait()

        runs = OpenRuns()
        async with FakeInvoker(function) as invoker:
            invocation = Invocation(
                request_id=REQUEST_ID,
                function=FUNCTION,
                event=b"{}",
                deadline=asyncio.get_running_loop().time() + 60,
            )
            running = await runs.start(invoker, invocation, url)
            during = looks_at(runs)
            over.set()
            await running.finished
            await asyncio.sleep(0)
            return during, looks_at(runs)

    return asyncio.run(play())


def test_the_url_of_a_run_is_known_while_the_run_lasts():
    url = input_url()
    assert during_a_run(url, lambda runs: runs.url_used_by(use_of(url))) == (url, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "HEAD"},
        {"method": "PUT"},
        {"host": "127.0.0.1:9003"},
        {"headers": Headers([("Host", "h"), ("x-amz-checksum-mode", "ENABLED")])},
        {"headers": Headers([("Host", "h"), ("X-Amz-Content-SHA256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")])},
        {"headers": Headers([("Host", "h"), ("Authorization", "AWS4-HMAC-SHA256 Credential=x")])},
    ],
)
def test_T008_any_other_request_with_its_url_is_asked_for_its_signature(changes):
    url = input_url()
    assert during_a_run(url, lambda runs: runs.url_used_by(use_of(url, **changes)))[0] is None


@pytest.mark.parametrize("position", [1, 40, -1])
def test_a_url_that_differs_in_a_character_is_asked_for_its_signature(position):
    url = input_url()
    target = list(url.presigned.target)
    target[position] = "A" if target[position] != "A" else "B"
    request = use_of(url, target="".join(target))
    assert during_a_run(url, lambda runs: runs.url_used_by(request))[0] is None


def test_a_url_that_signs_a_header_of_the_caller_is_asked_for_its_signature():
    url = input_url(request=caller_request(x_amz_request_payer="requester"))
    assert during_a_run(url, lambda runs: runs.url_used_by(use_of(url)))[0] is None


def test_what_is_known_of_a_url_is_what_its_signature_and_session_say():
    url = input_url()
    request = use_of(url)
    claim = read_signature(request)
    assert claim == url.presigned.claim
    sealed = open_session(claim.session_token, key=SESSION_KEY, access_key_id=claim.access_key_id, now=NOW)
    assert sealed == url.principal
    secret = input_secret(claim.access_key_id, key=SESSION_KEY)
    assert verify(claim, request, secret) == url.presigned.verified
