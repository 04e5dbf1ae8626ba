"""One S3 endpoint as a store."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from hashlib import sha256
from typing import Any

import structlog

from onread.addressing.copy_source import CopySource, copy_source_text
from onread.errors import AccessDenied, NotImplemented, S3Error, ServiceUnavailable, SlowDown
from onread.outbound.client import Client
from onread.outbound.failures import Busy, LateAnswer, NoAnswer, OutboundFailure, Unreachable
from onread.outbound.message import Limits, Origin, Outgoing, tls_terms
from onread.protocol.model import Service
from onread.sigv4.canonical import Pair
from onread.sigv4.claim import UNSIGNED_PAYLOAD
from onread.store_settings import StoreSettings
from onread.stores.store import StoreCall
from onread.stores.upstream.answer import LONGEST_ERROR_BYTES, pass_on
from onread.stores.upstream.breaker import Breaker
from onread.stores.upstream.documents import render_delete, render_location, with_own_digest
from onread.stores.upstream.measured import StoreMetrics
from onread.stores.upstream.own import read_members, refusal, render_members
from onread.stores.upstream.reframe import TRAILER_PAYLOAD, reframe
from onread.stores.upstream.request import (
    direct_url,
    forwarded_headers,
    forwarded_query,
    host_of,
    path_of,
    signed_headers,
)
from onread.stores.upstream.tags import read_tags
from onread.telemetry.metrics import Metrics
from onread.wire.aws_chunked import parse_announced_trailers
from onread.wire.checksums import find_algorithm
from onread.wire.frozen import changed
from onread.wire.message import Body, Headers, Request, Response
from onread.wire.output import Output

_log = structlog.get_logger("onread.store")
_SAID_ALGORITHM = "x-amz-sdk-checksum-algorithm"
_EMPTY_SHA256 = sha256(b"").hexdigest()

# A store that answers these has read or written a whole object first.
_LONG_WORK = frozenset({"CompleteMultipartUpload", "CopyObject", "UploadPartCopy"})
LONG_WORK_SECONDS = 300.0
LOOK_SECONDS = 3.0
"""How long whoever asks for the stores' state waits for one of them."""
_ENDLESS = frozenset({"GetObject", "GetObjectTorrent", "SelectObjectContent"})


class UpstreamStore:
    """An S3 endpoint; made by `open`.

    A caller's request goes through raw: method, parameters, headers, document and body, signed with the
    store's credentials. The answer comes back as a ready `Response`. What onread itself asks (a call
    without a request) is answered with an `Output`.

    Args:
        region: the gateway's.
        clock: aware datetimes, for signatures.
    """

    def __init__(
        self,
        settings: StoreSettings,
        client: Client,
        *,
        s3: Service,
        region: str,
        clock: Callable[[], datetime],
        metrics: Metrics,
    ) -> None:
        self.settings = settings
        self._metrics = StoreMetrics(metrics, settings.name)
        self._client = client
        self._s3 = s3
        self._region = region
        self._clock = clock
        self._breaker = Breaker(asyncio.get_running_loop().time)

    @classmethod
    def open(
        cls,
        settings: StoreSettings,
        *,
        s3: Service,
        region: str,
        clock: Callable[[], datetime],
        metrics: Metrics,
    ) -> "UpstreamStore":
        """The store that the settings name; nothing is sent yet. In a running loop.

        Raises:
            OSError, ssl.SSLError: its certificates cannot be read.
        """
        tls = tls_terms(settings.tls_ca) if settings.scheme == "https" else None
        limits = Limits(
            connect_seconds=settings.connect_seconds,
            first_byte_seconds=settings.first_byte_seconds,
            stall_seconds=settings.stall_seconds,
            connections=settings.max_connections,
        )
        client = Client(Origin(host=settings.host, port=settings.port, tls=tls), limits)
        return cls(settings, client, s3=s3, region=region, clock=clock, metrics=metrics)

    async def close(self) -> None:
        """Every connection is gone."""
        await self._client.close()

    async def execute(self, call: StoreCall, scope: AsyncExitStack) -> Output | Response:
        """Do one operation; see `Store.execute`.

        Raises:
            SlowDown: the store cannot be reached, or every connection to it is in use.
            ServiceUnavailable: what it says is no answer, or it refuses onread itself.
        """
        if call.request is None:
            return await self._ask(call, scope)
        return await self._forward(call, call.request, scope)

    def direct_url(
        self, bucket: str, method: str, key: str, query: Mapping[str, str], expires_seconds: int
    ) -> str:
        """A URL of the store itself that reads one object until it expires."""
        return direct_url(
            self.settings,
            bucket,
            key,
            method=method,
            query=query,
            now=self._clock(),
            expires_seconds=expires_seconds,
        )

    async def _forward(self, call: StoreCall, request: Request, scope: AsyncExitStack) -> Output | Response:
        bypasses = bool(call.params.get("BypassGovernanceRetention"))
        headers = forwarded_headers(request.headers, bypasses_retention=bypasses)
        if call.copy_source is not None:
            headers.append(("x-amz-copy-source", copy_source_text(call.copy_source)))
            await self._check_tags(call, call.copy_source)
        body, payload_hash, headers = await self._payload(call, request.headers, headers)
        response = await self._send(
            call,
            Outgoing(
                method=request.method,
                target=self._target(call, forwarded_query(request.query)),
                headers=headers,
                body=body,
                first_byte_seconds=LONG_WORK_SECONDS if call.operation in _LONG_WORK else None,
            ),
            payload_hash,
            scope,
        )
        if call.operation == "GetBucketLocation" and response.status == 200:
            # As far as the gateway's clients know, the bucket is where the gateway is.
            return Output(members={"LocationConstraint": "" if self._region == "us-east-1" else self._region})
        return await pass_on(
            self.settings,
            response,
            request_id=call.request_id,
            region=self._region,
            head=request.method == "HEAD",
            endless=call.operation in _ENDLESS,
        )

    async def _check_tags(self, call: StoreCall, source: CopySource) -> None:
        """A copy takes its source's tags along: who may not, copies only what has none."""
        copies = call.operation == "CopyObject" and call.params.get("TaggingDirective") != "REPLACE"
        if not copies or await call.may_copy_tags():
            return
        params = {"Key": source.key, **({"VersionId": source.version_id} if source.version_id else {})}
        asked = StoreCall(
            operation="GetObjectTagging", bucket=source.container, params=params, account_id=call.account_id
        )
        if await read_tags(self, asked):
            raise AccessDenied

    async def _payload(
        self, call: StoreCall, given: Headers, headers: list[Pair]
    ) -> tuple[Body | bytes, str, list[Pair]]:
        """What is sent as the body, the hash it is signed with, and the headers that go with it."""
        if call.operation == "DeleteObjects" and call.document is None:
            document = render_delete(call.params["Delete"])
            return document, sha256(document).hexdigest(), with_own_digest(headers, document)
        if call.operation == "CreateBucket":
            document = render_location(self.settings.region)
            return document, sha256(document).hexdigest(), with_own_digest(headers, document)
        if call.document is not None:
            # What stood behind the document stands before it now.
            headers = [*headers, *call.body.trailers]
            return call.document, sha256(call.document).hexdigest(), headers
        if call.body.length_bytes == 0 and not given.get("x-amz-trailer"):
            await call.body.read(0)  # it may still say that it is not what was signed
            return b"", _EMPTY_SHA256, headers
        mode = given.get("x-amz-content-sha256") or UNSIGNED_PAYLOAD
        names = parse_announced_trailers(given.get("x-amz-trailer"))
        if names and self.settings.trailers:
            headers = [
                *headers,
                ("Content-Encoding", "aws-chunked"),
                ("x-amz-decoded-content-length", str(call.body.length_bytes)),
                ("x-amz-trailer", ",".join(names)),
            ]
            return reframe(call.body, names), TRAILER_PAYLOAD, _one_encoding(headers)
        if names:  # the checksum that it speaks of goes no further
            headers = [header for header in headers if header[0].lower() != _SAID_ALGORITHM]
        # Callers may write a hash in capitals; stores compare the text.
        mode = UNSIGNED_PAYLOAD if mode.startswith(("STREAMING-", UNSIGNED_PAYLOAD)) else mode.lower()
        return call.body, mode, headers

    async def _ask(self, call: StoreCall, scope: AsyncExitStack) -> Output:
        operation = self._s3.operations[call.operation]
        if operation.method not in ("GET", "HEAD") and not operation.streaming_input:
            raise NotImplemented(f"onread itself does not ask a store for {call.operation}.")
        params, given = _with_trailer(call.params)
        query, headers = render_members(operation, params)
        body, payload_hash, headers = await self._payload(call, given, headers)
        outgoing = Outgoing(
            method=operation.method, target=self._target(call, query), headers=headers, body=body
        )
        response = await self._send(call, outgoing, payload_hash, scope)
        answer = await pass_on(
            self.settings,
            response,
            region=self._region,
            head=operation.method == "HEAD",
            endless=operation.streaming_output,
        )
        if answer.status >= 400:
            document = (
                answer.body if isinstance(answer.body, bytes) else await answer.body.read(LONGEST_ERROR_BYTES)
            )
            raise refusal(call.operation, answer, document)
        return read_members(operation, answer)

    def _target(self, call: StoreCall, query: str) -> str:
        path = path_of(self.settings, call.bucket, call.params.get("Key"))
        return f"{path}?{query}" if query else path

    async def _send(
        self, call: StoreCall, outgoing: Outgoing, payload_hash: str, scope: AsyncExitStack
    ) -> Response:
        path, _, query = outgoing.target.partition("?")
        signed = signed_headers(
            self.settings,
            method=outgoing.method,
            host=host_of(self.settings, call.bucket),
            path=path,
            query=query,
            headers=outgoing.headers,
            payload_hash=payload_hash,
            now=self._clock(),
        )
        try:
            with self._metrics.request() as seen, self._breaker.passage():
                response = await self._client.send(changed(outgoing, headers=signed), scope)
                seen.append(response.status)
                self._breaker.answered()
        except OutboundFailure as failure:
            raise self._mapped(call, failure) from failure
        return response

    async def look(self) -> str:
        """Whether it is there: ``reachable``, ``unreachable``, or ``failing`` when it refuses onread."""
        bucket = min(self.settings.buckets) if self.settings.buckets else ""
        operation = "HeadBucket" if bucket else "ListBuckets"
        call = StoreCall(operation=operation, bucket=bucket, params={}, account_id="")
        try:
            async with AsyncExitStack() as scope, asyncio.timeout(LOOK_SECONDS):
                await self._ask(call, scope)
        except (SlowDown, TimeoutError):
            return "unreachable"
        except (ServiceUnavailable, AccessDenied):
            return "failing"
        except S3Error:
            return "reachable"  # it has answered
        return "reachable"

    @property
    def is_left_alone(self) -> bool:
        """It did not answer, and is asked by a probe at most."""
        return self._breaker.is_open

    @property
    def open_connections(self) -> int:
        """Connections of this process to it, idle ones included."""
        return self._client.open_connections

    def _mapped(self, call: StoreCall, failure: OutboundFailure) -> SlowDown | ServiceUnavailable:
        _log.warning(
            "store.failed",
            store=self.settings.name,
            operation=call.operation,
            failure=type(failure).__name__,
            text=str(failure),
        )
        match failure:
            case Busy():
                return SlowDown("The store of this bucket has much to do.", retry_after_seconds=1)
            case Unreachable() | NoAnswer() | LateAnswer():
                self._breaker.failed()
                return SlowDown("The store of this bucket does not answer.", retry_after_seconds=1)
            case _:
                self._breaker.answered()
                return ServiceUnavailable("The store of this bucket answers with what is no answer.")


def _with_trailer(params: Mapping[str, Any]) -> tuple[Mapping[str, Any], Headers]:
    """A checksum that is known at the end of a body of onread's own is announced as a client would."""
    algorithm = params.get("ChecksumAlgorithm")
    if algorithm is None:
        return params, Headers()
    rest = {name: value for name, value in params.items() if name != "ChecksumAlgorithm"}
    return rest, Headers([("x-amz-trailer", find_algorithm(algorithm).header)])


def _one_encoding(headers: Sequence[Pair]) -> list[Pair]:
    """``Content-Encoding`` on one line, aws-chunked first, as SDKs write it."""
    codings = [value for name, value in headers if name.lower() == "content-encoding"]
    rest = [pair for pair in headers if pair[0].lower() != "content-encoding"]
    return [
        *rest,
        ("Content-Encoding", ",".join(["aws-chunked", *(c for c in codings if c != "aws-chunked")])),
    ]
