import pytest
from tests.flow.function_pool import CHOSEN, LOOPS


@pytest.fixture(params=LOOPS)
def either_loop(request):
    """What runs in a pool runs on this loop, once on each."""
    before, CHOSEN[0] = CHOSEN[0], request.param
    yield
    CHOSEN[0] = before
