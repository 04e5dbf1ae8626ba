"""What hangs on functions and what they share, in memory: versions, aliases, documents, layers."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import accumulate

import orjson
from sqlalchemy import Connection

from onread.metadata.function_aliases import load_aliases
from onread.metadata.function_attachments import load_attachments
from onread.metadata.function_records import PROVISIONED, Attachment, FunctionAlias, LayerVersion
from onread.metadata.function_versions import load_versions
from onread.metadata.layers import load_layers
from onread.metadata.records import LATEST, Function
from onread.metadata.sealing import Sealer

Key = tuple[str, str]
"""Account and name, of a function or of a layer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """Everything of one epoch, indexed as it is looked up."""

    versions: Mapping[Key, Mapping[int, Function]] = field(default_factory=dict)
    aliases: Mapping[Key, Mapping[str, FunctionAlias]] = field(default_factory=dict)
    attachments: Mapping[Key, Mapping[tuple[str, str], Attachment]] = field(default_factory=dict)
    layers: Mapping[Key, Mapping[int, LayerVersion]] = field(default_factory=dict)

    def find(self, latest: Function, qualifier: str | None, draw: float) -> Function | None:
        """The version that a qualifier means; None when there is no such version or alias.

        Args:
            draw: from 0 up to 1: decides between the versions of an alias with weights.
        """
        if qualifier in (None, LATEST):
            return latest
        key = (latest.account_id, latest.name)
        alias = self.aliases.get(key, {}).get(qualifier or "")
        version = qualifier if alias is None else pick_version(alias, draw)
        if version == LATEST:
            return latest
        if version is None or not version.isdecimal():
            return None
        return self.versions.get(key, {}).get(int(version))


def pick_version(alias: FunctionAlias, draw: float) -> str:
    """The version that one invocation of an alias goes to.

    Args:
        draw: from 0 up to 1, equally likely everywhere.
    """
    further = list(alias.weights)
    for version, upto in zip(further, accumulate(alias.weights.values()), strict=True):
        if draw < upto:
            return version
    return alias.version


def load_published(
    connection: Connection, sealer: Sealer, region: str, functions: dict[Key, Function]
) -> Published:
    """Read everything of a Region.

    Args:
        functions: those at ``$LATEST``, by account and name.
    """
    versions = load_versions(connection, sealer, region, functions)
    aliases, attachments = load_aliases(connection, region), load_attachments(connection, region)
    for key, documents in attachments.items():
        _provision(versions.get(key, {}), aliases.get(key, {}), documents)
    return Published(
        versions=versions,
        aliases=aliases,
        attachments=attachments,
        layers=load_layers(connection, region),
    )


def _provision(
    versions: dict[int, Function],
    aliases: Mapping[str, FunctionAlias],
    documents: Mapping[tuple[str, str], Attachment],
) -> None:
    """Provisioned concurrency, of a version and of the aliases that lead to it, is what is kept of it."""
    for (kind, qualifier), document in documents.items():
        if kind != PROVISIONED:
            continue
        alias = aliases.get(qualifier)
        number = qualifier if alias is None else alias.version
        if number.isdecimal() and (version := versions.get(int(number))) is not None:
            wanted = version.min_environments + orjson.loads(document.document)["Requested"]
            versions[int(number)] = replace(version, min_environments=wanted)
