"""An aws-chunked upload as the plain body inside it, its chunk signatures and trailers checked."""

import hmac
from collections import deque
from collections.abc import Mapping

from onread.errors import BadDigest
from onread.sigv4.chunks import ChunkSignatures
from onread.wire.aws_chunked import ChunkedDecoder, ChunkEnd, ChunkStart, Data, Trailers
from onread.wire.checksums import BY_HEADER, Checksum, decode_value
from onread.wire.message import Body


def wrong_checksum(algorithm: str) -> BadDigest:
    """The error for a checksum, in a header or a trailer, that the body has not."""
    return BadDigest(f"The {algorithm} you specified did not match the calculated checksum.")


class AwsChunkedBody(Body):
    """The decoded content of ``body``.

    Data is handed on as it comes, before its chunk's signature is known: whoever stores it commits
    only after the end, which comes only when every signature and every trailer agreed.

    Args:
        signatures: None for the unsigned form.
        checksums: running ones by trailer name, compared with the trailers that come.

    Raises (from iteration):
        SignatureDoesNotMatch: a chunk or the trailers are signed by somebody else.
        BadDigest: a trailer's checksum differs.
        InvalidRequest: it is not base64 of the right length.
        IncompleteBody, MalformedTrailerError: see `ChunkedDecoder`.
    """

    def __init__(
        self,
        body: Body,
        decoder: ChunkedDecoder,
        *,
        length_bytes: int,
        signatures: ChunkSignatures | None,
        checksums: Mapping[str, Checksum],
    ) -> None:
        self.length_bytes = length_bytes
        self._body = body
        self._decoder = decoder
        self._signatures = signatures
        self._checksums = checksums
        self._ready: deque[bytes] = deque()
        self._ended = False

    def let_sender_pause(self) -> None:
        """See `Body.let_sender_pause`."""
        self._body.let_sender_pause()

    async def __anext__(self) -> bytes:
        while not self._ready:
            if self._ended:
                raise StopAsyncIteration
            await self._decode_more()
        return self._ready.popleft()

    async def _decode_more(self) -> None:
        try:
            events = self._decoder.feed(await self._body.__anext__())
        except StopAsyncIteration:
            events = self._decoder.close()
            self._ended = True
        for event in events:
            match event:
                case ChunkStart(_, signature) if self._signatures is not None:
                    self._signatures.start_chunk(signature or "")
                case Data(content):
                    self._take(content)
                case ChunkEnd() if self._signatures is not None:
                    self._signatures.end_chunk()
                case Trailers(fields, signature):
                    self._check_trailers(fields, signature)

    def _take(self, content: bytes) -> None:
        if self._signatures is not None:
            self._signatures.update(content)
        for checksum in self._checksums.values():
            checksum.update(content)
        self._ready.append(content)

    def _check_trailers(self, fields: tuple[tuple[str, str], ...], signature: str | None) -> None:
        if self._signatures is not None:
            self._signatures.check_trailers(fields, signature or "")
        for name, value in fields:
            algorithm = BY_HEADER[name]
            decode_value(algorithm, value, kind="trailing header")
            if not hmac.compare_digest(self._checksums[name].value(), value):
                raise wrong_checksum(algorithm.name)
        self.trailers = fields
