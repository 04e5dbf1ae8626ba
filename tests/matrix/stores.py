"""The stores that a gateway may stand in front of, each with a gateway over it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from onread.cli.spawn import gateway
from tests.compat.conftest import World


@contextmanager
def embedded(folder: Path) -> Iterator[World]:
    """onread's own."""
    with gateway(folder / "data") as spawned:
        yield World(spawned)


STORES: dict[str, Callable[[Path], AbstractContextManager[World]]] = {"embedded": embedded}
