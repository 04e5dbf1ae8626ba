"""moto: S3 in memory. It accepts every signature, so it shows what is forwarded, not who may."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.compat.seaweed import free_port
from tests.matrix.environments import python_environment
from tests.matrix.upstream import Store, process, wait_for


@contextmanager
def running_moto(folder: Path) -> Iterator[Store]:
    store = Store("moto", free_port())
    command = [python_environment("moto") / "moto_server", "-H", "127.0.0.1", "-p", store.port]
    log = folder / "moto.log"
    with process(command, log) as running:
        wait_for(store.endpoint, running, log)
        yield store
