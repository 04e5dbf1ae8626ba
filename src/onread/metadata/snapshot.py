"""Everything a request needs to know, in memory: no query on the road.

A snapshot never changes; a change makes a new one, which replaces the old in one assignment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from onread.metadata.access_points import load_access_points, load_object_lambda_access_points
from onread.metadata.account_settings import load_public_access_blocks
from onread.metadata.belongings import load_belongings
from onread.metadata.bucket_settings import Settings, load_bucket_settings
from onread.metadata.credentials import load_access_keys
from onread.metadata.functions import load_functions
from onread.metadata.identity_snapshot import Identities, load_identities
from onread.metadata.object_lambda_settings import load_object_lambda_settings
from onread.metadata.published import Published, load_published
from onread.metadata.records import (
    AccessKey,
    AccessPoint,
    Function,
    ObjectLambdaAccessPoint,
    ObjectLambdaSettings,
    User,
)
from onread.metadata.schema import epochs
from onread.metadata.sealing import Sealer
from onread.metadata.users import load_users

EPOCH = "control"

Key = tuple[str, str]
"""Account and name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The control records as of one epoch, indexed as they are looked up. User names are folded."""

    epoch: int = 0
    users: Mapping[Key, User] = field(default_factory=dict)
    access_keys: Mapping[str, AccessKey] = field(default_factory=dict)
    access_points: Mapping[Key, AccessPoint] = field(default_factory=dict)
    access_points_by_alias: Mapping[str, AccessPoint] = field(default_factory=dict)
    object_lambda_access_points: Mapping[Key, ObjectLambdaAccessPoint] = field(default_factory=dict)
    object_lambda_access_points_by_alias: Mapping[str, ObjectLambdaAccessPoint] = field(default_factory=dict)
    object_lambda_settings: Mapping[Key, ObjectLambdaSettings] = field(default_factory=dict)
    functions: Mapping[Key, Function] = field(default_factory=dict)
    published: Published = field(default_factory=Published)
    identities: Identities = field(default_factory=Identities)
    public_access_blocks: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    bucket_settings: Mapping[Key, Settings] = field(default_factory=dict)


def read_epoch(connection: Connection) -> int:
    """The number of the last change; 0 before the first."""
    return connection.scalar(select(epochs.c.number).where(epochs.c.name == EPOCH)) or 0


def load_snapshot(connection: Connection, sealer: Sealer, region: str) -> Snapshot:
    """Read every control record of a Region (identities belong to all Regions).

    Raises:
        WrongMasterKey: the secrets were sealed under another master key.
    """
    belonging = load_belongings(connection)
    users_by_id = load_users(connection, belonging)
    access_points = load_access_points(connection, region)
    transforming = load_object_lambda_access_points(connection, region)
    functions = {(each.account_id, each.name): each for each in load_functions(connection, sealer, region)}
    return Snapshot(
        epoch=read_epoch(connection),
        users={(user.account_id, user.name.lower()): user for user in users_by_id.values()},
        access_keys=load_access_keys(connection, sealer, users_by_id),
        access_points={(each.account_id, each.name): each for each in access_points},
        access_points_by_alias={each.alias: each for each in access_points},
        object_lambda_access_points={(each.account_id, each.name): each for each in transforming},
        object_lambda_access_points_by_alias={each.alias: each for each in transforming},
        object_lambda_settings=load_object_lambda_settings(connection, region),
        functions=functions,
        published=load_published(connection, sealer, region, functions),
        identities=load_identities(connection, belonging),
        public_access_blocks=load_public_access_blocks(connection),
        bucket_settings=load_bucket_settings(connection, region),
    )
