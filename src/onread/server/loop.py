"""The event loop a gateway runs on, and the two allocator settings it needs."""

import asyncio
import ctypes
import gc
import platform
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

try:
    import uvloop
except ImportError:  # Windows: asyncio's own loop serves, slower.
    uvloop = None  # type: ignore[assignment]

T = TypeVar("T")

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
_PR_SET_DUMPABLE = 4

# How many objects more were made than were let go before the young ones are searched for cycles, how many
# such searches there are to one of the middle-aged, and of those to one of all; by default 700, 10 and 10.
# A search stops everything for as long as it takes: it must not be of a hundred thousand.
_COLLECT_AFTER = 10_000, 3, 30


def run(main: Callable[[], Coroutine[Any, Any, T]], *, loop: str = "auto") -> T:
    """Run ``main()`` to its end and return what it returns.

    Args:
        loop: ``auto`` is the fastest there is; ``asyncio`` is Python's own, to find out whether a
            fault is the loop's.
    """
    keep_freed_memory()
    keep_secrets_in_memory()
    collect_seldom()
    if uvloop is None or loop == "asyncio":
        return asyncio.run(main())
    return uvloop.run(main())


def keep_secrets_in_memory() -> None:
    """No core dump, and nobody of the same user reads this process: functions may run as that user.

    Linux only: elsewhere nothing happens.
    """
    if platform.system() == "Linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def keep_freed_memory() -> None:
    """Tell glibc not to hand the heap's top back after each large read.

    Every read arrives as fresh bytes of up to 256,000; with the defaults the kernel faults those
    pages in again each time, which doubles the cost of a large body. Other C libraries: nothing.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(_M_TRIM_THRESHOLD, 128 << 20)
    libc.mallopt(_M_MMAP_THRESHOLD, 32 << 20)
    # Each thread would set 64 MiB of addresses aside for itself; they wait for disks, not for the heap.
    libc.mallopt(_M_ARENA_MAX, 2)


def collect_seldom() -> None:
    """Search for cycles seldom, and never in what was imported.

    Requests leave none that matter, lost connections a few small objects; with the default a few
    dozen requests in progress set off a search each turn of the loop, 7 % of all that is done here.
    """
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)
