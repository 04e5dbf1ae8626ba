"""R-062: aws-chunked bodies and trailers: the same events however they are cut, and no byte too many."""

from collections.abc import Iterable

from tests.fuzz.harness import Draw, Target, pieces
from tests.fuzz.refusals import check_refusal

from onread.errors import ServiceError
from onread.wire.aws_chunked import ChunkedDecoder, Data, Event, parse_announced_trailers

SIGNATURE = b";chunk-signature=" + b"a1" * 32
ANNOUNCED = ("", "x-amz-checksum-crc32", "x-amz-checksum-crc32c,x-amz-checksum-sha256", "x-amz-meta-a", "a,a")


def decode(
    parts: Iterable[bytes], *, size: int, signed: bool, announced: tuple[str, ...]
) -> tuple[list[Event], bytes] | tuple[type, str]:
    """The events besides data and the data as one; or what was refused."""
    decoder = ChunkedDecoder(decoded_size_bytes=size, signed=signed, announced=announced)
    events: list[Event] = []
    try:
        for part in parts:
            events += decoder.feed(part)
        events += decoder.close()
    except ServiceError as error:
        check_refusal(error, "s3")
        return type(error), error.text
    content = b"".join(event.content for event in events if isinstance(event, Data))
    return [event for event in events if not isinstance(event, Data)], content


def check(content: bytes) -> None:
    draw = Draw(content)
    signed, size, header = bool(draw.below(2)), draw.below(300), draw.pick(ANNOUNCED)
    body = _built(draw, size, signed, header) if draw.below(2) else draw.rest()
    try:
        announced = parse_announced_trailers(header)
    except ServiceError as error:
        check_refusal(error, "s3")
        return
    settings = {"size": size, "signed": signed, "announced": announced}
    whole = decode([body], **settings)
    assert decode([body[i : i + 1] for i in range(len(body))], **settings) == whole
    assert decode(pieces(body, body), **settings) == whole
    if isinstance(whole[1], bytes):
        assert len(whole[1]) == size
        assert whole[1] in _without_framing(body), "bytes that no chunk held"


def _built(draw: Draw, size: int, signed: bool, announced: str) -> bytes:
    """A body that is well framed, then some of its bytes changed."""
    signature = SIGNATURE if signed else b""
    body, left = bytearray(), size
    while left:
        taken = min(left, 1 + draw.below(200))
        body += b"%x%b\r\n%b\r\n" % (taken, signature, bytes([draw.byte()]) * taken)
        left -= taken
    body += b"0%b\r\n" % signature
    for name in announced.split(",") if announced else ():
        body += b"%b:AAAA\r\n" % name.encode()
    if signed and announced:
        body += b"x-amz-trailer-signature:%b\r\n" % (b"b2" * 32)
    body += b"\r\n"
    for _ in range(draw.below(3)):
        body[draw.below(len(body))] = draw.byte()
    return bytes(body)


def _without_framing(body: bytes) -> bytes:
    """The payload, by a reader that trusts every size."""
    payload, place = b"", 0
    while (end := body.find(b"\r\n", place)) >= 0:
        size = int(body[place:end].partition(b";")[0], 16)
        payload += body[end + 2 : end + 2 + size]
        if not size:
            break
        place = end + 4 + size
    return payload


def _seed(signed: bool, size: int, announced: int, body: bytes) -> bytes:
    return bytes([signed, size >> 8, size & 255, announced, 0]) + body


TARGET = Target(
    case="R-062",
    check=check,
    seeds=[
        _seed(False, 5, 0, b"5\r\nabcde\r\n0\r\n\r\n"),
        _seed(False, 7, 1, b"5\r\nabcde\r\n2\r\nfg\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"),
        _seed(False, 0, 2, b"0\r\nx-amz-checksum-crc32c:a\nx-amz-checksum-sha256:b\n\r\n\r\n"),
        _seed(True, 5, 0, b"5" + SIGNATURE + b"\r\nabcde\r\n0" + SIGNATURE + b"\r\n\r\n"),
        _seed(
            *(True, 1, 1),
            b"1%b\r\na\r\n0%b\r\nx-amz-checksum-crc32:AAAAAA==\r\nx-amz-trailer-signature:%b\r\n\r\n"
            % (SIGNATURE, SIGNATURE, b"b2" * 32),
        ),
        *(bytes([signed, 0, 250, announced, 1, *range(40)]) for signed in (0, 1) for announced in (0, 1, 2)),
        _seed(False, 256, 0, b"100\r\n" + b"z" * 256 + b"\r\n0\r\n"),
    ],
    words=[
        SIGNATURE,
        b"\r\n",
        b"0\r\n\r\n",
        b"x-amz-checksum-crc32:",
        b"x-amz-trailer-signature:",
        b"5\r\nabcde\r\n",
    ],
)
