import pytest

from onread.protocol.model import Services, load_services


@pytest.fixture(scope="session")
def services() -> Services:
    return load_services()
