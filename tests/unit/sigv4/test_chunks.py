"""`onread.sigv4.chunks` with `onread.wire.aws_chunked`: AWS's published upload, and forged ones."""

from datetime import UTC, datetime

import pytest
from tests.unit.sigv4.signed_requests import VECTORS

from onread.errors import SignatureDoesNotMatch
from onread.sigv4.chunks import ChunkSignatures
from onread.sigv4.signature import signing_key
from onread.wire.aws_chunked import ChunkedDecoder, ChunkEnd, ChunkStart, Data, End, Trailers
from onread.wire.checksums import new_checksum

CONTENT = [b"a" * 65536, b"a" * 1024, b""]


def chain(vector):
    return ChunkSignatures(
        signing_key=signing_key(VECTORS["secret"], "20130524", "us-east-1", "s3"),
        scope="20130524/us-east-1/s3/aws4_request",
        timestamp=datetime(2013, 5, 24, tzinfo=UTC),
        seed=vector["seed"],
    )


def framed(signatures, ending):
    chunks = [
        b"%x;chunk-signature=%s\r\n%s" % (len(data), signature.encode(), data + b"\r\n" if data else b"")
        for data, signature in zip(CONTENT, signatures, strict=True)
    ]
    return b"".join(chunks) + ending


def read(body, vector, announced=()):
    """The body's content, when every signature is true."""
    decoder = ChunkedDecoder(decoded_size_bytes=66560, signed=True, announced=announced)
    signatures, content = chain(vector), bytearray()
    for event in [*decoder.feed(body), *decoder.close()]:
        match event:
            case ChunkStart(signature=str(signature)):
                signatures.start_chunk(signature)
            case Data(data):
                signatures.update(data)
                content += data
            case ChunkEnd():
                signatures.end_chunk()
            case Trailers(fields, str(signature)):
                signatures.check_trailers(fields, signature)
            case End():
                return bytes(content)
    raise AssertionError("no end")


def test_the_published_chunks_verify():
    vector = VECTORS["chunks"]
    body = framed(vector["signatures"], b"\r\n")
    assert len(body) == 66824  # the Content-Length of the example
    assert read(body, vector) == b"a" * 66560


@pytest.mark.parametrize("index", [0, 1, 2])
def test_T030_a_wrong_chunk_signature_is_refused(index):
    vector = VECTORS["chunks"]
    signatures = list(vector["signatures"])
    signatures[index] = "0" * 64
    with pytest.raises(SignatureDoesNotMatch):
        read(framed(signatures, b"\r\n"), vector)


def test_T030_changed_data_and_changed_order_are_refused():
    vector = VECTORS["chunks"]
    body = framed(vector["signatures"], b"\r\n")
    with pytest.raises(SignatureDoesNotMatch):
        read(body.replace(b"a\r\n", b"b\r\n", 1), vector)
    with pytest.raises(SignatureDoesNotMatch):
        read(body, {**vector, "seed": "0" * 64})


def trailing(line_end, last_end, signature=None):
    vector = VECTORS["trailing"]
    (name, value), signature = vector["trailers"][0], signature or vector["trailer_signature"]
    ending = f"{name}:{value}{line_end}x-amz-trailer-signature:{signature}{last_end}"
    return framed(vector["signatures"], ending.encode())


@pytest.mark.parametrize("line_end", ["\r\n", "\n\r\n"])
@pytest.mark.parametrize("last_end", ["\r\n\r\n", "\r\n", "\n\r\n", "\n\r\n\r\n"])
def test_the_published_trailer_verifies_in_the_forms_of_aws_and_of_the_sdks(line_end, last_end):
    body = trailing(line_end, last_end)
    assert read(body, VECTORS["trailing"], ("x-amz-checksum-crc32c",)) == b"a" * 66560


def test_the_published_trailer_is_the_checksum_of_the_content():
    checksum = new_checksum("CRC32C")
    checksum.update(b"a" * 66560)
    assert checksum.value() == VECTORS["trailing"]["trailers"][0][1]


def test_T031_a_wrong_trailer_signature_is_refused():
    with pytest.raises(SignatureDoesNotMatch):
        read(trailing("\r\n", "\r\n\r\n", "0" * 64), VECTORS["trailing"], ("x-amz-checksum-crc32c",))


def test_T031_a_changed_trailer_is_refused():
    body = trailing("\r\n", "\r\n\r\n").replace(b"sOO8", b"sOO9")
    with pytest.raises(SignatureDoesNotMatch):
        read(body, VECTORS["trailing"], ("x-amz-checksum-crc32c",))


def test_trailers_are_signed_in_order_of_their_names():
    vector = VECTORS["trailing"]
    fields = [("x-amz-checksum-sha1", "a"), ("x-amz-checksum-crc32", "b")]
    assert chain(vector).sign_trailers(fields) == chain(vector).sign_trailers(fields[::-1])
