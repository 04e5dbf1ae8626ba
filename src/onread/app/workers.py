"""What several workers on one data directory share, and what each hears of the others."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from onread.app.beside import beside
from onread.app.foundation import (
    DOORS,
    Foundation,
    load_keys,
    open_records,
    spool_folder,
    take_data_directory,
)
from onread.app.refusal import REASONS, CannotStart, one_line
from onread.config import Settings
from onread.functions.pool import FunctionPool
from onread.metadata.facade import Records
from onread.metadata.first_start import (
    RootKey,
)
from onread.metadata.records import Function
from onread.objectlambda.relay import Relay
from onread.server.passage import Passage
from onread.spool.folder import empty as empty_spool
from onread.stores.local.premises import Premises


@dataclass(slots=True)
class DataDirectory:
    """One that is held for workers; ``clean`` is set when each of them has ended in good order."""

    root_key: RootKey
    clean: bool = False


@contextlib.contextmanager
def own_data_directory(settings: Settings) -> Iterator[DataDirectory]:
    """The data directory, made good for workers to join; blocks.

    Raises:
        CannotStart: it is in use or unsafe, or a database is too new.
    """
    try:
        take_data_directory(settings.data_dir)
        premises = Premises(settings.data_dir / "store")
        master_key, root_key = load_keys(settings)
        asyncio.run(_prepare_records(settings, master_key))
        for folder in (settings.data_dir / DOORS, settings.data_dir / "functions" / DOORS):
            shutil.rmtree(folder, ignore_errors=True)  # of workers that were killed
            folder.mkdir(mode=0o700, parents=True)
        empty_spool(spool_folder(settings))
    except REASONS as reason:
        raise CannotStart(one_line(reason)) from reason
    directory = DataDirectory(root_key)
    try:
        yield directory
    finally:
        premises.release(clean=directory.clean)


async def _prepare_records(settings: Settings, master_key: bytes) -> None:
    records = await open_records(settings, master_key)
    await records.close()


@contextlib.contextmanager
def open_passage(base: Foundation) -> Iterator[Passage | None]:
    """The way to the other workers; None when there is none."""
    share = base.share
    if share is None:
        yield None
        return
    relay = Relay(share.gateway_id, share.route)
    passage = Passage(base.settings.data_dir / DOORS, share.route, relay.destination)
    try:
        yield passage
    finally:
        passage.close()


def start_wanted(records: Records, pool: FunctionPool) -> None:
    """Start the environments that functions shall have while nobody asks."""
    for function in (*records.all_functions(), *records.published.all_versions()):
        if function.min_environments:
            pool.prewarm(function)


def _start_anew_with_other_roles(
    pool: FunctionPool,
    functions: Iterable[Function],
    before: Mapping[str, str | None],
    now: Mapping[str, str | None],
) -> None:
    """The keys of an environment say which role they were made for: another worker may have made it."""
    for function in functions:
        if function.role in before and before[function.role] != now[function.role]:
            pool.drop(function)


@asynccontextmanager
async def following(records: Records, pool: FunctionPool) -> AsyncIterator[None]:
    """What other processes write is served here within a second, and functions that changed start anew."""

    def all_versions() -> dict[str, Function]:
        every = (*records.all_functions(), *records.published.all_versions())
        return {function.qualified_arn: function for function in every}

    def all_roles() -> dict[str, str | None]:
        found = {function.role: records.identities.role_by_arn(function.role) for function in served.values()}
        return {arn: role.role_id if role is not None else None for arn, role in found.items()}

    served = all_versions()
    roles = all_roles()

    def changed() -> None:
        now = all_versions()
        for arn, function in served.items():
            if arn not in now:
                pool.drop(function, deleted=True)
            elif now[arn] != function:
                pool.adopt(now[arn])
        for arn, function in now.items():
            if function.min_environments and served.get(arn) != function:
                pool.prewarm(function)
        served.clear()
        served.update(now)
        _start_anew_with_other_roles(pool, served.values(), roles, roles_now := all_roles())
        roles.clear()
        roles.update(roles_now)

    async with beside(records.follow(changed), name="onread.app.follow"):
        yield
