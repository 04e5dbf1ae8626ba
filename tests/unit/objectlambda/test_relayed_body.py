import asyncio
import base64
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.object_lambda import FedBody

from onread.errors import BadDigest, IncompleteBody
from onread.objectlambda.relayed_body import PrefixedBody, RelayedBody, look_into
from onread.objectlambda.response import DeclaredChecksum
from onread.wire.message import Body, BytesBody, IteratorBody


def crc32(content: bytes) -> DeclaredChecksum:
    return DeclaredChecksum(
        algorithm="CRC32", value=base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode()
    )


async def chunks_of(*chunks):
    for chunk in chunks:
        yield chunk


def pulled(body: Body) -> tuple[list[bytes], Exception | None]:
    """What the caller got, and what cut it."""

    got: list[bytes] = []

    async def pull():
        try:
            while True:
                got.append(await anext(body))
        except StopAsyncIteration:
            return got, None
        except (BadDigest, IncompleteBody) as error:
            return got, error

    return asyncio.run(pull())


def relayed(chunks, *, length=None, checksum=None):
    return RelayedBody(IteratorBody(chunks_of(*chunks), length), checksum)


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=6), st.booleans(), st.booleans())
def test_any_body_arrives_chunk_by_chunk(chunks, declared, checked):
    content = b"".join(chunks)
    body = relayed(
        chunks, length=len(content) if declared else None, checksum=crc32(content) if checked else None
    )
    assert pulled(body) == (chunks, None)
    assert body.complete


@given(st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=6))
def test_T109_a_wrong_checksum_never_lets_a_declared_length_become_whole(chunks):
    content = b"".join(chunks)
    body = relayed(chunks, length=len(content), checksum=crc32(content + b"!"))
    got, error = pulled(body)
    assert isinstance(error, BadDigest)
    assert len(b"".join(got)) < len(content)
    assert not body.complete


def test_T109_a_wrong_checksum_comes_instead_of_the_end_of_an_unknown_length():
    body = relayed([b"a", b"b"], checksum=crc32(b"x"))
    got, error = pulled(body)
    assert (got, type(error)) == ([b"a", b"b"], BadDigest)


def test_T107_a_short_body_raises_before_its_end():
    got, error = pulled(relayed([b"hello"], length=10))
    assert (got, type(error)) == ([b"hello"], IncompleteBody)


def test_T107_a_source_that_lies_about_its_end_is_short_too():
    class Lying(BytesBody):
        def __init__(self):
            super().__init__(b"hello")
            self.length_bytes = 10

    _, error = pulled(RelayedBody(Lying(), None))
    assert isinstance(error, IncompleteBody)


def test_T108_more_than_declared_is_refused():
    class Long(FedBody):
        pass

    async def case():
        source = Long(5).feed(b"hello").feed(b"more")
        with pytest.raises(IncompleteBody, match="More than"):
            await anext(RelayedBody(source, None))

    asyncio.run(case())


def test_the_first_chunk_does_not_wait_for_the_second():
    async def case():
        source = FedBody().feed(b"a")
        body = RelayedBody(source, crc32(b"ab"))
        assert await anext(body) == b"a"
        source.feed(b"b").end()
        assert [chunk async for chunk in body] == [b"b"]

    asyncio.run(case())


def test_after_its_end_it_stays_at_its_end():
    async def case():
        body = relayed([b"a"], length=1)
        assert [chunk async for chunk in body] == [b"a"]
        assert [chunk async for chunk in body] == []

    asyncio.run(case())


def test_looking_into_a_body_of_known_length_reads_nothing():
    async def case():
        source = FedBody(5)
        assert await look_into(source) == (False, source)
        assert await look_into(BytesBody(b"")) == (True, await_empty)

    await_empty = type("Anything", (), {"__eq__": lambda *_: True, "__hash__": None})()
    asyncio.run(case())


def test_looking_into_a_body_of_unknown_length_reads_one_chunk_and_loses_none():
    async def case():
        source = FedBody().feed(b"a").feed(b"b").end()
        empty, body = await look_into(source)
        assert (empty, source.pulled_bytes) == (False, 1)
        assert isinstance(body, PrefixedBody)
        assert [chunk async for chunk in body] == [b"a", b"b"]
        assert await look_into(FedBody().end()) == (True, await_any)

    await_any = type("Anything", (), {"__eq__": lambda *_: True, "__hash__": None})()
    asyncio.run(case())
