"""Roles and their inline policies, as rows and as records."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete, exists, insert, select, update

from onread.errors import EntityAlreadyExists, NoSuchEntity
from onread.metadata import belongings
from onread.metadata.belongings import Belongings
from onread.metadata.identity_records import Role
from onread.metadata.inline_policies import InlinePolicies
from onread.metadata.schema import role_policies, roles

_inline = InlinePolicies(role_policies, role_policies.c.role_id, "role")


def create(connection: Connection, role: Role) -> None:
    """Add a role with its tags and boundary, without policies.

    Raises:
        EntityAlreadyExists: the account has a role whose name differs in letter case at most.
        LimitExceeded: it has too many tags.
    """
    taken = (roles.c.account_id == role.account_id, roles.c.name_folded == role.name.lower())
    if connection.scalar(select(exists().where(*taken))):
        raise EntityAlreadyExists(f"Role with name {role.name} already exists.")
    connection.execute(
        insert(roles).values(
            role_id=role.role_id,
            account_id=role.account_id,
            name=role.name,
            name_folded=role.name.lower(),
            path=role.path,
            created_at=role.created_at,
            description=role.description,
            trust_policy=role.trust_policy,
            longest_session_seconds=role.longest_session_seconds,
        )
    )
    belongings.put_tags(connection, role.role_id, role.tags)
    if role.boundary is not None:
        belongings.set_boundary(connection, role.role_id, role.boundary)


def find_role_id(connection: Connection, account_id: str, name: str) -> str:
    """The unique id of the role that bears this name now.

    Raises:
        NoSuchEntity: there is none.
    """
    here = (roles.c.account_id == account_id, roles.c.name_folded == name.lower())
    found = connection.scalar(select(roles.c.role_id).where(*here))
    if found is None:
        raise NoSuchEntity(f"The role with name {name} cannot be found.")
    return str(found)


def update_role(connection: Connection, account_id: str, name: str, changes: Mapping[str, Any]) -> None:
    """Set columns of a role: ``description``, ``trust_policy``, ``longest_session_seconds``.

    Raises:
        NoSuchEntity: there is no such role.
    """
    role_id = find_role_id(connection, account_id, name)
    if changes:
        connection.execute(update(roles).where(roles.c.role_id == role_id).values(**changes))


def delete_role(connection: Connection, account_id: str, name: str) -> None:
    """Remove a role that has no policies left.

    Raises:
        NoSuchEntity: there is no such role.
        DeleteConflict: inline or managed policies remain.
    """
    role_id = find_role_id(connection, account_id, name)
    _inline.refuse_while_there(connection, role_id)
    belongings.refuse_while_attached(connection, role_id)
    belongings.forget(connection, role_id)
    connection.execute(delete(roles).where(roles.c.role_id == role_id))


def put_policy(connection: Connection, account_id: str, role_name: str, name: str, document: str) -> None:
    """Set an inline policy of a role, replacing one of the same name.

    Raises:
        NoSuchEntity: there is no such role.
    """
    _inline.put(connection, find_role_id(connection, account_id, role_name), name, document)


def delete_policy(connection: Connection, account_id: str, role_name: str, name: str) -> None:
    """Remove an inline policy.

    Raises:
        NoSuchEntity: there is no such role or policy.
    """
    _inline.delete(connection, find_role_id(connection, account_id, role_name), name)


def load_roles(connection: Connection, belonging: Mapping[str, Belongings]) -> list[Role]:
    """Every role with what hangs on it."""
    policies = _inline.load(connection)
    found = []
    for row in connection.execute(select(roles)):
        mine = belonging.get(row.role_id) or Belongings()
        found.append(
            Role(
                account_id=row.account_id,
                name=row.name,
                path=row.path,
                role_id=row.role_id,
                created_at=row.created_at,
                trust_policy=row.trust_policy,
                description=row.description,
                longest_session_seconds=row.longest_session_seconds,
                policies=policies.get(row.role_id, {}),
                attached=tuple(mine.attached),
                boundary=mine.boundary,
                tags=mine.tags,
            )
        )
    return found
