"""What is found by a text, or bytes, of a stranger is remembered for those of ordinary clients alone.

However many long ones are sent, they take no memory: those are worked out each time.
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Concatenate, ParamSpec, TypeVar

LONGEST_REMEMBERED = 4096
"""Characters or bytes; a presigned URL with a session's token has about half as many."""

K = TypeVar("K", str, bytes)
P = ParamSpec("P")
T = TypeVar("T")


def remembered(
    most: int, longest: int = LONGEST_REMEMBERED
) -> Callable[[Callable[Concatenate[K, P], T]], Callable[Concatenate[K, P], T]]:
    """`functools.lru_cache` for so many first arguments, none of them longer than this."""

    def decorate(work: Callable[Concatenate[K, P], T]) -> Callable[Concatenate[K, P], T]:
        known: Callable[..., T] = lru_cache(maxsize=most)(work)

        @wraps(work)
        def find(text: K, /, *more: P.args, **named: P.kwargs) -> T:
            if len(text) > longest:
                return work(text, *more, **named)
            return known(text, *more, **named)

        return find

    return decorate
