"""Access keys of users, their secrets sealed: the database file alone does not allow signing."""

from collections.abc import Mapping

from sqlalchemy import Connection, delete, func, insert, select, update

from onread.errors import LimitExceeded, NoSuchEntity
from onread.metadata.records import AccessKey, Secret, User
from onread.metadata.schema import access_keys
from onread.metadata.sealing import Sealer
from onread.metadata.users import find_user_id

KEYS_A_USER = 2
"""IAM's quota: enough to rotate, no more."""


def create(connection: Connection, sealer: Sealer, key: AccessKey) -> None:
    """Add an access key to the user whom it names.

    Raises:
        NoSuchEntity: there is no such user.
        LimitExceeded: the user has two keys.
    """
    user_id = find_user_id(connection, key.account_id, key.user_name or "")
    held = connection.scalar(
        select(func.count()).select_from(access_keys).where(access_keys.c.user_id == user_id)
    )
    if (held or 0) >= KEYS_A_USER:
        raise LimitExceeded(f"Cannot exceed quota for AccessKeysPerUser: {KEYS_A_USER}")
    connection.execute(
        insert(access_keys).values(
            access_key_id=key.access_key_id,
            user_id=user_id,
            sealed_secret=sealer.seal(key.secret.reveal().encode(), key.access_key_id),
            active=key.active,
            created_at=key.created_at,
        )
    )


def set_active(
    connection: Connection, account_id: str, user_name: str, access_key_id: str, active: bool
) -> None:
    """Switch a key on or off.

    Raises:
        NoSuchEntity: the user has no such key.
    """
    user_id = find_user_id(connection, account_id, user_name)
    here = (access_keys.c.access_key_id == access_key_id, access_keys.c.user_id == user_id)
    if connection.execute(update(access_keys).where(*here).values(active=active)).rowcount == 0:
        raise NoSuchEntity(f"The Access Key with id {access_key_id} cannot be found.")


def delete_key(connection: Connection, account_id: str, user_name: str, access_key_id: str) -> None:
    """Remove a key for good.

    Raises:
        NoSuchEntity: the user has no such key.
    """
    user_id = find_user_id(connection, account_id, user_name)
    here = (access_keys.c.access_key_id == access_key_id, access_keys.c.user_id == user_id)
    if connection.execute(delete(access_keys).where(*here)).rowcount == 0:
        raise NoSuchEntity(f"The Access Key with id {access_key_id} cannot be found.")


def load_access_keys(
    connection: Connection, sealer: Sealer, users_by_id: Mapping[str, User]
) -> dict[str, AccessKey]:
    """Every key of a user that exists, by access key id.

    Raises:
        WrongMasterKey: the secrets were sealed under another master key.
    """
    keys = {}
    for row in connection.execute(select(access_keys)):
        user = users_by_id.get(row.user_id)
        if user is None:  # the foreign key forbids it; an orphan would be nobody's credentials
            continue
        keys[row.access_key_id] = AccessKey(
            access_key_id=row.access_key_id,
            secret=Secret(sealer.open(row.sealed_secret, row.access_key_id).decode()),
            account_id=user.account_id,
            user_name=user.name,
            active=row.active,
            created_at=row.created_at,
        )
    return keys
