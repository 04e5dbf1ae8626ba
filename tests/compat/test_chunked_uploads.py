"""aws-chunked uploads built byte by byte, and what happens when they lie (T-011, T-030 to T-036)."""

import base64
import socket
import struct
import zlib
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from tests.compat.conftest import wait_until
from tests.compat.wire import (
    CHUNKS,
    CHUNKS_AND_TRAILER,
    NOTHING,
    UNSIGNED,
    UNSIGNED_CHUNKS,
    host_of,
    pieces,
    presigned_target,
    root_key,
    send,
    send_signed,
    signed,
    value_of,
)
from tests.fakes.checksums import DIGESTS, base64_value

from onread.sigv4.chunks import ChunkSignatures
from onread.sigv4.signature import signing_key

pytestmark = [pytest.mark.compat, pytest.mark.slow]
BODY = b"".join(b"%05d\n" % number for number in range(5000))
LENGTH = str(len(BODY))
CHUNK_BYTES = 8192
CRC32 = base64.b64encode(zlib.crc32(BODY).to_bytes(4, "big")).decode()
TRAILER = ("x-amz-checksum-crc32", CRC32)


@pytest.fixture(scope="module")
def bucket(world):
    return world.bucket()


@pytest.fixture
def path(world, bucket):
    return f"/{bucket}/{world.unique('chunked')}"


def head_of(world, path, mode, *, decoded=LENGTH, trailer=True, extra=()):
    """The signed headers of a chunked PUT."""
    headers = [("content-encoding", "aws-chunked"), *extra]
    if decoded is not None:
        headers.append(("x-amz-decoded-content-length", decoded))
    if trailer and mode.endswith("-TRAILER"):
        headers.append(("x-amz-trailer", TRAILER[0]))
    return signed(world, "PUT", path, headers=headers, payload_hash=mode)


def chain_of(world, headers):
    """The rolling signatures that begin with this request's own."""
    authorization = value_of(headers, "authorization")
    scope = authorization.partition("Credential=")[2].partition(",")[0].partition("/")[2]
    date, region, service, _ = scope.split("/")
    return ChunkSignatures(
        signing_key=signing_key(root_key(world).secret, date, region, service),
        scope=scope,
        timestamp=datetime.strptime(value_of(headers, "x-amz-date"), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC),
        seed=authorization.rpartition("Signature=")[2],
    )


def sign_chunk(chain, data):
    signature = chain.sign_chunk(sha256(data).hexdigest())
    chain.start_chunk(signature)
    chain.update(data)
    chain.end_chunk()
    return signature


def signed_body(world, headers, trailers=(), *, newline=b"\r\n", spoil=None, spoil_trailer=False):
    """The chunks and trailers; ``spoil``: the number of the chunk whose signature is invented."""
    chain, made = chain_of(world, headers), b""
    for number, data in enumerate([*pieces(BODY, CHUNK_BYTES), b""]):
        signature = sign_chunk(chain, data)
        if number == spoil:
            signature = "a1" * 32
        made += b"%x;chunk-signature=%s\r\n%s" % (len(data), signature.encode(), data)
        made += b"\r\n" if data else b""
    if trailers:
        lines = b"".join(f"{name}:{value}".encode() + newline for name, value in trailers)
        signature = "a1" * 32 if spoil_trailer else chain.sign_trailers(trailers)
        made += lines + b"x-amz-trailer-signature:" + signature.encode() + newline
    return made + b"\r\n"


def unsigned_body(trailers=(TRAILER,), *, body=BODY):
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(data), data) for data in pieces(body, CHUNK_BYTES))
    lines = "".join(f"{name}:{value}\r\n" for name, value in trailers).encode()
    return chunks + b"0\r\n" + lines + b"\r\n"


def stored(world, path):
    answer = send_signed(world, "GET", path, payload_hash=NOTHING)
    return answer.body if answer.status == 200 else None


def assert_refused(world, path, answer, *refusals):
    assert answer.refusal in refusals, answer.body
    assert stored(world, path) is None


# True ones


def test_signed_chunks_are_stored(world, path):
    headers = head_of(world, path, CHUNKS)
    assert send(world, "PUT", path, headers, signed_body(world, headers)).status == 200
    assert stored(world, path) == BODY


@pytest.mark.parametrize("newline", [b"\r\n", b"\n"], ids=["as SDKs", "as the documentation"])
def test_T031_a_true_trailer_signature_is_good(world, path, newline):
    headers = head_of(world, path, CHUNKS_AND_TRAILER)
    body = signed_body(world, headers, (TRAILER,), newline=newline)
    answer = send(world, "PUT", path, headers, body)
    assert answer.status == 200, answer.body
    assert stored(world, path) == BODY
    assert answer.headers[TRAILER[0]] == CRC32


def test_unsigned_chunks_with_a_trailer_are_stored(world, path):
    headers = head_of(world, path, UNSIGNED_CHUNKS)
    assert send(world, "PUT", path, headers, unsigned_body()).status == 200
    assert stored(world, path) == BODY


def test_only_the_real_encoding_is_kept(world, path):
    sent = [("content-encoding", "aws-chunked,gzip"), ("x-amz-decoded-content-length", LENGTH)]
    sent.append(("x-amz-trailer", TRAILER[0]))
    headers = signed(world, "PUT", path, headers=sent, payload_hash=UNSIGNED_CHUNKS)
    assert send(world, "PUT", path, headers, unsigned_body()).status == 200
    answer = send_signed(world, "HEAD", path)
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-length"] == str(len(BODY))


def test_aws_chunks_inside_http_chunks(world, path):
    """What botocore sends over TLS: two layers of chunks, one inside the other."""
    headers = head_of(world, path, UNSIGNED_CHUNKS, extra=[("transfer-encoding", "chunked")])
    outer = b"".join(b"%x\r\n%s\r\n" % (len(data), data) for data in pieces(unsigned_body(), 5000))
    head = head_bytes(world, path, [*headers, ("connection", "close")])
    answer = world.raw(head + outer + b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert stored(world, path) == BODY


def head_bytes(world, path, headers):
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"PUT {path} HTTP/1.1\r\nHost: {host_of(world)}\r\n{lines}\r\n".encode()


# False ones


def test_T011_another_hash_than_the_body_has_leaves_nothing(world, path):
    headers = signed(world, "PUT", path, payload_hash=sha256(b"declared").hexdigest())
    answer = send(world, "PUT", path, headers, b"sent")
    assert_refused(world, path, answer, ("XAmzContentSHA256Mismatch", 400))


def test_T011_a_false_hash_leaves_the_old_object(world, path):
    assert send_signed(world, "PUT", path, b"old").status == 200
    answer = send_signed(world, "PUT", path, b"new", payload_hash=sha256(b"other").hexdigest())
    assert answer.refusal == ("XAmzContentSHA256Mismatch", 400)
    assert stored(world, path) == b"old"


@pytest.mark.parametrize("spoil", [0, 1, 3, 4], ids=["first", "middle", "last", "zero"])
@pytest.mark.parametrize("mode", [CHUNKS, CHUNKS_AND_TRAILER])
def test_T030_a_wrong_chunk_signature_discards_everything(world, path, spoil, mode):
    headers = head_of(world, path, mode)
    trailers = (TRAILER,) if mode == CHUNKS_AND_TRAILER else ()
    answer = send(world, "PUT", path, headers, signed_body(world, headers, trailers, spoil=spoil))
    assert_refused(world, path, answer, ("SignatureDoesNotMatch", 403))


def test_T030_chunks_without_signatures_are_not_signed(world, path):
    headers = head_of(world, path, CHUNKS)
    answer = send(world, "PUT", path, headers, unsigned_body(()))
    assert 400 <= answer.status <= 403
    assert stored(world, path) is None


def test_T031_a_wrong_trailer_signature_is_refused(world, path):
    headers = head_of(world, path, CHUNKS_AND_TRAILER)
    body = signed_body(world, headers, (TRAILER,), spoil_trailer=True)
    assert_refused(world, path, send(world, "PUT", path, headers, body), ("SignatureDoesNotMatch", 403))


@pytest.mark.parametrize(
    "trailers",
    [
        (),
        (TRAILER, TRAILER),
        (("x-amz-checksum-crc32c", CRC32),),
        (TRAILER, ("x-amz-meta-a", "b")),
        (TRAILER, ("content-length", "5")),
        (TRAILER, ("authorization", "x")),
        (TRAILER, ("host", "x")),
    ],
)
def test_T031_other_trailers_than_announced_are_refused(world, path, trailers):
    headers = head_of(world, path, UNSIGNED_CHUNKS)
    answer = send(world, "PUT", path, headers, unsigned_body(trailers))
    assert_refused(world, path, answer, ("MalformedTrailerError", 400), ("InvalidRequest", 400))


@pytest.mark.parametrize("announced", ["host", "authorization", "content-length", "x-amz-meta-a", ""])
def test_T031_what_is_no_checksum_is_no_trailer(world, path, announced):
    extra = [("x-amz-trailer", announced)]
    headers = head_of(world, path, UNSIGNED_CHUNKS, trailer=False, extra=extra)
    answer = send(world, "PUT", path, headers, unsigned_body(((announced, "x"),)))
    assert 400 <= answer.status <= 403
    assert stored(world, path) is None


@pytest.mark.parametrize("algorithm", DIGESTS)
def test_T032_every_algorithm_is_checked_in_a_trailer(world, path, algorithm):
    name = f"x-amz-checksum-{algorithm.lower()}"
    headers = head_of(world, path, UNSIGNED_CHUNKS, trailer=False, extra=[("x-amz-trailer", name)])
    false = unsigned_body(((name, base64_value(algorithm, b"other")),))
    assert_refused(world, path, send(world, "PUT", path, headers, false), ("BadDigest", 400))
    true = unsigned_body(((name, base64_value(algorithm, BODY)),))
    answer = send(world, "PUT", path, headers, true)
    assert (answer.status, answer.headers[name]) == (200, base64_value(algorithm, BODY))
    assert stored(world, path) == BODY


def test_T032_a_false_checksum_in_a_trailer_is_refused(world, path):
    wrong = ((TRAILER[0], "AAAAAA=="),)
    headers = head_of(world, path, UNSIGNED_CHUNKS)
    assert_refused(world, path, send(world, "PUT", path, headers, unsigned_body(wrong)), ("BadDigest", 400))
    headers = head_of(world, path, CHUNKS_AND_TRAILER)
    body = signed_body(world, headers, wrong)
    assert_refused(world, path, send(world, "PUT", path, headers, body), ("BadDigest", 400))


@pytest.mark.parametrize(
    "decoded", ["0", "29999", "30001", "-1", "1_000", "+5", "9" * 20, "", None, "\u00b2", " ", "1e4", "0x10"]
)
def test_T033_a_decoded_length_that_lies_is_refused(world, path, decoded):
    headers = head_of(world, path, UNSIGNED_CHUNKS, decoded=decoded)
    answer = send(world, "PUT", path, headers, unsigned_body())
    assert 400 <= answer.status < 500
    assert stored(world, path) is None


@pytest.mark.parametrize("abort", [False, True], ids=["FIN", "RST"])
def test_T034_a_body_that_ends_early_leaves_nothing(world, path, abort):
    body = unsigned_body((("x-amz-checksum-crc32", "DUoRhQ=="),), body=b"hello world")
    headers = head_of(world, path, UNSIGNED_CHUNKS, decoded="11")
    request = head_bytes(world, path, [*headers, ("content-length", str(len(body)))])
    for length in range(len(body)):
        with socket.create_connection(world.address, timeout=10) as connection:
            connection.sendall(request + body[:length])
            if abort:
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            else:
                connection.shutdown(socket.SHUT_WR)
                connection.recv(65536)
    assert stored(world, path) is None
    (aside,) = (world.gateway.log_file.parent / "data").rglob("tmp")
    wait_until(lambda: not list(aside.iterdir()))


@pytest.mark.parametrize(
    "line",
    [
        b"ffffffffffffffff\r\n",
        b"fffffffffffffffff\r\n",
        b"0" * 70_000 + b"5\r\n",
        b"5hello",
        b"-5\r\n",
        b"5;" + b"x" * 70_000,
    ],
    ids=["huge", "17 digits", "zeros", "no line end", "negative", "extension"],
)
def test_T035_chunk_sizes_are_bounded(world, path, line):
    headers = head_of(world, path, UNSIGNED_CHUNKS)
    answer = send(world, "PUT", path, headers, line + b"hello\r\n" + unsigned_body())
    assert 400 <= answer.status < 500
    assert stored(world, path) is None


def test_T035_many_small_chunks_are_stored(world, path):
    body = b"".join(b"1\r\n%c\r\n" % byte for byte in BODY) + b"0\r\n%s:%s\r\n\r\n" % (
        TRAILER[0].encode(),
        CRC32.encode(),
    )
    headers = head_of(world, path, UNSIGNED_CHUNKS)
    assert send(world, "PUT", path, headers, body).status == 200
    assert stored(world, path) == BODY


@pytest.mark.parametrize("mode", [UNSIGNED, sha256(unsigned_body()).hexdigest()])
def test_T036_the_coding_without_its_marker_is_refused(world, path, mode):
    headers = head_of(world, path, mode, trailer=False)
    answer = send(world, "PUT", path, headers, unsigned_body())
    assert_refused(world, path, answer, ("InvalidRequest", 400))


def test_T036_the_marker_without_its_coding_never_stores_framing(world, path):
    """Some clients leave out Content-Encoding; the body is decoded all the same."""
    sent = [("x-amz-decoded-content-length", LENGTH), ("x-amz-trailer", TRAILER[0])]
    headers = signed(world, "PUT", path, headers=sent, payload_hash=UNSIGNED_CHUNKS)
    assert send(world, "PUT", path, headers, unsigned_body()).status == 200
    assert stored(world, path) == BODY
    headers = signed(world, "PUT", path, headers=sent[:1], payload_hash=CHUNKS)
    refused = send(world, "PUT", path, headers, unsigned_body(()))
    assert (refused.status, refused.code) == (400, "IncompleteBody")
    assert stored(world, path) == BODY


def test_a_body_that_could_have_trailers_may_announce_none(world, path):
    headers = head_of(world, path, UNSIGNED_CHUNKS, trailer=False)
    assert send(world, "PUT", path, headers, unsigned_body(())).status == 200
    assert stored(world, path) == BODY


@pytest.mark.parametrize(
    ("mode", "said", "code"),
    [
        (UNSIGNED, [("x-amz-trailer", TRAILER[0])], "MalformedTrailerError"),
        (UNSIGNED, [("x-amz-trailer", TRAILER[0]), ("x-amz-checksum-crc32", CRC32)], "InvalidRequest"),
        (UNSIGNED, [("x-amz-checksum-bad", CRC32)], "InvalidRequest"),
        (UNSIGNED, [("x-amz-sdk-checksum-algorithm", "CRC32")], "InvalidRequest"),
        (
            UNSIGNED,
            [("x-amz-sdk-checksum-algorithm", "CRC32C"), ("x-amz-checksum-crc32", CRC32)],
            "InvalidRequest",
        ),
        (UNSIGNED, [("x-amz-checksum-crc32", CRC32), ("x-amz-checksum-crc32", CRC32)], "InvalidRequest"),
        (UNSIGNED, [("content-encoding", "gzip"), ("content-encoding", "aws-chunked")], "InvalidRequest"),
        (CHUNKS, [("x-amz-trailer", TRAILER[0])], "MalformedTrailerError"),
        (CHUNKS_AND_TRAILER, [], "InvalidRequest"),
        (UNSIGNED_CHUNKS, [("x-amz-trailer", f"{TRAILER[0]},x-amz-checksum-sha1")], "InvalidRequest"),
    ],
)
def test_what_the_head_says_of_checksums_agrees_with_itself(world, path, mode, said, code):
    """The codes are AWS's, as OpenStack Swift's authors have seen them (its test/s3api)."""
    if mode == UNSIGNED:
        headers = signed(world, "PUT", path, headers=said, payload_hash=mode)
        answer = send(world, "PUT", path, headers, BODY)
    else:
        headers = head_of(world, path, mode, trailer=False, extra=said)
        answer = send(world, "PUT", path, headers, unsigned_body())
    assert_refused(world, path, answer, (code, 400))


def test_the_announced_algorithm_may_be_said_again(world, path):
    extra = [("x-amz-sdk-checksum-algorithm", "crc32")]
    headers = head_of(world, path, UNSIGNED_CHUNKS, extra=extra)
    assert send(world, "PUT", path, headers, unsigned_body()).status == 200
    assert stored(world, path) == BODY


def test_a_trailers_value_that_is_no_checksum_is_told_as_that(world, path):
    headers = head_of(world, path, UNSIGNED_CHUNKS)
    answer = send(world, "PUT", path, headers, unsigned_body(((TRAILER[0], "not-base-64"),)))
    assert_refused(world, path, answer, ("InvalidRequest", 400))
    assert b"trailing header" in answer.body


def test_an_upper_case_hash_is_one(world, path):
    digest = sha256(BODY).hexdigest().upper()
    assert send_signed(world, "PUT", path, BODY, payload_hash=digest).status == 200
    assert stored(world, path) == BODY
    assert send_signed(world, "PUT", path, BODY + b"more", payload_hash=digest).status == 400


@pytest.mark.parametrize("mode", [CHUNKS, CHUNKS_AND_TRAILER, UNSIGNED_CHUNKS])
def test_T004_a_presigned_url_streams_nothing_by_its_query_either(world, path, mode):
    target = presigned_target(world, "PUT", path, query=[("X-Amz-Content-Sha256", mode)])
    answer = send(world, "PUT", target, [("x-amz-decoded-content-length", LENGTH)], unsigned_body(()))
    assert_refused(world, path, answer, ("AccessDenied", 403))


def test_many_objects_are_deleted_only_with_a_checksum_of_their_names(world, bucket):
    document = b"<Delete><Object><Key>nothing</Key></Object></Delete>"
    answer = send_signed(world, "POST", f"/{bucket}", document, query="delete=")
    assert (answer.status, answer.code) == (400, "InvalidRequest")
    assert b"Content-MD5 OR x-amz-checksum-*" in answer.body
