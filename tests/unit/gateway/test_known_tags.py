"""The one place where a question waits for the tags of an object: rounds, bounds, and what goes wrong."""

import asyncio

import pytest
import structlog
from tests.fakes.virtual_time import run_in_virtual_time

from onread.errors import AccessDenied, InvalidArgument, SlowDown
from onread.gateway.known_tags import (
    LONGEST_SECONDS,
    MOST_KNOWN,
    MOST_ROUNDS,
    SIDE_BY_SIDE,
    KnownTags,
    TaggedObject,
)
from onread.policy.patterns import NotYetKnown


def named(key, version_id=None):
    return TaggedObject("bucket", str(key), version_id)


class Store:
    """Every object has a tag that is its key, but for those that have an error."""

    def __init__(self, **failing):
        self.looks, self.at_once, self.most_at_once = [], 0, 0
        self.failing = failing

    async def __call__(self, asked):
        self.looks.append(asked)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        if asked.key in self.failing:
            raise self.failing[asked.key]
        return {"is": asked.key}


def asked(store, story):
    async def told():
        async with asyncio.timeout(60):
            return await story(KnownTags(store, "request-1"))

    return asyncio.run(told())


def test_a_question_that_needs_no_tags_is_put_once_and_no_store_is_asked():
    store, puts = Store(), []
    assert asked(store, lambda tags: tags.answer(lambda: puts.append(1) or "yes")) == "yes"
    assert (puts, store.looks) == ([1], [])


def test_each_object_is_looked_up_once_however_often_it_is_asked_about():
    store = Store()

    async def story(tags):
        both = await tags.answer(lambda: [tags.of(named("a"))["is"], tags.of(named("b"))["is"]])
        return both + await tags.answer(lambda: [tags.of(named("b"))["is"], tags.of(named("a"))["is"]])

    assert asked(store, story) == ["a", "b", "b", "a"]
    assert store.looks == [named("a"), named("b")]


def test_a_question_is_put_again_only_when_something_more_is_known():
    puts = []

    def question(tags):
        puts.append(sorted(each.key for each in tags._known))
        return [tags.of(named("a")), tags.of(named("b"))]

    asked(Store(), lambda tags: tags.answer(lambda: question(tags)))
    assert puts == [[], ["a"], ["a", "b"]]


def test_a_version_is_an_object_of_its_own():
    store = Store()
    asked(store, lambda tags: tags.answer(lambda: (tags.of(named("a")), tags.of(named("a", "v1")))))
    assert store.looks == [named("a"), named("a", "v1")]


def test_what_a_question_raises_goes_through():
    def refuses():
        raise AccessDenied

    with pytest.raises(AccessDenied):
        asked(Store(), lambda tags: tags.answer(refuses))


def test_many_questions_are_looked_up_side_by_side_and_a_bounded_number_at_a_time():
    store, keys = Store(), range(5 * MOST_KNOWN)

    async def story(tags):
        answers = await tags.answers(lambda key=key: tags.of(named(key))["is"] for key in keys)
        assert len(tags._known) == MOST_KNOWN
        return answers

    assert asked(store, story) == [str(key) for key in keys]
    assert len(store.looks) == len(keys)
    assert store.most_at_once == SIDE_BY_SIDE


def test_many_questions_have_one_deadline():
    async def slow(_named):
        await asyncio.sleep(9)
        return {}

    async def story():
        tags, began = KnownTags(slow, "request-1"), asyncio.get_running_loop().time()
        with pytest.raises(SlowDown) as late:
            await tags.answers(lambda key=key: tags.of(named(key)) for key in range(1000))
        assert late.value.retry_after_seconds
        return asyncio.get_running_loop().time() - began

    assert run_in_virtual_time(story()) == LONGEST_SECONDS


def test_a_question_without_end_is_given_up():
    store, count = Store(), iter(range(1000))

    with pytest.raises(RuntimeError, match="no end"):
        asked(store, lambda tags: tags.answer(lambda: tags.of(named(next(count)))))
    assert len(store.looks) == MOST_ROUNDS


@pytest.mark.parametrize(
    ("failure", "raised"),
    [(AccessDenied(), AccessDenied), (InvalidArgument("no"), AccessDenied), (SlowDown("gone"), SlowDown)],
)
def test_tags_that_cannot_be_found_out_are_never_no_tags(failure, raised):
    store = Store(a=failure)

    async def story(tags):
        for _ in range(2):
            with pytest.raises(raised) as caught:
                await tags.answer(lambda: tags.of(named("a")))
        return caught.value

    with structlog.testing.capture_logs() as logs:
        asked(store, story)
    assert store.looks == [named("a")], "a failure is remembered as well"
    assert [(line["event"], line["key"], line["code"], line["request_id"]) for line in logs] == [
        ("tags.unknown", "a", failure.code, "request-1")
    ]


def test_a_bug_of_the_look_up_is_no_answer():
    store = Store(a=ZeroDivisionError())
    with pytest.raises(ExceptionGroup):
        asked(store, lambda tags: tags.answer(lambda: tags.of(named("a"))))


def test_who_goes_away_takes_the_look_up_along():
    began, ended = asyncio.Event(), []

    async def never(_named):
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async def story(tags):
        async with asyncio.TaskGroup() as group:
            task = group.create_task(tags.answer(lambda: tags.of(named("a"))))
            await began.wait()
            task.cancel()
        return task.cancelled()

    assert asked(never, story)
    assert ended == [True]


def test_outside_of_a_question_nothing_is_known():
    with pytest.raises(NotYetKnown):
        KnownTags(Store(), "r").of(named("a"))
