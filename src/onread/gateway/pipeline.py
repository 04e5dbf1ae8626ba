"""The road: the whole way of one request, from bytes to answer. The file to read first."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from types import TracebackType

import structlog

from onread.addressing.address import Address, Located
from onread.addressing.locate import locate
from onread.errors import AccessForbidden, InternalError, ServiceError
from onread.gateway.admission import Admission
from onread.gateway.authenticate import Authenticator
from onread.gateway.authorize import Authorizer
from onread.gateway.call import RoutedCall, is_object_lambda
from onread.gateway.cors import Cors
from onread.gateway.dispatch import Dispatch
from onread.gateway.line_limit import LineLimit
from onread.gateway.observe import Observation, request_log, standing_headers
from onread.gateway.resolve import Resolver
from onread.gateway.route import route_request
from onread.protocol.error_document import render_error
from onread.protocol.model import Services
from onread.protocol.serialize import serialize
from onread.sigv4.verify import claimed_credential
from onread.telemetry.metrics import Metrics
from onread.wire.cors import VARY
from onread.wire.message import Request, Response

_log = structlog.get_logger("onread.gateway")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """Every request of every caller and every function goes through `handle`.

    Attributes:
        cors: what other origins' browsers may do. None: nothing, as where functions ask.
        admission: the callers'. None for what functions ask, which must never wait behind callers.
        catch_up: makes known what other processes have written. None: there are no others.
    """

    services: Services
    authenticate: Authenticator
    resolve: Resolver
    authorize: Authorizer
    dispatch: Dispatch
    metrics: Metrics
    domains: Sequence[str]
    host_id: str
    clock: Callable[[], datetime]
    cors: Cors | None = None
    admission: Admission | None = None
    catch_up: Callable[[], Awaitable[None]] | None = None
    log: structlog.typing.FilteringBoundLogger = field(default_factory=request_log)
    strangers: LineLimit = field(default_factory=LineLimit)

    def handle(self, request: Request) -> AbstractAsyncContextManager[Response]:
        """Answer one request; the scope stays open until its last byte is sent or the caller is gone."""
        return _Answering(self, request)

    async def respond(self, request: Request, seen: Observation, scope: AsyncExitStack) -> Response:
        """The answer, an error's document included; ``scope`` is closed already when it is one."""
        try:
            try:
                return await self._answer(request, seen, scope)
            except BaseException as failure:
                await scope.__aexit__(type(failure), failure, failure.__traceback__)
                raise
        except ServiceError as error:
            return self._refusal(error, seen)
        except Exception as bug:  # the only one on the road: whatever this is, it is ours
            _log.exception("request.bug", request_id=seen.request_id, exc_info=bug)
            return self._refusal(InternalError(), seen)

    async def _answer(self, request: Request, seen: Observation, scope: AsyncExitStack) -> Response:
        located = await self._admit(request, seen, scope)
        if request.method == "OPTIONS" and located.address.is_data:
            return self._preflight(request, located, seen)
        if self.catch_up is not None:
            await self.catch_up()
        routed = await self._route(request, located, seen)
        known = await self.authenticate(routed, now=self.clock())
        seen.caller = known.principal.arn
        resolved = self.resolve(known)
        if is_object_lambda(resolved):
            seen.resource = ""
        allowed = await self.authorize(resolved, now=self.clock())
        answer = await self.dispatch(allowed, scope)
        if not isinstance(answer, Response):
            answer = serialize(routed.operation, answer, request_id=seen.request_id)
        answer.headers += self._standing_headers(seen)
        return answer

    async def _admit(self, request: Request, seen: Observation, scope: AsyncExitStack) -> Located:
        access_key_id, service = claimed_credential(request)
        located = locate(
            method=request.method,
            host=request.host,
            path=request.path,
            claimed_service=service,
            has_route_header="x-amz-request-route" in request.headers,
            account_header=request.headers.get("x-amz-account-id"),
            domains=self.domains,
        )
        seen.service = located.address.service
        if self.cors is not None:
            seen.cors = self.cors.headers_for(request, located.address)
        if self.admission is not None:
            await self.admission.admit(request, located.address, access_key_id, scope)
        return located

    def _preflight(self, request: Request, located: Located, seen: Observation) -> Response:
        """A browser's own question, never signed: the bucket's rules answer it."""
        seen.operation, seen.target, seen.cors = "Preflight", str(located.address), []
        if self.cors is None:
            raise AccessForbidden
        response = self.cors.preflight(request, located.address, is_object=located.path not in ("", "/"))
        response.headers += [*self._standing_headers(seen), ("Vary", VARY)]
        return response

    async def _route(self, request: Request, located: Located, seen: Observation) -> RoutedCall:
        routed = await route_request(self.services, request, located, request_id=seen.request_id)
        seen.service, seen.operation = routed.operation.service, routed.operation.name
        seen.target, seen.key = _shown(located.address), str(routed.params.get("Key", ""))
        return routed

    def _standing_headers(self, seen: Observation) -> list[tuple[str, str]]:
        return [*standing_headers(seen.request_id, self.host_id), *seen.cors]

    def _refusal(self, error: ServiceError, seen: Observation) -> Response:
        seen.error_code = error.code
        response = render_error(
            error,
            service=seen.service,
            request_id=seen.request_id,
            host_id=self.host_id,
            resource=seen.resource,
            head=seen.request.method == "HEAD",
        )
        response.headers += self._standing_headers(seen)
        return response


@lru_cache(maxsize=1024)  # the same few again and again, in every line of the log
def _shown(address: Address) -> str:
    return str(address)


class _Answering(AbstractAsyncContextManager[Response]):
    """One request on the road: the scope of its answer. A plain class, for three of them make one read."""

    __slots__ = ("_pipeline", "_request", "_scope", "_seen")

    def __init__(self, pipeline: Pipeline, request: Request) -> None:
        self._pipeline = pipeline
        self._request = request
        self._scope = AsyncExitStack()

    async def __aenter__(self) -> Response:
        pipeline = self._pipeline
        seen = self._seen = Observation(self._request, pipeline.metrics, pipeline.log, pipeline.strangers)
        try:
            return seen.answered(await pipeline.respond(self._request, seen, self._scope))
        except BaseException:
            seen.done(whole=False)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        whole = False
        try:
            handled = await self._scope.__aexit__(kind, error, trace)
            whole = error is None or bool(handled)
            return handled
        finally:
            self._seen.done(whole=whole)
