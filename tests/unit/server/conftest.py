import asyncio
import gc

import pytest
import uvloop


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request):
    """Runs a coroutine to its end, on either loop."""
    return request.param


@pytest.fixture
def no_collector():
    """Only reference counts let go of objects."""
    gc.disable()
    yield
    gc.enable()
