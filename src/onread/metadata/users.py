"""Users and their inline policies, as rows and as records."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, exists, insert, select, update

from onread.errors import DeleteConflict, EntityAlreadyExists, NoSuchEntity
from onread.metadata import belongings
from onread.metadata.belongings import Belongings
from onread.metadata.inline_policies import InlinePolicies
from onread.metadata.records import User
from onread.metadata.schema import access_keys, user_policies, users

_inline = InlinePolicies(user_policies, user_policies.c.user_id, "user")


def create(connection: Connection, user: User) -> None:
    """Add a user with its tags and boundary, without keys and policies.

    Raises:
        EntityAlreadyExists: the account has a user whose name differs in letter case at most.
        LimitExceeded: it has too many tags.
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
    belongings.put_tags(connection, user.user_id, user.tags)
    if user.boundary is not None:
        belongings.set_boundary(connection, user.user_id, user.boundary)


def rename(connection: Connection, account_id: str, name: str, *, new_name: str, new_path: str) -> None:
    """Give a user another name and path; keys, policies and id stay.

    Raises:
        NoSuchEntity: there is no such user.
        EntityAlreadyExists: the new name is taken.
    """
    user_id = find_user_id(connection, account_id, name)
    taken = (
        users.c.account_id == account_id,
        users.c.name_folded == new_name.lower(),
        users.c.user_id != user_id,
    )
    if connection.scalar(select(exists().where(*taken))):
        raise EntityAlreadyExists(f"User with name {new_name} already exists.")
    connection.execute(
        update(users)
        .where(users.c.user_id == user_id)
        .values(name=new_name, name_folded=new_name.lower(), path=new_path)
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
        DeleteConflict: keys, inline or managed policies remain.
    """
    user_id = find_user_id(connection, account_id, name)
    if connection.scalar(select(exists().where(access_keys.c.user_id == user_id))):
        raise DeleteConflict("Cannot delete entity, must delete access keys first.")
    _inline.refuse_while_there(connection, user_id)
    belongings.refuse_while_attached(connection, user_id)
    belongings.forget(connection, user_id)
    connection.execute(delete(users).where(users.c.user_id == user_id))


def put_policy(connection: Connection, account_id: str, user_name: str, name: str, document: str) -> None:
    """Set an inline policy of a user, replacing one of the same name.

    Raises:
        NoSuchEntity: there is no such user.
    """
    _inline.put(connection, find_user_id(connection, account_id, user_name), name, document)


def delete_policy(connection: Connection, account_id: str, user_name: str, name: str) -> None:
    """Remove an inline policy.

    Raises:
        NoSuchEntity: there is no such user or policy.
    """
    _inline.delete(connection, find_user_id(connection, account_id, user_name), name)


def load_users(connection: Connection, belonging: Mapping[str, Belongings]) -> dict[str, User]:
    """Every user with its policies and what else hangs on it, by user id."""
    policies = _inline.load(connection)
    rows = connection.execute(select(users))
    return {
        row.user_id: _record(row, policies.get(row.user_id, {}), belonging.get(row.user_id) or Belongings())
        for row in rows
    }


def _record(row: Row[Any], policies: Mapping[str, str], mine: Belongings) -> User:
    created_at: datetime = row.created_at
    return User(
        account_id=row.account_id,
        name=row.name,
        path=row.path,
        user_id=row.user_id,
        created_at=created_at,
        policies=policies,
        attached=tuple(mine.attached),
        boundary=mine.boundary,
        tags=mine.tags,
    )
