import subprocess
import sys

from onread.server.loop import keep_freed_memory

PROGRAM = """
from onread.server.loop import run

async def five():
    return 5

print(run(five))
"""


def test_run_returns_what_main_returns():
    # In a process of its own: running changes the process for good.
    assert subprocess.check_output([sys.executable, "-c", PROGRAM]) == b"5\n"


def test_run_collects_cycles_seldom_and_never_among_what_was_imported():
    program = PROGRAM.replace("return 5", "return gc.get_threshold(), gc.get_freeze_count() > 0")
    assert (
        subprocess.check_output([sys.executable, "-c", "import gc" + program]) == b"((10000, 3, 30), True)\n"
    )


def test_the_allocator_may_be_told_twice():
    keep_freed_memory()
    keep_freed_memory()
