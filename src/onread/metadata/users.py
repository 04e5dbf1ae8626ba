"""Users and their inline policies, as rows and as records."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, exists, insert, select, update

from onread.errors import DeleteConflict, EntityAlreadyExists, NoSuchEntity
from onread.metadata.records import User
from onread.metadata.schema import access_keys, user_policies, users


def create(connection: Connection, user: User) -> None:
    """Add a user.

    Raises:
        EntityAlreadyExists: the account has a user whose name differs in letter case at most.
    """
    taken = select(users.c.user_id).where(
        users.c.account_id == user.account_id, users.c.name_folded == user.name.lower()
    )
    if connection.execute(taken).first() is not None:
        raise EntityAlreadyExists(f"User with name {user.name} already exists.")
    connection.execute(
        insert(users).values(
            user_id=user.user_id,
            account_id=user.account_id,
            name=user.name,
            name_folded=user.name.lower(),
            path=user.path,
            created_at=user.created_at,
        )
    )


def find_user_id(connection: Connection, account_id: str, name: str) -> str:
    """The unique id of the user who bears this name now.

    Raises:
        NoSuchEntity: there is none.
    """
    found = connection.scalar(
        select(users.c.user_id).where(users.c.account_id == account_id, users.c.name_folded == name.lower())
    )
    if found is None:
        raise NoSuchEntity(f"The user with name {name} cannot be found.")
    return str(found)


def delete_user(connection: Connection, account_id: str, name: str) -> None:
    """Remove a user who has neither keys nor policies left.

    Raises:
        NoSuchEntity: there is no such user.
        DeleteConflict: keys or inline policies remain.
    """
    user_id = find_user_id(connection, account_id, name)
    if connection.scalar(select(exists().where(access_keys.c.user_id == user_id))):
        raise DeleteConflict("Cannot delete entity, must delete access keys first.")
    if connection.scalar(select(exists().where(user_policies.c.user_id == user_id))):
        raise DeleteConflict("Cannot delete entity, must delete policies first.")
    connection.execute(delete(users).where(users.c.user_id == user_id))


def put_policy(connection: Connection, account_id: str, user_name: str, name: str, document: str) -> None:
    """Set an inline policy of a user, replacing one of the same name.

    Raises:
        NoSuchEntity: there is no such user.
    """
    user_id = find_user_id(connection, account_id, user_name)
    here = (user_policies.c.user_id == user_id, user_policies.c.name == name)
    changed = connection.execute(update(user_policies).where(*here).values(document=document))
    if changed.rowcount == 0:
        connection.execute(insert(user_policies).values(user_id=user_id, name=name, document=document))


def delete_policy(connection: Connection, account_id: str, user_name: str, name: str) -> None:
    """Remove an inline policy.

    Raises:
        NoSuchEntity: there is no such user or policy.
    """
    user_id = find_user_id(connection, account_id, user_name)
    here = (user_policies.c.user_id == user_id, user_policies.c.name == name)
    if connection.execute(delete(user_policies).where(*here)).rowcount == 0:
        raise NoSuchEntity(f"The user policy with name {name} cannot be found.")


def load_users(connection: Connection) -> dict[str, User]:
    """Every user with its policies, by user id."""
    policies: dict[str, dict[str, str]] = {}
    for row in connection.execute(select(user_policies)):
        policies.setdefault(row.user_id, {})[row.name] = row.document
    rows = connection.execute(select(users))
    return {row.user_id: _record(row, policies.get(row.user_id, {})) for row in rows}


def _record(row: Row[Any], policies: Mapping[str, str]) -> User:
    created_at: datetime = row.created_at
    return User(
        account_id=row.account_id,
        name=row.name,
        path=row.path,
        user_id=row.user_id,
        created_at=created_at,
        policies=policies,
    )
