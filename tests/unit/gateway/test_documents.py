import asyncio

import pytest
from tests.fakes.virtual_time import run_in_virtual_time

from onread.errors import MaxMessageLengthExceeded, RequestTimeout
from onread.gateway.documents import read_document
from onread.wire.message import BytesBody, IteratorBody


async def dripping(count, pause_seconds, piece=b"x"):
    for _ in range(count):
        await asyncio.sleep(pause_seconds)
        yield piece


def test_a_document_is_read_whole():
    assert asyncio.run(read_document(BytesBody(b"document"), 8)) == b"document"


@pytest.mark.parametrize("body", [BytesBody(b"document"), IteratorBody(dripping(8, 0))])
def test_T253_a_longer_one_is_refused(body):
    with pytest.raises(MaxMessageLengthExceeded):
        asyncio.run(read_document(body, 7))


@pytest.mark.parametrize("declared", [100, None])
def test_T254_a_sender_that_drips_is_cut_off(declared):
    async def main():
        began = asyncio.get_running_loop().time()
        with pytest.raises(RequestTimeout):
            await read_document(IteratorBody(dripping(100, 20), declared), 1000)
        return asyncio.get_running_loop().time() - began

    assert 30 <= run_in_virtual_time(main()) < 31


def test_a_large_one_may_take_its_time():
    async def main():
        body = IteratorBody(dripping(70, 8, bytes(1 << 20)), 70 << 20)
        return len(await read_document(body, 70 << 20))

    assert run_in_virtual_time(main()) == 70 << 20
