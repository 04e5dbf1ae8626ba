"""The stores that a gateway may stand in front of, each with a gateway over it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.compat.conftest import World
from tests.compat.seaweed import running_seaweed
from tests.matrix.ceph import running_ceph
from tests.matrix.moto import running_moto
from tests.matrix.upstream import Upstream

from onread.cli.spawn import gateway

Opened = Callable[[Path], AbstractContextManager["Stand"]]


@dataclass(frozen=True)
class Stand:
    """A gateway over the store of this name; ``upstream`` is None for onread's own."""

    world: World
    upstream: Upstream | None
    store: str = ""


@contextmanager
def embedded(folder: Path) -> Iterator[Stand]:
    """onread's own."""
    with gateway(folder / "data") as spawned:
        yield Stand(World(spawned), None)


def over(start: Callable[[Path], AbstractContextManager[Upstream]]) -> Opened:
    """A gateway whose buckets are all a store's."""

    @contextmanager
    def stand(folder: Path) -> Iterator[Stand]:
        (folder / "store").mkdir()
        with start(folder / "store") as store:
            config = folder / "onread.toml"
            config.write_text(store.settings())
            with gateway(folder / "data", "--config", str(config)) as spawned:
                yield Stand(World(spawned), store)

    return stand


STORES: dict[str, Opened] = {
    "embedded": embedded,
    "SeaweedFS": over(running_seaweed),
    "moto": over(running_moto),
    "Ceph RGW": over(running_ceph),
}
SAMPLED = frozenset({"moto", "Ceph RGW"})
"""Stores that only some clients read: what these could find, the others would, too."""
