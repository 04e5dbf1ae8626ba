import asyncio

import pytest
from tests.fakes.virtual_time import run_in_virtual_time

from onread.outbound.answer import AnswerBody
from onread.outbound.failures import CutAnswer


def an_answer(stall_seconds=60.0):
    return AnswerBody(
        length_bytes=None, mark_bytes=1 << 20, stall_seconds=stall_seconds, reading_may_change=lambda: None
    )


def test_an_answer_that_has_come_whole_is_at_hand_once():
    answer = an_answer()
    answer.push(b"ab")
    assert answer.at_hand() is None
    answer.push(b"c")
    answer.finish()
    assert answer.at_hand() == b"abc"
    assert answer.at_hand() == b""


def test_an_answer_that_broke_is_never_at_hand():
    answer = an_answer()
    answer.push(b"ab")
    answer.fail(CutAnswer("gone"))
    assert answer.at_hand() is None


def test_a_pause_that_is_too_long_breaks_the_answer_and_shorter_ones_do_not():
    async def main():
        loop = asyncio.get_running_loop()
        answer = an_answer(stall_seconds=60)
        for _ in range(3):  # together longer than one may be
            loop.call_later(40, answer.push, b"a")
            assert await anext(answer) == b"a"
        began = loop.time()
        with pytest.raises(CutAnswer):
            await anext(answer)
        assert loop.time() - began == pytest.approx(60)

    run_in_virtual_time(main())
