"""The body as it must be: decoded, its signatures and checksums verified while it streams.

A wrong chunk signature, hash or checksum raises from the body's iteration before its end, so whoever
writes commits nothing that did not agree.
"""

import base64
from collections.abc import Callable, Iterator

from onread.errors import (
    BadDigest,
    InvalidRequest,
    MalformedTrailerError,
    ServiceError,
    UnsupportedSignature,
    XAmzContentSHA256Mismatch,
)
from onread.gateway.aws_chunked_body import AwsChunkedBody, wrong_checksum
from onread.gateway.call import AuthorizedCall
from onread.sigv4.chunks import ChunkSignatures
from onread.sigv4.claim import read_payload_hash, read_single
from onread.sigv4.verify import VerifiedSignature
from onread.wire.aws_chunked import (
    ChunkedDecoder,
    parse_announced_trailers,
    parse_decoded_length,
    strip_aws_chunked,
)
from onread.wire.checksums import BY_HEADER, Checksum, decode_value, find_algorithm, new_checksum
from onread.wire.message import Body, Headers

_UNSIGNED = "UNSIGNED-PAYLOAD"
_SIGNED_TRAILERS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
_SIGNED_CHUNKS = ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", _SIGNED_TRAILERS)
_UNSIGNED_CHUNKS = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

# Headers that begin like a checksum's and say something about checksums.
_ABOUT = frozenset({"x-amz-checksum-algorithm", "x-amz-checksum-mode", "x-amz-checksum-type"})
# The operations whose document AWS takes with a checksum alone.
_CHECKED = frozenset({"DeleteObjects"})
_ONE_CHECKSUM = "Expecting a single x-amz-checksum- header"

Refusal = Callable[[str], ServiceError]
"""The error for a digest that differs, of the one that was computed, in base64."""
Expected = tuple[Checksum, str, Refusal]


class VerifiedBody(Body):
    """A body whose digests are compared at its end, in the order in which they are given.

    Raises (from iteration):
        BadDigest, XAmzContentSHA256Mismatch: instead of the end, when a digest differs.
    """

    def __init__(self, body: Body, expected: list[Expected]) -> None:
        self._body = body
        self._expected = expected
        self.length_bytes = body.length_bytes

    def let_sender_pause(self) -> None:
        """See `Body.let_sender_pause`."""
        self._body.let_sender_pause()

    async def __anext__(self) -> bytes:
        try:
            chunk = await self._body.__anext__()
        except StopAsyncIteration:
            for checksum, value, refusal in self._expected:
                if (computed := checksum.value()) != value:
                    raise refusal(computed) from None
            self.trailers = self._body.trailers
            raise
        for checksum, _, _ in self._expected:
            checksum.update(chunk)
        return chunk


def open_payload(call: AuthorizedCall) -> Body:
    """The payload of an authorised call, to be read once.

    Raises:
        InvalidRequest: the markers of the encoding contradict each other, a checksum header is not base64
            of the right length, there are several, or what is said of them is not so.
        MalformedTrailerError: trailers are announced for a body that cannot have any.
        InvalidDigest: ``Content-MD5`` is not.
        MissingContentLength: a chunk-encoded body does not say how long its content is.
        InvalidArgument: ``x-amz-content-sha256`` is none of the values that AWS names.
    """
    headers, claim = call.routed.request.headers, call.resolved.known.claim
    mode = (claim.payload_hash if claim else _hash_of_a_stranger(headers)) or _UNSIGNED
    # As for AWS the payload's hash decides: some clients leave the coding out.
    chunked = mode.startswith("STREAMING-")
    if not chunked and any(strip_aws_chunked(each)[0] for each in headers.get_all("content-encoding")):
        raise InvalidRequest("Content-Encoding: aws-chunked goes only with a STREAMING x-amz-content-sha256.")
    announced = parse_announced_trailers(headers.get("x-amz-trailer"))
    if call.routed.operation.checksum_algorithm_member is not None:
        _check_checksum_headers(headers, announced, required=call.routed.operation.name in _CHECKED)
    if announced and not mode.endswith("-TRAILER"):
        raise MalformedTrailerError
    expected = list(_declared(call))
    if not chunked and mode != _UNSIGNED:
        expected.insert(0, _signed_hash(mode))
    body = _decoded(call, mode, announced) if chunked else call.routed.request.body
    return VerifiedBody(body, expected) if expected else body


def _check_checksum_headers(headers: Headers, announced: tuple[str, ...], *, required: bool) -> None:
    """What the head says of checksums agrees with itself. The messages are AWS's."""
    given = [name for name in headers.names() if name.startswith("x-amz-checksum-") and name not in _ABOUT]
    if not BY_HEADER.keys() >= set(given):
        raise InvalidRequest("The algorithm type you specified in x-amz-checksum- header is invalid.")
    if len(given) > 1 or len(announced) > 1 or any(len(headers.get_all(name)) > 1 for name in given):
        raise InvalidRequest(f"{_ONE_CHECKSUM}. Multiple checksum Types are not allowed.")
    if given and announced:
        raise InvalidRequest(_ONE_CHECKSUM)
    said = headers.get("x-amz-sdk-checksum-algorithm")
    if said is not None:
        if not (given or announced):
            raise InvalidRequest(
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or "
                "x-amz-trailer headers were found."
            )
        if BY_HEADER[(given or announced)[0]].name != said.upper():
            raise InvalidRequest("Value for x-amz-sdk-checksum-algorithm header is invalid.")
    if required and not (given or announced) and headers.get("content-md5") is None:
        raise InvalidRequest("Missing required header for this request: Content-MD5 OR x-amz-checksum-*")


def _hash_of_a_stranger(headers: Headers) -> str | None:
    """What an unsigned request says of its payload; a signed one's was read with the signature."""
    value = read_single(headers, "x-amz-content-sha256")
    return None if value is None else read_payload_hash(value)


def announced_algorithm(call: AuthorizedCall) -> dict[str, str]:
    """``ChecksumAlgorithm`` as the trailer announces it, for a client that says it nowhere else."""
    names = parse_announced_trailers(call.routed.request.headers.get("x-amz-trailer"))
    return {"ChecksumAlgorithm": BY_HEADER[names[0]].name} if names else {}


def _decoded(call: AuthorizedCall, mode: str, announced: tuple[str, ...]) -> Body:
    headers, verified = call.routed.request.headers, call.resolved.known.verified
    if mode not in (*_SIGNED_CHUNKS, _UNSIGNED_CHUNKS):
        raise UnsupportedSignature(
            "Sign with AWS4-HMAC-SHA256: SigV4A and unknown streaming forms are refused."
        )
    if mode == _SIGNED_TRAILERS and not announced:
        raise InvalidRequest("x-amz-trailer must name the trailers whose signature comes.")
    length_bytes = parse_decoded_length(headers.get("x-amz-decoded-content-length"))
    signed = mode in _SIGNED_CHUNKS
    if signed and verified is None:
        raise InvalidRequest("Chunks can be signed only when the request is.")
    return AwsChunkedBody(
        call.routed.request.body,
        ChunkedDecoder(decoded_size_bytes=length_bytes, signed=signed, announced=announced),
        length_bytes=length_bytes,
        signatures=_signatures(verified) if signed and verified is not None else None,
        checksums={name: BY_HEADER[name].start() for name in announced},
    )


def _signatures(verified: VerifiedSignature) -> ChunkSignatures:
    return ChunkSignatures(
        signing_key=verified.signing_key,
        scope=verified.scope,
        timestamp=verified.timestamp,
        seed=verified.signature,
    )


def _declared(call: AuthorizedCall) -> Iterator[Expected]:
    """The digests that the head declares of this body.

    Only where the model says that the operation's checksum is of its body: CompleteMultipartUpload
    carries the checksum of the finished object under the same names.
    """
    headers = call.routed.request.headers
    if (md5 := headers.get("content-md5")) is not None:
        decode_value(find_algorithm("MD5"), md5)
        # AWS tells what was expected of an object in hexadecimal digits, of a document as it was given.
        told = base64.b64decode(md5).hex() if call.routed.operation.streaming_input else md5
        yield new_checksum("MD5"), md5, _wrong_md5(told)
    if call.routed.operation.checksum_algorithm_member is None:
        return
    for name, algorithm in BY_HEADER.items():
        if (value := headers.get(name)) is not None:
            decode_value(algorithm, value)
            yield algorithm.start(), value, _wrong_checksum(algorithm.name)


def _signed_hash(mode: str) -> Expected:
    def wrong(computed: str) -> ServiceError:
        return XAmzContentSHA256Mismatch(
            ClientComputedContentSHA256=mode, S3ComputedContentSHA256=base64.b64decode(computed).hex()
        )

    return new_checksum("SHA256"), base64.b64encode(bytes.fromhex(mode)).decode("ascii"), wrong


def _wrong_md5(expected: str) -> Refusal:
    def wrong(computed: str) -> ServiceError:
        return BadDigest(
            "The Content-MD5 you specified did not match what we received.",
            ExpectedDigest=expected,
            CalculatedDigest=computed,
        )

    return wrong


def _wrong_checksum(name: str) -> Refusal:
    return lambda _: wrong_checksum(name)
