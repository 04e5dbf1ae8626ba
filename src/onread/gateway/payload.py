"""The body as it must be: decoded, its signatures and checksums verified while it streams.

A wrong chunk signature, hash or checksum raises from the body's iteration before its end, so whoever
writes commits nothing that did not agree.
"""

from collections.abc import Iterable

from onread.errors import (
    BadDigest,
    IncompleteBody,
    InvalidDigest,
    InvalidRequest,
    MissingContentLength,
    UnsupportedSignature,
    XAmzContentSHA256Mismatch,
)
from onread.gateway.aws_chunked_body import AwsChunkedBody
from onread.gateway.call import AuthorizedCall
from onread.wire.checksums import ALGORITHMS, Checksum, header_name, is_valid_value, new_checksum
from onread.wire.message import Body, Headers

_STREAMING = "STREAMING-"
_UNSIGNED = "UNSIGNED-PAYLOAD"


class VerifiedBody(Body):
    """A body whose digests are compared at its end.

    Raises (from iteration):
        BadDigest, XAmzContentSHA256Mismatch: instead of the end, when a digest differs.
    """

    def __init__(self, body: Body, expected: Iterable[tuple[Checksum, str, type[Exception]]]) -> None:
        self._body = body
        self._expected = tuple(expected)
        self.length_bytes = body.length_bytes

    async def __anext__(self) -> bytes:
        try:
            chunk = await self._body.__anext__()
        except StopAsyncIteration:
            self._compare()
            raise
        for checksum, _, _ in self._expected:
            checksum.update(chunk)
        return chunk

    def _compare(self) -> None:
        for checksum, value, refusal in self._expected:
            if checksum.value() != value:
                raise refusal


def open_payload(call: AuthorizedCall) -> Body:
    """The payload of an authorised call, to be read once.

    Raises:
        InvalidRequest: the markers of the encoding contradict each other.
        InvalidDigest: a digest header is not base64 of the right length.
        MissingContentLength: a chunk-encoded body does not say how long its content is.
    """
    request, claim = call.routed.request, call.resolved.known.claim
    mode = (claim.payload_hash if claim else request.headers.get("x-amz-content-sha256")) or _UNSIGNED
    chunked = "aws-chunked" in (request.headers.get("content-encoding") or "").replace(" ", "").split(",")
    if chunked != mode.startswith(_STREAMING):
        raise InvalidRequest(
            "Content-Encoding: aws-chunked goes with a STREAMING value of x-amz-content-sha256, and only with it."
        )
    body = _decoded(call, mode) if chunked else request.body
    expected = list(_declared_digests(request.headers))
    if not chunked and mode != _UNSIGNED and call.routed.document is None:
        expected.append((new_checksum("SHA256"), _base64_of_hex(mode), XAmzContentSHA256Mismatch))
    return VerifiedBody(body, expected) if expected else body


def _decoded(call: AuthorizedCall, mode: str) -> Body:
    if "ECDSA" in mode:
        raise UnsupportedSignature("SigV4A is not supported: sign with AWS4-HMAC-SHA256.")
    request, known = call.routed.request, call.resolved.known
    declared = request.headers.get("x-amz-decoded-content-length")
    if declared is None:
        raise MissingContentLength("Send x-amz-decoded-content-length with an aws-chunked body.")
    if not (declared.isascii() and declared.isdigit() and len(declared) <= 15):
        raise IncompleteBody("x-amz-decoded-content-length must be a whole number of bytes.")
    trailers = tuple(
        name.strip().lower() for name in (request.headers.get("x-amz-trailer") or "").split(",") if name.strip()
    )
    signed = mode.startswith("STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
    if not signed and mode != "STREAMING-UNSIGNED-PAYLOAD-TRAILER":
        raise InvalidRequest(f"x-amz-content-sha256: {mode[:80]} is not known.")
    return AwsChunkedBody(
        request.body,
        decoded_length_bytes=int(declared),
        trailers=trailers,
        verified=known.verified if signed else None,
        signed_trailer=signed and mode.endswith("-TRAILER"),
    )


def _declared_digests(headers: Headers) -> Iterable[tuple[Checksum, str, type[Exception]]]:
    if (md5 := headers.get("content-md5")) is not None:
        if not is_valid_value("MD5", md5):
            raise InvalidDigest("The Content-MD5 you specified is not valid.")
        yield new_checksum("MD5"), md5, BadDigest
    for algorithm in ALGORITHMS:
        value = headers.get(header_name(algorithm))
        if value is not None:
            if not is_valid_value(algorithm, value):
                raise InvalidRequest(f"Value for {header_name(algorithm)} header is invalid.")
            yield new_checksum(algorithm), value, BadDigest


def _base64_of_hex(digest: str) -> str:
    from base64 import b64encode

    return b64encode(bytes.fromhex(digest)).decode()
