"""Roles and managed policies in memory, indexed as requests look them up."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from onread.metadata.belongings import Belongings
from onread.metadata.identity_records import ManagedPolicy, Role
from onread.metadata.managed_policies import load_managed_policies
from onread.metadata.roles import load_roles


@dataclass(frozen=True, slots=True, kw_only=True)
class Identities:
    """As of one epoch. Roles by (account, folded name) and by id; policies by ARN."""

    roles: Mapping[tuple[str, str], Role] = field(default_factory=dict)
    roles_by_id: Mapping[str, Role] = field(default_factory=dict)
    policies: Mapping[str, ManagedPolicy] = field(default_factory=dict)


def load_identities(connection: Connection, belonging: Mapping[str, Belongings]) -> Identities:
    """Read every role and managed policy."""
    roles = load_roles(connection, belonging)
    return Identities(
        roles={(role.account_id, role.name.lower()): role for role in roles},
        roles_by_id={role.role_id: role for role in roles},
        policies={policy.arn: policy for policy in load_managed_policies(connection, belonging)},
    )
