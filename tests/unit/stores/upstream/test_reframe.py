"""An upload's trailing checksum is sent on behind the body, and its length is known before."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onread.errors import BadDigest
from onread.stores.upstream.reframe import CHUNK_BYTES, reframe
from onread.wire.aws_chunked import ChunkedDecoder, Data, Trailers
from onread.wire.checksums import BY_HEADER
from onread.wire.message import IteratorBody

NAME = "x-amz-checksum-crc32"


def body_of(pieces, then=None):
    checksum = BY_HEADER[NAME].start()

    async def generate():
        for piece in pieces:
            checksum.update(piece)
            yield piece
        if then is not None:
            raise then
        body.trailers = ((NAME, checksum.value()),)

    body = IteratorBody(generate(), sum(map(len, pieces)))
    return body


async def framed(pieces, then=None):
    body = reframe(body_of(pieces, then), [NAME])
    content = b"".join([chunk async for chunk in body])
    assert len(content) == body.length_bytes
    return content


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=5))
def test_what_is_framed_decodes_to_what_it_was(pieces):
    content = asyncio.run(framed(pieces))
    decoder = ChunkedDecoder(decoded_size_bytes=len(b"".join(pieces)), signed=False, announced=(NAME,))
    events = [*decoder.feed(content), *decoder.close()]
    assert b"".join(event.content for event in events if isinstance(event, Data)) == b"".join(pieces)
    (trailers,) = [event for event in events if isinstance(event, Trailers)]
    assert trailers.fields[0][0] == NAME


@pytest.mark.parametrize("size", [CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES])
def test_chunks_are_no_longer_than_stores_take(size):
    content = asyncio.run(framed([b"x" * size]))
    assert content.startswith(b"%x\r\n" % min(size, CHUNK_BYTES))
    assert content.count(b"x" * 10) > 0


def test_no_end_follows_a_body_that_was_wrong():
    async def main():
        body = reframe(body_of([b"abc"], BadDigest()), [NAME])
        assert [await anext(body) for _ in range(3)] == [b"3\r\n", b"abc", b"\r\n"]
        with pytest.raises(BadDigest):
            await anext(body)

    asyncio.run(main())
