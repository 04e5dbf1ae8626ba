"""A read of a sliced object, top to bottom: who may, of what, from where, which part.

The transformation runs once for all who ask for the same thing. Everybody is authorised anew, for the access
point and the function by the road that led here, for the original by a HEAD of it with their own rights.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Protocol

import structlog

from onread.errors import InternalError, LambdaInvalidResponse, LambdaTimeout, S3Error, ServiceError, SlowDown
from onread.metadata.records import Function
from onread.objectlambda.admission import Admitted, ReadCall, admit
from onread.objectlambda.relayed_body import PrefixedBody
from onread.objectlambda.slices.answer import Slice, choose, describe, etag_of, read_wanted
from onread.objectlambda.slices.failures import RecentFailures
from onread.objectlambda.slices.request import Source, draw_for, result_name, whole_read
from onread.objectlambda.slices.source import Travel, find_source
from onread.objectlambda.transform import Transformation
from onread.spool.result import Result, ResultBody, Told
from onread.spool.spool import Spool, Writing
from onread.wire.message import Body
from onread.wire.output import Output

log = structlog.get_logger("onread.slices")

_GRACE_SECONDS = 5.0
"""How much longer than a transformation may take a reader waits: the writer's reason arrives first."""

_STORE_IS_ILL = 500

_LENGTH_SECONDS = 2.0
"""For so long a whole read waits for the end of a result whose length nobody told: many clients need
``Content-Length``. Then it begins without one, as HTTP allows."""


_PASSING = (InternalError, SlowDown)
"""What says nothing about the object: the next one who asks may have it."""
_LISTED_AT_ONCE = 16
"""Objects that all lists together may have made at once: who reads one finds room."""


class FindVersion(Protocol):
    """How functions are found."""

    def __call__(self, account_id: str, name: str, qualifier: str | None, /, draw: float) -> Function | None:
        """The version that the qualifier means; ``draw`` is from 0 up to 1."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SlicedReads:
    """GetObject and HeadObject of access points whose ranges are slices.

    Args:
        find_version: finds a function, a draw deciding between the versions of an alias with weights.
        travel: the road for requests of our own.
        key: 32 bytes derived for `request.SPOOL_PURPOSE`.
        clock: the time, aware and in UTC.
        new_request_id: names a question of our own.
        failures: of results that nobody could make a moment ago; lists do not try them again.
        listed: the turns of those that lists ask for.
    """

    transformation: Transformation
    find_version: FindVersion
    spool: Spool
    travel: Travel
    key: bytes
    clock: Callable[[], datetime]
    new_request_id: Callable[[], str]
    failures: RecentFailures = field(default_factory=RecentFailures)
    listed: asyncio.Semaphore = field(default_factory=partial(asyncio.Semaphore, _LISTED_AT_ONCE))

    async def read(self, call: ReadCall, scope: AsyncExitStack) -> Output:
        """The answer to a GET or HEAD, made of the kept result, or of the one that is just being made.

        Raises:
            SlowDown, ServiceUnavailable: there is no room for the result.
            PreconditionFailed, NotModified, InvalidRange, InvalidRequest: as S3 answers for an object.
            FunctionReportedError: S3's refusal of the original, or the function's own.
            LambdaRuntimeError and its kin: what a transformed read without slices would answer.
        """
        wanted = read_wanted(call)
        admitted = self.admit(call)
        source = await self._source(admitted)
        name = result_name(admitted, source, key=self.key)
        result = await scope.enter_async_context(self._use(name, admitted, source))
        patience_seconds = self._patience_seconds
        told = await _begun(result, patience_seconds, sized=wanted.sized)
        chosen = choose(call, wanted, nonce=told.nonce, about=told.about, size_bytes=told.size_bytes)
        body = None if call.operation == "HeadObject" else await _body(result, chosen, patience_seconds)
        return Output(status=chosen.status, members=chosen.members, body=body)

    async def measure(self, admitted: Admitted) -> tuple[int, str]:
        """Size in bytes and ETag of what a GET of this object would answer.

        Raises:
            SlowDown: nobody can say now.
            ServiceError: there is no such result: the original may not be read, or the function fails.

        Cancellation: what has begun to be made goes on.
        """
        try:
            source = await self._source(admitted)
        except S3Error as refusal:
            if refusal.status < _STORE_IS_ILL:
                raise
            raise SlowDown from refusal
        name = result_name(admitted, source, key=self.key)
        self.failures.raise_known(name)
        async with self.listed, self._use(name, admitted, source) as result:
            try:
                told = await _begun(result, self._patience_seconds, sized=True)
            except ServiceError as failure:
                self.failures.raise_known(name)
                raise SlowDown from failure  # no function's doing: of another worker, or for want of room
        assert told.size_bytes is not None
        return told.size_bytes, etag_of(told.nonce)

    def admit(self, call: ReadCall) -> Admitted:
        """The GET of the whole that stands for this read, with its function.

        Raises:
            S3Error: see `onread.objectlambda.admission.admit`.
        """
        whole = whole_read(call)
        return admit(whole, partial(self.find_version, draw=draw_for(whole, key=self.key)))

    @property
    def _patience_seconds(self) -> float:
        return self.transformation.settings.timeout_seconds + _GRACE_SECONDS

    async def _source(self, admitted: Admitted) -> Source:
        return await find_source(admitted.call, self.transformation, self.travel, self.new_request_id())

    def _use(self, name: str, admitted: Admitted, source: Source) -> AbstractAsyncContextManager[Result]:
        return self.spool.use(name, partial(self._make_noted, name, admitted, source))

    async def _make_noted(self, name: str, admitted: Admitted, source: Source, writing: Writing) -> bool:
        try:
            return await self._make(admitted, source, writing)
        except _PASSING:
            raise
        except ServiceError as failure:
            self.failures.note(name, failure)
            raise

    async def _make(self, admitted: Admitted, source: Source, writing: Writing) -> bool:
        """Run the function once; whether what it wrote may be kept."""
        async with AsyncExitStack() as run:
            output = await self.transformation.run(admitted, run)
            if not isinstance(output, Output) or output.status != 200:
                log.warning(
                    "slices.not_whole", request_id=admitted.call.request_id, function=admitted.function.arn
                )
                raise LambdaInvalidResponse(
                    "A sliced object must be written whole: StatusCode 200 or an error."
                )
            body = output.body if isinstance(output.body, Body) else None
            about = describe(output.members, made_at=self.clock())
            await writing.tell(about, 0 if body is None else body.length_bytes)
            if body is not None:
                async for chunk in body:
                    await writing.write(chunk)
            await writing.end()
        return await self._is_unchanged(admitted, source)

    async def _is_unchanged(self, admitted: Admitted, source: Source) -> bool:
        """Whether the function can have read nothing but this original."""
        try:
            return source == await self._source(admitted)
        except S3Error:
            return False


async def _begun(result: Result, patience_seconds: float, *, sized: bool) -> Told:
    """What is told of it; a whole read, too, gets a length that is known in a moment."""
    begin = asyncio.get_running_loop().time()
    told = await result.begun(begin + patience_seconds, sized=sized)
    if told.size_bytes is None:
        wait_until = asyncio.get_running_loop().time() + _LENGTH_SECONDS
        with suppress(LambdaTimeout):
            return await result.begun(wait_until, sized=True)
    return told


async def _body(result: Result, chosen: Slice, patience_seconds: float) -> Body:
    """The bytes; the first are read at once, so that what is wrong with them is an error and not a cut."""
    body = ResultBody(result, chosen.start, chosen.stop, patience_seconds)
    async for first in body:
        return PrefixedBody(first, body)
    return body
