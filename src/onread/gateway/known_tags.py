"""The tags of objects that one request's policies look at: asked of a store when one names them, and once.

Policies are asked by plain functions, which wait for nothing. One that names a tag which nobody has asked the
store for stops its question by `TagsNotKnown`; here, and nowhere else, they are looked up and the question is
put again. They live as long as the request.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Final, TypeVar

import structlog

from onread.errors import AccessDenied, S3Error, SlowDown
from onread.policy.patterns import NotYetKnown
from onread.wire.frozen import frozen

_log = structlog.get_logger("onread.authorize")
_Answer = TypeVar("_Answer")

SIDE_BY_SIDE: Final = 8
"""How many of many questions are put together, and so about how many objects a store is asked at a time."""
MOST_KNOWN: Final = 64
"""Objects whose tags are kept at a time: a few times those of `SIDE_BY_SIDE` questions."""
LONGEST_SECONDS: Final = 60.0
"""How long many questions may take together; whoever asks has a deadline of his own."""
MOST_ROUNDS: Final = 8
"""How often one question is put: a copy is about two objects, each in three spellings at most."""


@frozen()
class TaggedObject:
    """An object, or one version of it, whose tags a policy names."""

    bucket: str
    key: str
    version_id: str | None


class TagsNotKnown(NotYetKnown):
    """Nobody has asked a store for the tags of this object yet; or one was asked and did not tell.

    Attributes:
        failure: None: they are to be looked up. AccessDenied: the store does not tell them. Another: it
            does not answer as it should, which may pass.
    """

    def __init__(self, named: TaggedObject, failure: S3Error | None) -> None:
        super().__init__(named)
        self.named = named
        self.failure = failure


LookUpTags = Callable[[TaggedObject], Awaitable[Mapping[str, str]]]
"""The tags of an object, none when it is not there; raises S3Error when that cannot be found out."""


async def no_tags(_named: TaggedObject) -> Mapping[str, str]:
    """No object has any."""
    return {}


class KnownTags:
    """The tags that one request has found out.

    Args:
        request_id: named in the log when tags cannot be found out.
    """

    def __init__(self, look_up: LookUpTags, request_id: str) -> None:
        self._look_up = look_up
        self._request_id = request_id
        self._known: dict[TaggedObject, Mapping[str, str] | S3Error] = {}

    def of(self, named: TaggedObject) -> Mapping[str, str]:
        """The object's tags.

        Raises:
            TagsNotKnown: they are to be looked up first, or cannot be found out.
        """
        found = self._known.get(named)
        if found is None or isinstance(found, S3Error):
            raise TagsNotKnown(named, found)
        return found

    async def answer(self, question: Callable[[], _Answer]) -> _Answer:
        """What a question says that may ask `of` objects; it is put again until it knows enough.

        While it waits, anything may change: what it depends on is to be found in the question itself.

        Raises:
            S3Error: the question does; or what it stops for, the store does not tell.
        """
        for _ in range(MOST_ROUNDS):
            try:
                return question()  # nearly always at once: no policy names a tag
            except TagsNotKnown as stopped:
                wanted = {_to_look_up(stopped)}
            await self._learn(wanted)
        raise _endless()

    async def answers(self, questions: Iterable[Callable[[], _Answer]]) -> list[_Answer]:
        """What each of many says. What several of them wait for is looked up side by side.

        Raises:
            SlowDown: all that takes longer than `LONGEST_SECONDS`.
        """
        remaining, found = iter(questions), list[_Answer]()
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                while some := tuple(islice(remaining, SIDE_BY_SIDE)):
                    found += await self._answers(some)
        except TimeoutError as late:
            raise SlowDown(
                "It takes too long to find out the tags of all these objects.", retry_after_seconds=1
            ) from late
        return found

    async def _answers(self, questions: Sequence[Callable[[], _Answer]]) -> list[_Answer]:
        answers: dict[int, _Answer] = {}
        for _ in range(MOST_ROUNDS):
            wanted = set[TaggedObject]()
            for place, question in enumerate(questions):
                if place not in answers:
                    try:
                        answers[place] = question()
                    except TagsNotKnown as stopped:
                        wanted.add(_to_look_up(stopped))
            if not wanted:
                return [answers[place] for place in range(len(questions))]
            await self._learn(wanted)
        raise _endless()

    async def _learn(self, wanted: Iterable[TaggedObject]) -> None:
        async with asyncio.TaskGroup() as looks:
            for named in wanted:
                looks.create_task(self._learn_one(named))

    async def _learn_one(self, named: TaggedObject) -> None:
        found: Mapping[str, str] | S3Error
        try:
            found = await self._look_up(named)
        except S3Error as error:
            _log.warning(
                "tags.unknown",
                request_id=self._request_id,
                bucket=named.bucket,
                key=named.key,
                version_id=named.version_id,
                code=error.code,
                text=error.text,
            )
            found = error if error.status >= 500 else AccessDenied()
        if len(self._known) >= MOST_KNOWN:
            del self._known[next(iter(self._known))]
        self._known[named] = found


def _to_look_up(stopped: TagsNotKnown) -> TaggedObject:
    if stopped.failure is not None:
        raise stopped.failure.with_traceback(None) from None
    return stopped.named


def _endless() -> RuntimeError:
    return RuntimeError("a question about tags has no end")
