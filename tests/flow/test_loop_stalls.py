"""T-259: no single callback of the loop takes long, whatever document comes in.

Counted is the processor time of the loop's own thread, so that a busy machine does not matter much.
"""

import asyncio
import time
from dataclasses import replace

import pytest
from tests.fakes.road import open_road

from onread.wire.output import Output

MOST_SECONDS = 0.1


class Watched(asyncio.SelectorEventLoop):
    """asyncio's loop, and how long its longest callback took."""

    longest_seconds = 0.0

    def call_soon(self, callback, *args, context=None):
        return super().call_soon(self._watch, callback, args, context=context)

    def _watch(self, callback, args):
        began = time.thread_time()
        callback(*args)
        self.longest_seconds = max(self.longest_seconds, time.thread_time() - began)


PART = b"<Part><PartNumber>%d</PartNumber><ETag>&quot;0123456789abcdef0123456789abcdef&quot;</ETag></Part>"
COMPLETE = b"CompleteMultipartUpload"
ROOM = b"<a/>" * 11_000
DOCUMENTS = {
    "10,000 parts": (
        "POST",
        "/bucket/key?uploadId=x",
        "s3",
        b"<%b>%b</%b>" % (COMPLETE, b"".join(PART % number for number in range(1, 10_001)), COMPLETE),
    ),
    "1,000 long keys": (
        "POST",
        "/bucket?delete=",
        "s3",
        b"<Delete>%s</Delete>" % (b"<Object><Key>%s</Key></Object>" % (b"k" * 1000) * 1000),
    ),
    "unknown elements": ("POST", "/bucket?delete=", "s3", b"<Delete>%s</Delete>" % ROOM),
    "an endless text": ("POST", "/bucket?delete=", "s3", b"<Delete>%s</Delete>" % (b"&lt;" * 500_000)),
    "deep JSON": ("POST", "/2015-03-31/functions", "lambda", b'{"a":' * 40_000),
    "wide JSON": ("POST", "/2015-03-31/functions", "lambda", b'{"a":[%s]}' % (b"[]," * 80_000 + b"[]")),
}


async def create(call):
    return Output(members={}, status=201)


@pytest.mark.slow
@pytest.mark.parametrize("name", DOCUMENTS)
def test_T259_no_document_holds_the_loop(tmp_path, name):
    method, target, service, body = DOCUMENTS[name]

    async def send():
        async with open_road(tmp_path / "data") as road:
            await road.call("PUT", "/bucket")
            dispatch = replace(road.pipeline.dispatch, control={("lambda", "CreateFunction"): create})
            road.pipeline = replace(road.pipeline, dispatch=dispatch)
            request = road.signed(method, target, body, service=service)
            loop.longest_seconds = 0.0
            return await road.send(request)

    for _ in range(3):  # the best of three: other processes take the caches away
        loop = Watched()
        with asyncio.Runner(loop_factory=lambda loop=loop: loop) as runner:
            answer = runner.run(send())
        if loop.longest_seconds < MOST_SECONDS:
            break
    assert answer.status in (200, 201, 400, 501)  # this store knows no multipart uploads
    assert 0 < loop.longest_seconds < MOST_SECONDS
