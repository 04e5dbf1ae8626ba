"""An upload's body as the store is to get it: plain, or aws-chunked with its checksum behind it."""

from collections.abc import AsyncIterator, Sequence

from onread.wire.checksums import BY_HEADER
from onread.wire.message import Body, IteratorBody

TRAILER_PAYLOAD = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
# MinIO takes chunks up to 16 MiB.
CHUNK_BYTES = 1 << 20


def reframe(body: Body, names: Sequence[str]) -> Body:
    """The body in aws-chunked's unsigned form, with the trailers that the caller's had.

    Its length is known when the content's is: the layout of the chunks is fixed. The trailers come
    only after the body has ended well, so a store that waits for them commits nothing that was wrong.

    Args:
        names: of the trailers that will have come, checksums each.
    """
    length_bytes = body.length_bytes
    assert length_bytes is not None  # aws-chunked says it
    return IteratorBody(_frames(body, length_bytes), _framed_bytes(length_bytes, names))


def _framed_bytes(length_bytes: int, names: Sequence[str]) -> int:
    whole, rest = divmod(length_bytes, CHUNK_BYTES)
    framed = whole * (len(_chunk_head(CHUNK_BYTES)) + CHUNK_BYTES + 2)
    if rest:
        framed += len(_chunk_head(rest)) + rest + 2
    return framed + len(_chunk_head(0)) + sum(_trailer_bytes(name) for name in names) + 2


def _trailer_bytes(name: str) -> int:
    value_bytes = (BY_HEADER[name].size_bytes + 2) // 3 * 4  # base64
    return len(name) + 1 + value_bytes + 2


def _chunk_head(size_bytes: int) -> bytes:
    return b"%x\r\n" % size_bytes


async def _frames(body: Body, length_bytes: int) -> AsyncIterator[bytes]:
    missing, room = length_bytes, 0
    async for piece in body:
        while piece:
            if not room:
                room = min(missing, CHUNK_BYTES)
                yield _chunk_head(room)
            taken, piece = piece[:room], piece[room:]
            room -= len(taken)
            missing -= len(taken)
            yield taken
            if not room:
                yield b"\r\n"
    lines = [f"{name}:{value}\r\n".encode("latin-1") for name, value in body.trailers]
    yield b"".join([_chunk_head(0), *lines, b"\r\n"])
