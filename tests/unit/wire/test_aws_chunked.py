"""`onread.wire.aws_chunked`: the framing, however it is split, and every lie about it."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onread.errors import IncompleteBody, InvalidRequest, MalformedTrailerError, MissingContentLength
from onread.wire.aws_chunked import (
    ChunkedDecoder,
    ChunkEnd,
    ChunkStart,
    Data,
    End,
    Trailers,
    parse_announced_trailers,
    parse_decoded_length,
    strip_aws_chunked,
)
from onread.wire.checksums import BY_HEADER

CRC32 = "x-amz-checksum-crc32"
SHA1 = "x-amz-checksum-sha1"
SIGNATURE = "0123456789abcdef" * 4


def framed(chunks, *, signed=False, ending=b"\r\n"):
    extension = b";chunk-signature=" + SIGNATURE.encode() if signed else b""
    body = b"".join(b"%x%s\r\n%s\r\n" % (len(chunk), extension, chunk) for chunk in chunks)
    return body + b"0" + extension + b"\r\n" + ending


def decode(pieces, size, *, signed=False, announced=()):
    decoder = ChunkedDecoder(decoded_size_bytes=size, signed=signed, announced=announced)
    events = []
    for piece in pieces:
        events += decoder.feed(piece)
    return joined(events + decoder.close())


def joined(events):
    """Events with the pieces of each chunk's data put together."""
    result = []
    for event in events:
        if isinstance(event, Data) and result and isinstance(result[-1], Data):
            result[-1] = Data(result[-1].content + event.content)
        else:
            result.append(event)
    return result


def expected(chunks, *, signed=False, trailers=None):
    signature = SIGNATURE if signed else None
    events = []
    for chunk in chunks:
        events += [ChunkStart(len(chunk), signature), Data(chunk), ChunkEnd()]
    events += [ChunkStart(0, signature), ChunkEnd()]
    return [*events, *([trailers] if trailers else []), End()]


def test_what_botocore_sends_over_https():
    body = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"
    assert decode([body], 5, announced=(CRC32,)) == expected(
        [b"hello"], trailers=Trailers(((CRC32, "NhCmhg=="),), None)
    )


chunk_lists = st.lists(st.binary(min_size=1, max_size=40), max_size=4)
cut_places = st.lists(st.integers(0, 400), max_size=6)


def split(body, places):
    places = sorted({0, len(body), *(place for place in places if place < len(body))})
    return [body[start:stop] for start, stop in pairwise(places)]


@given(chunk_lists, st.booleans(), st.booleans(), cut_places)
def test_every_split_gives_the_same_events(chunks, signed, with_trailer, places):
    announced, trailers, ending = (), None, b"\r\n"
    if with_trailer:
        announced = (CRC32,)
        trailers = Trailers(((CRC32, "AAAAAA=="),), SIGNATURE if signed else None)
        ending = b"X-Amz-Checksum-CRC32: AAAAAA==\r\n"
        ending += b"x-amz-trailer-signature:%s\r\n\r\n" % SIGNATURE.encode() if signed else b"\r\n"
    body = framed(chunks, signed=signed, ending=ending)
    size = sum(map(len, chunks))
    wanted = expected(chunks, signed=signed, trailers=trailers)
    one_by_one = [body[index : index + 1] for index in range(len(body))]
    for pieces in ([body], split(body, places), one_by_one):
        assert decode(pieces, size, signed=signed, announced=announced) == wanted


def test_T034_a_body_that_ends_early_is_incomplete_at_every_byte():
    body = framed([b"hello", b"world" * 20], signed=True)
    for stop in range(len(body)):
        with pytest.raises(IncompleteBody):
            decode([body[:stop]], 105, signed=True)


def test_T034_a_trailer_that_ends_early_is_refused_at_every_byte():
    ending = f"{CRC32}:AAAAAA==\r\nx-amz-trailer-signature:{SIGNATURE}\r\n\r\n".encode()
    body = framed([b"hello"], signed=True, ending=ending)
    # Only the last, empty line may be missing: some signers do not send it, and all has come by then.
    for stop in range(len(body) - 2):
        with pytest.raises(IncompleteBody):
            decode([body[:stop]], 5, signed=True, announced=(CRC32,))


@pytest.mark.parametrize("size", [0, 4, 6, 1000])
def test_T033_a_wrong_decoded_length_is_incomplete(size):
    with pytest.raises(IncompleteBody):
        decode([framed([b"hello"])], size)


def test_an_error_tells_what_aws_tells_and_the_reason():
    with pytest.raises(IncompleteBody) as caught:
        decode([framed([b"hell"])], 5)
    assert caught.value.fields == {"NumberBytesExpected": "5", "NumberBytesProvided": "4"}
    with pytest.raises(IncompleteBody) as caught:
        decode([framed([b"hello", b"world"])], 5)
    assert caught.value.fields == {"NumberBytesExpected": "5", "NumberBytesProvided": "10"}
    with pytest.raises(IncompleteBody) as caught:
        decode([b"g\r\n"], 5)
    assert caught.value.text == "The request body terminated unexpectedly"
    assert caught.value.fields == {"Reason": "A chunk header of the aws-chunked body is not valid."}


def test_T033_too_many_bytes_are_refused_before_they_come():
    with pytest.raises(IncompleteBody):
        ChunkedDecoder(decoded_size_bytes=5, signed=False).feed(b"ffffffffffffffff\r\n")


@pytest.mark.parametrize(
    "text", ["-1", "1_000", "+5", "12345678901234567890", "", " 5", "5.0", "\u0665", "\u00b2"]
)
def test_T033_a_decoded_length_that_is_no_number_is_none(text):
    with pytest.raises(MissingContentLength):
        parse_decoded_length(text)


def test_T033_a_decoded_length_is_required():
    assert parse_decoded_length("0") == 0
    assert parse_decoded_length("5497558138880") == 5 * 2**40
    with pytest.raises(MissingContentLength):
        parse_decoded_length(None)


@pytest.mark.parametrize(
    "body",
    [
        b"\r\n",
        b"g\r\n",
        b"-1\r\n",
        b"+5\r\nhello\r\n",
        b"0x5\r\nhello\r\n",
        b" 5\r\nhello\r\n",
        b"5 \r\nhello\r\n",
        b"5\nhello\r\n",
        b"5\r\nhello\n0\r\n\r\n",
        b"5\r\nhelloworld\r\n",
        b"5\r\nhello0\r\n\r\n",
        b"5;x=y\r\nhello\r\n",
        b"5;chunk-signature=" + SIGNATURE.encode() + b"\r\nhello\r\n",
        b"00000000000000005\r\nhello\r\n",
        framed([b"hello"]) + b"x",
        framed([b"hello"]) + b"\r\n",
        framed([b"hello"]) + framed([b"hello"]),
    ],
)
def test_T035_broken_framing_is_refused(body):
    with pytest.raises(IncompleteBody):
        decode([body], 5)


@pytest.mark.parametrize(
    "header",
    [
        "5",
        "5;chunk-signature=",
        f"5;chunk-signature={SIGNATURE}0",
        f"5;chunk-signature={SIGNATURE};x=y",
        f"5;x=y;chunk-signature={SIGNATURE}",
        f"5;chunk-signature={SIGNATURE[:9]} {SIGNATURE[:9]}",
        f"5;signature={SIGNATURE}",
        f" 5;chunk-signature={SIGNATURE}",
    ],
)
def test_a_signed_chunk_has_its_signature(header):
    with pytest.raises(IncompleteBody):
        decode([f"{header}\r\nhello\r\n".encode()], 5, signed=True)


@pytest.mark.parametrize("written", ["%s", " %s", "%s \t"])
@pytest.mark.parametrize("name", [";chunk-signature=", " ; chunk-signature =", ";\tchunk-signature\t=\t"])
def test_spaces_around_a_chunks_parameter_are_nothing(name, written):
    header = f"5{name}{written % SIGNATURE}\r\n".encode()
    [start, _, _] = ChunkedDecoder(decoded_size_bytes=5, signed=True).feed(header + b"hello")
    assert start == ChunkStart(5, SIGNATURE)


@pytest.mark.parametrize("start", [b"0" * 2**20, b"5;" + b"x" * 2**20, b"5;chunk-signature=" + b"0" * 2**20])
def test_T035_an_endless_chunk_header_is_refused_early(start):
    decoder = ChunkedDecoder(decoded_size_bytes=5, signed=False)
    with pytest.raises(IncompleteBody):
        decoder.feed(start)
    with pytest.raises(IncompleteBody):
        decode([start[:1]] * 200, 5)


def test_T035_many_small_chunks_are_decoded_in_linear_time():
    def seconds(count):
        body = framed([b"x"] * count)
        decoder = ChunkedDecoder(decoded_size_bytes=count, signed=False)
        start = time.perf_counter()
        assert decoder.feed(body)[-1] == End()
        return time.perf_counter() - start

    few, many = min(seconds(2_000) for _ in range(3)), min(seconds(20_000) for _ in range(3))
    assert many < few * 40


def trailing(text, *, signed=False, announced=(CRC32,)):
    return decode([framed([b"hello"], signed=signed, ending=text)], 5, signed=signed, announced=announced)


def test_trailers_come_in_any_order_letter_case_and_spacing():
    text = b"x-amz-checksum-sha1: abc= \r\nX-AMZ-CHECKSUM-CRC32:\tAAAAAA==\r\n\r\n"
    events = trailing(text, announced=(CRC32, SHA1))
    assert events[-2:] == [Trailers(((SHA1, "abc="), (CRC32, "AAAAAA==")), None), End()]


def test_a_bare_newline_is_no_end_of_trailers():
    with pytest.raises(IncompleteBody):
        decode([framed([b"hello"], ending=f"{CRC32}:NhCmhg==\n".encode())], 5, announced=(CRC32,))


@pytest.mark.parametrize("text", [b"%s:v\n\r\n", b"%s:v\n\r\n\r\n", b"%s:v\r\n", b"%s:v\r\n\r\n"])
def test_trailer_lines_end_as_the_documentation_or_as_the_sdks_write_them(text):
    assert trailing(text % CRC32.encode())[-2:] == [Trailers(((CRC32, "v"),), None), End()]


@pytest.mark.parametrize(
    "text",
    [
        b"\r\n",  # announced and absent
        b"x-amz-checksum-sha1:v\r\n\r\n",  # not announced
        b"x-amz-checksum-crc32:v\r\nx-amz-checksum-crc32:v\r\n\r\n",  # twice
        b"x-amz-checksum-crc32:v\r\nx-amz-checksum-sha1:v\r\n\r\n",  # one more
        b"content-length:5\r\n\r\n",
        b"authorization:x\r\n\r\n",
        b"host:x\r\n\r\n",
        b"x-amz-trailer-signature:" + SIGNATURE.encode() + b"\r\n\r\n",  # in an unsigned body
        b"x-amz-checksum-crc32\r\n\r\n",
        b"x-amz-checksum-crc32:\r\n\r\n",
        b"x-amz-checksum-crc32 :v\r\n\r\n",
        b" x-amz-checksum-crc32:v\r\n\r\n",
        b"x-amz-checksum-crc32:a b\r\n\r\n",
        b"x-amz-checksum-crc32:\x00\r\n\r\n",
        b"x-amz-checksum-crc32:\xc3\xa9\r\n\r\n",
        b"x-amz-checksum-crc32:a\rb\r\n\r\n",
        b"x-amz-checksum-crc32:v\r\n\n",
        b":v\r\n\r\n",
        b"x" * 5000,
        b"x-amz-checksum-crc32:v\r\n" + b"x-amz-checksum-sha1:v\r\n" * 500,
    ],
)
def test_T031_any_other_trailer_is_malformed(text):
    with pytest.raises(MalformedTrailerError):
        trailing(text)


@pytest.mark.parametrize(
    "text",
    [
        f"{CRC32}:v\r\n\r\n",
        f"x-amz-trailer-signature:{SIGNATURE}\r\n{CRC32}:v\r\n\r\n",
        f"{CRC32}:v\r\nx-amz-trailer-signature:{SIGNATURE}\r\nx-amz-trailer-signature:{SIGNATURE}\r\n\r\n",
    ],
)
def test_T031_signed_trailers_end_with_one_signature(text):
    with pytest.raises(MalformedTrailerError):
        trailing(text.encode(), signed=True)


def test_T031_long_trailers_in_small_pieces_are_refused_too():
    with pytest.raises(MalformedTrailerError):
        decode([b"0\r\n", *[b"x-amz-ch"] * 600], 0, announced=(CRC32,))


def test_T031_trailers_are_bounded_together():
    names = tuple(BY_HEADER)[:5]
    text = b"".join(b"%s:%s\r\n" % (name.encode(), b"A" * 1000) for name in names)
    with pytest.raises(MalformedTrailerError, match="not well-formed"):
        trailing(text + b"\r\n", announced=names)


def test_T031_trailers_nobody_announced_are_malformed():
    with pytest.raises(MalformedTrailerError):
        trailing(b"x-amz-checksum-crc32:v\r\n\r\n", announced=())


def test_T031_only_checksums_are_announced():
    assert parse_announced_trailers(None) == ()
    assert parse_announced_trailers("") == ()
    assert parse_announced_trailers("X-Amz-Checksum-CRC32") == (CRC32,)
    assert parse_announced_trailers(f"{CRC32}, {SHA1}") == (CRC32, SHA1)
    for commas in (",", ",,", ", "):
        assert parse_announced_trailers(CRC32 + commas) == (CRC32,)
    for text in (
        "content-length",
        "host",
        f"{CRC32},{CRC32}",
        f"{CRC32}, ,",
        f",{CRC32}",
        f"{CRC32},,{SHA1}",
        "x-amz-trailer-signature",
        "x-amz-meta-a",
    ):
        with pytest.raises(InvalidRequest):
            parse_announced_trailers(text)


def test_closing_a_complete_body_adds_nothing():
    decoder = ChunkedDecoder(decoded_size_bytes=0, signed=False)
    assert decoder.feed(framed([]))[-1] == End()
    assert decoder.feed(b"") == []
    assert decoder.close() == []


@given(
    st.binary(max_size=60) | st.text(st.sampled_from("0125af;\r\n:x-"), max_size=60).map(str.encode),
    st.booleans(),
)
def test_no_bytes_are_another_error(body, signed):
    try:
        events = decode([body], 5, signed=signed, announced=(CRC32,))
    except (IncompleteBody, InvalidRequest, MalformedTrailerError):
        return
    assert events[-1] == End()


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (None, (False, None)),
        ("gzip", (False, "gzip")),
        ("aws-chunked", (True, None)),
        ("aws-chunked,gzip", (True, "gzip")),
        ("gzip, AWS-Chunked", (True, "gzip")),
        ("gzip,aws-chunked , br", (True, "gzip, br")),
    ],
)
def test_aws_chunked_is_taken_from_the_content_encodings(header, found):
    assert strip_aws_chunked(header) == found
