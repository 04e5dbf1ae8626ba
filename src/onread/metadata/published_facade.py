"""Versions, aliases, attached documents and layers: looked up in memory, changed in transactions."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from onread.errors import ResourceNotFoundException
from onread.metadata import (
    function_aliases,
    function_attachments,
    function_versions,
    functions,
    layers,
)
from onread.metadata.function_attachments import Change
from onread.metadata.function_records import Attachment, FunctionAlias, LayerVersion
from onread.metadata.function_versions import Publish
from onread.metadata.functions import Place
from onread.metadata.records import LATEST, Function
from onread.metadata.sealing import Sealer
from onread.metadata.snapshot import Snapshot

T = TypeVar("T")


class Write(Protocol):
    """Runs work in a transaction and serves what it changed (`Transactions`)."""

    async def __call__(self, work: Callable[[Connection], T], /) -> T:
        """The work's result, once it is committed and served."""
        ...


class PublishedRecords:
    """What hangs on functions, and layers.

    Args:
        known: everything as it is served now.
        write: runs work in a transaction and serves what it changed.
        clock: gives the time as aware UTC.
    """

    def __init__(
        self,
        known: Callable[[], Snapshot],
        write: Write,
        *,
        sealer: Sealer,
        region: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._known = known
        self._write = write
        self._sealer = sealer
        self._region = region
        self._clock = clock

    # Versions and aliases

    def find(self, account_id: str, name: str, qualifier: str | None, draw: float = 0.0) -> Function | None:
        """The version of a function that a qualifier means; None: no such function, version or alias.

        Args:
            draw: from 0 up to 1: decides between the versions of an alias with weights.
        """
        snapshot = self._known()
        latest = snapshot.functions.get((account_id, name))
        return None if latest is None else snapshot.published.find(latest, qualifier, draw)

    def versions(self, account_id: str, name: str) -> list[Function]:
        """The published versions of a function, by number."""
        return list(self._known().published.versions.get((account_id, name), {}).values())

    def all_versions(self) -> list[Function]:
        """The published versions of all functions."""
        every = self._known().published.versions.values()
        return [version for versions in every for version in versions.values()]

    def alias(self, account_id: str, function_name: str, name: str) -> FunctionAlias | None:
        """The alias of this name."""
        return self._known().published.aliases.get((account_id, function_name), {}).get(name)

    def aliases(self, account_id: str, function_name: str) -> list[FunctionAlias]:
        """The aliases of a function, by name."""
        return list(self._known().published.aliases.get((account_id, function_name), {}).values())

    async def publish_version(self, account_id: str, name: str, make: Publish) -> Function:
        """Publish ``$LATEST``, or give the version published last when nothing has changed since.

        Raises:
            ResourceNotFoundException: there is no such function; and whatever ``make`` raises.
        """
        place = self._place(account_id, name)
        return await self._write(
            partial(function_versions.publish, sealer=self._sealer, place=place, make=make)
        )

    async def delete_version(self, account_id: str, name: str, number: int) -> None:
        """Remove a version; nothing when there is none of that number.

        Raises:
            ResourceNotFoundException: there is no such function.
            ResourceConflictException: an alias points to it.
        """
        place = self._place(account_id, name)

        def work(connection: Connection) -> None:
            function_versions.delete_version(connection, self._sealer, place, number)
            function_attachments.drop_attachments(connection, place, str(number))

        await self._write(work)

    async def create_alias(self, record: FunctionAlias) -> None:
        """Add an alias.

        Raises:
            ResourceNotFoundException: there is no such function or version.
            ResourceConflictException: the name is taken.
        """

        def work(connection: Connection) -> None:
            self._require_versions(connection, record)
            function_aliases.create(connection, record)

        await self._write(work)

    async def update_alias(
        self, account_id: str, function_name: str, name: str, change: Callable[[FunctionAlias], FunctionAlias]
    ) -> FunctionAlias:
        """Replace an alias by what ``change`` makes of it, inside the transaction.

        Raises:
            ResourceNotFoundException: there is no such function, alias or version; and whatever
                ``change`` raises.
        """
        place = self._place(account_id, function_name)

        def work(connection: Connection) -> FunctionAlias:
            functions.find(connection, self._sealer, place)
            changed = function_aliases.update_alias(connection, place, name, change)
            self._require_versions(connection, changed)
            return changed

        return await self._write(work)

    async def delete_alias(self, account_id: str, function_name: str, name: str) -> None:
        """Remove an alias; nothing when there is none.

        Raises:
            ResourceNotFoundException: there is no such function.
        """
        place = self._place(account_id, function_name)

        def work(connection: Connection) -> None:
            functions.find(connection, self._sealer, place)
            function_aliases.delete_alias(connection, place, name)
            function_attachments.drop_attachments(connection, place, name)

        await self._write(work)

    def _require_versions(self, connection: Connection, alias: FunctionAlias) -> None:
        """The versions that an alias leads to exist: asked inside the transaction."""
        place = self._place(alias.account_id, alias.function_name)
        latest = functions.find(connection, self._sealer, place)
        for version in (alias.version, *alias.weights):
            if version != LATEST and not function_versions.version_exists(connection, place, version):
                raise ResourceNotFoundException(f"Function not found: {latest.arn}:{version}")

    # Documents

    def attachment(self, account_id: str, name: str, kind: str, qualifier: str = "") -> Attachment | None:
        """The document of this kind, when the function, version or alias has one."""
        return self._known().published.attachments.get((account_id, name), {}).get((kind, qualifier))

    def attachments(self, account_id: str, name: str, kind: str) -> list[Attachment]:
        """The documents of one kind of a function and its versions and aliases, by qualifier."""
        every = self._known().published.attachments.get((account_id, name), {}).values()
        return [each for each in every if each.kind == kind]

    async def change_attachment(
        self, account_id: str, name: str, kind: str, qualifier: str, change: Change
    ) -> Attachment | None:
        """Replace a document by what ``change`` makes of it, inside the transaction.

        Raises:
            ResourceNotFoundException: there is no such function; and whatever ``change`` raises.
        """
        place = self._place(account_id, name)

        def work(connection: Connection) -> Attachment | None:
            functions.find(connection, self._sealer, place)
            return function_attachments.change_attachment(connection, place, kind, qualifier, change)

        return await self._write(work)

    # Layers

    def layer_version(self, account_id: str, name: str, number: int) -> LayerVersion | None:
        """The version of a layer."""
        return self._known().published.layers.get((account_id, name), {}).get(number)

    def layers(self, account_id: str) -> list[Sequence[LayerVersion]]:
        """The account's layers by name, each with its versions by number."""
        known = self._known().published.layers
        return [list(known[key].values()) for key in sorted(known) if key[0] == account_id]

    async def publish_layer_version(
        self, account_id: str, name: str, make: Callable[[int], LayerVersion], code: bytes
    ) -> LayerVersion:
        """Add a version to a layer, whose zip has the SHA-256 that the record names."""
        place = self._place(account_id, name)
        work = partial(layers.publish, place=place, make=make, code=code, stored_at=self._clock())
        return await self._write(work)

    async def delete_layer_version(self, account_id: str, name: str, number: int) -> None:
        """Remove a version of a layer; functions that use it go on. Nothing when there is none."""
        place = self._place(account_id, name)
        await self._write(partial(layers.delete_layer_version, place=place, number=number))

    def _place(self, account_id: str, name: str) -> Place:
        return account_id, self._region, name
