"""What is found by a text of a stranger is remembered for the texts of ordinary clients alone.

However many long ones are sent, they take no memory: those are worked out each time.
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Concatenate, ParamSpec, TypeVar

LONGEST_REMEMBERED = 4096
"""Characters; a presigned URL with a session's token has about half as many."""

P = ParamSpec("P")
T = TypeVar("T")


def remembered(most: int) -> Callable[[Callable[Concatenate[str, P], T]], Callable[Concatenate[str, P], T]]:
    """`functools.lru_cache` for so many first arguments of at most `LONGEST_REMEMBERED` characters."""

    def decorate(work: Callable[Concatenate[str, P], T]) -> Callable[Concatenate[str, P], T]:
        known: Callable[..., T] = lru_cache(maxsize=most)(work)

        @wraps(work)
        def find(text: str, /, *more: P.args, **named: P.kwargs) -> T:
            if len(text) > LONGEST_REMEMBERED:
                return work(text, *more, **named)
            return known(text, *more, **named)

        return find

    return decorate
