"""The life of one transformed read, top to bottom.

A GET is answered by what the function writes, HEAD and the lists by what it returns. Owns the order of
things. It never answers with the original: that would give away exactly what the
function is there to hide.

Source: Amazon S3 User Guide, "Transforming objects with S3 Object Lambda".
"""

import asyncio
import math
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Self

from onread.errors import LambdaTimeout, S3Error
from onread.functions.invoker import Invocation, Invoker, Outcome, Returned, Running
from onread.objectlambda.admission import Admitted, FindFunction, ReadCall, admit
from onread.objectlambda.answer import answer
from onread.objectlambda.event import build_event, get_object_context
from onread.objectlambda.input_url import InputUrl, build_input_url
from onread.objectlambda.open_runs import OpenRuns
from onread.objectlambda.outcome import error_of_run, invalid_response, invoke_errors
from onread.objectlambda.rendezvous import Delivery, Meeting, Rendezvous
from onread.objectlambda.response import FunctionReportedError
from onread.objectlambda.returned import read_returned
from onread.objectlambda.route_token import RANDOM_BYTES, OutputTicket, mint
from onread.objectlambda.watch import TransformWatch
from onread.protocol.model import Services
from onread.telemetry.metrics import Metrics
from onread.wire.message import Response
from onread.wire.output import Output

__all__ = ["ReadCall", "TransformSettings", "Transformation"]

_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformSettings:
    """How transformations are run.

    Attributes:
        route: what `route_token.output_route` gave for this gateway.
        timeout_seconds: until the caller must have the whole answer; AWS's 60.
        strict: reproduce AWS where onread is kinder (the headers that ``inputS3Url`` signs).
        write_grace_seconds: how long after a function's return its write may still be on its way.
    """

    route: str
    timeout_seconds: float = 60.0
    strict: bool = False
    write_grace_seconds: float = 0.25

    @property
    def input_url_seconds(self) -> int:
        """The life of an ``inputS3Url``: one second longer than the function's, AWS's 61."""
        return math.ceil(self.timeout_seconds) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Transformation:
    """Everything a transformed read needs.

    Args:
        endpoint: scheme and host of the functions' own listener.
        session_key: 32 bytes derived for `sessions.SESSION_PURPOSE`.
        token_key: 32 bytes derived for `route_token.TOKEN_PURPOSE`.
        clock: the time, aware and in UTC.
        random_bytes: so many bytes from the system's source.
        runs: the runs under way, for whoever checks an ``inputS3Url``.
    """

    services: Services
    find_function: FindFunction
    invoker: Invoker
    rendezvous: Rendezvous
    settings: TransformSettings
    endpoint: Callable[[], str]
    session_key: bytes
    token_key: bytes
    clock: Callable[[], datetime]
    random_bytes: Callable[[int], bytes]
    metrics: Metrics
    runs: OpenRuns = field(default_factory=OpenRuns)

    async def transform(self, call: ReadCall, scope: AsyncExitStack) -> Output | Response:
        """What the function makes of the object or the list.

        Raises:
            NotImplemented, InvalidRequest: refused before anything was invoked.
            LambdaNotFound, LambdaPermissionError, LambdaInvocationFailed, SlowDown: not invoked.
            LambdaRuntimeError, LambdaTimeout, LambdaResponseNotReceived, LambdaInvalidResponse: no answer.
            FunctionReportedError: the function's own refusal.

        Cancellation: the caller has left; the writer is told and the run is abandoned.
        """
        return await self.run(admit(call, self.find_function), scope)

    async def run(self, admitted: Admitted, scope: AsyncExitStack) -> Output | Response:
        """`transform` of a read that was admitted already."""
        deadline = asyncio.get_running_loop().time() + self.settings.timeout_seconds
        if admitted.call.operation == "GetObject":
            return await self._transform_written(admitted, deadline, scope)
        return await self._transform_returned(admitted, deadline)

    async def _transform_written(self, admitted: Admitted, deadline: float, scope: AsyncExitStack) -> Output:
        """A GET, streaming while the function writes it.

        The run, the token and the deadline live until ``scope`` closes. Closing it normally says that the
        caller has everything, and the writer is told so; by an exception, that it has not.

        Raises:
            LambdaTimeout, ResponseInterrupted: from ``scope``, once the answer has begun: cut the caller.
        """
        call = admitted.call
        async with AsyncExitStack() as life:
            watch = life.enter_context(TransformWatch(self.metrics, call.access_point.name))
            token = self._mint(admitted)
            meeting = life.enter_context(self.rendezvous.expect(token, deadline=deadline))
            wanted = life.enter_context(_Wanted())
            await life.enter_async_context(meeting.lasting())
            url = self._input_url(call)
            context = get_object_context(
                input_url=_text_of(call, url), output_route=self.settings.route, output_token=token
            )
            with invoke_errors(call.request_id, admitted.function):
                event = self._build(admitted, context)
                running = wanted.running = await self._invoke(admitted, event, deadline, url)
            watch.mark("queue")
            delivery = await self._wait(admitted, running, meeting)
            watch.mark("run")
            meeting.begin()
            output, body = answer(delivery, verify=call.params.get("ChecksumMode") == "ENABLED")
            meeting.relay(body)
            watch.first_byte()
            scope.push_async_exit(life.pop_all())
        return output

    async def _transform_returned(self, admitted: Admitted, deadline: float) -> Output | Response:
        """HEAD or a list, made of what the function returns."""
        call = admitted.call
        with TransformWatch(self.metrics, call.access_point.name) as watch:
            with _Wanted() as wanted:
                outcome = await self._outcome(admitted, wanted, watch, deadline)
                if not isinstance(outcome, Returned):
                    raise self._error_of(admitted, outcome)
                watch.mark("run")
                with invalid_response(call.request_id, admitted.function):
                    returned = read_returned(outcome.payload, self.services.operation("s3", call.operation))
            watch.first_byte()
        return returned

    async def _outcome(
        self, admitted: Admitted, wanted: "_Wanted", watch: TransformWatch, deadline: float
    ) -> Outcome:
        """How the run of a HEAD or a list ended."""
        call = admitted.call
        try:
            async with asyncio.timeout_at(deadline):
                with invoke_errors(call.request_id, admitted.function):
                    url = self._input_url(call)
                    event = self._build(admitted, {"inputS3Url": _text_of(call, url)})
                    running = wanted.running = await self._invoke(admitted, event, deadline, url)
                watch.mark("queue")
                await asyncio.wait((running.finished,))
        except TimeoutError as error:
            raise LambdaTimeout from error
        return running.finished.result()

    def _mint(self, admitted: Admitted) -> str:
        ticket = OutputTicket(
            route=self.settings.route,
            request_id=admitted.call.request_id,
            account_id=admitted.call.access_point.account_id,
            access_point_arn=admitted.call.access_point.arn,
            function_arn=admitted.function.arn,
            expires_at=self.clock().timestamp() + self.settings.timeout_seconds,
        )
        return mint(ticket, key=self.token_key, randomness=self.random_bytes(RANDOM_BYTES))

    def _input_url(self, call: ReadCall) -> InputUrl | None:
        """None: the function reads from the store itself."""
        return self.presign(call) if call.direct_url is None else None

    def presign(self, call: ReadCall) -> InputUrl:
        """The ``inputS3Url`` of a read that comes back through the gateway."""
        return build_input_url(
            operation=call.operation,
            params=call.params,
            request=call.request,
            request_id=call.request_id,
            principal=call.principal,
            source=call.supporting,
            endpoint=self.endpoint(),
            session_key=self.session_key,
            nonce=self.random_bytes(_NONCE_BYTES),
            now=self.clock(),
            expires_seconds=self.settings.input_url_seconds,
            strict=self.settings.strict,
        )

    def _build(self, admitted: Admitted, context: dict[str, str]) -> bytes:
        call, olap = admitted.call, admitted.call.access_point
        return build_event(
            request_id=call.request_id,
            operation=call.operation,
            context=context,
            access_point_arn=olap.arn,
            supporting_access_point_arn=call.configuration.supporting_access_point,
            payload=admitted.payload,
            request=call.request,
            host=f"{olap.name}-{olap.account_id}.s3-object-lambda.{olap.region}.amazonaws.com",
            principal=call.principal,
        )

    async def _invoke(
        self, admitted: Admitted, event: bytes, deadline: float, url: InputUrl | None
    ) -> Running:
        invocation = Invocation(
            request_id=admitted.call.request_id,
            function=admitted.function,
            event=event,
            deadline=deadline,
            caller=admitted.call.principal.arn,
            chain=admitted.call.principal.chain,
            invoked_arn=admitted.function_arn,
        )
        return await self.runs.start(self.invoker, invocation, url)

    async def _wait(self, admitted: Admitted, running: Running, meeting: Meeting) -> Delivery:
        """The write that claimed the token; whatever happens instead is raised under its code."""
        running.finished.add_done_callback(partial(self._run_ended, meeting))
        delivery = await meeting.delivered
        if delivery is not None:
            return delivery
        failure = self._error_of(admitted, running.finished.result())
        raise meeting.refusal() if meeting.refusal is not None else failure

    def _run_ended(self, meeting: Meeting, finished: "asyncio.Future[Outcome]") -> None:
        """The return and the write travel on different connections: the return may overtake it."""
        returned = isinstance(finished.result(), Returned)
        meeting.expect_no_more(self.settings.write_grace_seconds if returned else 0)

    def _error_of(self, admitted: Admitted, outcome: Outcome) -> S3Error:
        return error_of_run(
            outcome,
            function=admitted.function,
            request_id=admitted.call.request_id,
            limit_seconds=self.settings.timeout_seconds,
        )


def _text_of(call: ReadCall, url: InputUrl | None) -> str:
    return url.presigned.url if url is not None else call.direct_url or ""


class _Wanted:
    """After a complete answer the run goes on in peace; otherwise nobody wants its result.

    Attributes:
        running: None until it has begun.
    """

    __slots__ = ("running",)

    def __init__(self) -> None:
        self.running: Running | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self.running is not None and error is not None and not isinstance(error, FunctionReportedError):
            self.running.abandon()
