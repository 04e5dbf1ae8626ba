from onread.server.loop import keep_freed_memory, run


async def five():
    return 5


def test_run_returns_what_main_returns():
    assert run(five) == 5


def test_the_allocator_may_be_told_twice():
    keep_freed_memory()
    keep_freed_memory()
