"""What hangs on a user, a role or a managed policy alike: managed policies, a boundary, tags.

Rows go by the owner's unique id, so whoever is made again under a name inherits nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, delete, exists, func, insert, select

from onread.errors import DeleteConflict, LimitExceeded, NoSuchEntity
from onread.metadata.schema import identity_tags, policy_attachments

# Source: IAM User Guide, "IAM and AWS STS quotas".
MOST_ATTACHED = 10
MOST_TAGS = 50


@dataclass(slots=True)
class Belongings:
    """What hangs on one owner, as it is read."""

    attached: list[str] = field(default_factory=list)
    boundary: str | None = None
    tags: dict[str, str] = field(default_factory=dict)


def attach(connection: Connection, entity_id: str, policy_arn: str) -> None:
    """Attach a managed policy; one that is attached already stays so.

    Raises:
        LimitExceeded: ten are attached.
    """
    mine = (policy_attachments.c.entity_id == entity_id, policy_attachments.c.is_boundary.is_(False))
    if connection.scalar(select(exists().where(*mine, policy_attachments.c.policy_arn == policy_arn))):
        return
    held = connection.scalar(select(func.count()).select_from(policy_attachments).where(*mine)) or 0
    if held >= MOST_ATTACHED:
        raise LimitExceeded(f"Cannot exceed quota for attached policies: {MOST_ATTACHED}")
    connection.execute(
        insert(policy_attachments).values(entity_id=entity_id, policy_arn=policy_arn, is_boundary=False)
    )


def detach(connection: Connection, entity_id: str, policy_arn: str) -> None:
    """Detach a managed policy.

    Raises:
        NoSuchEntity: it is not attached.
    """
    gone = connection.execute(
        delete(policy_attachments).where(
            policy_attachments.c.entity_id == entity_id,
            policy_attachments.c.policy_arn == policy_arn,
            policy_attachments.c.is_boundary.is_(False),
        )
    )
    if gone.rowcount == 0:
        raise NoSuchEntity(f"Policy {policy_arn} was not found.")


def set_boundary(connection: Connection, entity_id: str, policy_arn: str | None) -> None:
    """Set the permissions boundary, or remove it.

    Raises:
        NoSuchEntity: there is none to remove.
    """
    gone = connection.execute(
        delete(policy_attachments).where(
            policy_attachments.c.entity_id == entity_id, policy_attachments.c.is_boundary.is_(True)
        )
    )
    if policy_arn is not None:
        connection.execute(
            insert(policy_attachments).values(entity_id=entity_id, policy_arn=policy_arn, is_boundary=True)
        )
    elif gone.rowcount == 0:
        raise NoSuchEntity("There is no permissions boundary to delete.")


def put_tags(connection: Connection, entity_id: str, tags: Mapping[str, str]) -> None:
    """Set tags, replacing those whose keys differ in letter case at most.

    Raises:
        LimitExceeded: more than fifty would remain.
    """
    remove_tags(connection, entity_id, tags)
    rows = [
        {"entity_id": entity_id, "name_folded": name.lower(), "name": name, "value": value}
        for name, value in tags.items()
    ]
    if rows:
        connection.execute(insert(identity_tags), rows)
    here = identity_tags.c.entity_id == entity_id
    if (connection.scalar(select(func.count()).select_from(identity_tags).where(here)) or 0) > MOST_TAGS:
        raise LimitExceeded(f"Cannot exceed quota for TagsPerEntity: {MOST_TAGS}")


def remove_tags(connection: Connection, entity_id: str, names: Iterable[str]) -> None:
    """Remove tags by key, in any letter case; those that are not there are no error."""
    folded = [name.lower() for name in names]
    connection.execute(
        delete(identity_tags).where(
            identity_tags.c.entity_id == entity_id, identity_tags.c.name_folded.in_(folded)
        )
    )


def refuse_while_attached(connection: Connection, entity_id: str) -> None:
    """A user or role is not removed while managed policies hang on it.

    Raises:
        DeleteConflict: one does.
    """
    here = (policy_attachments.c.entity_id == entity_id, policy_attachments.c.is_boundary.is_(False))
    if connection.scalar(select(exists().where(*here))):
        raise DeleteConflict("Cannot delete entity, must detach all policies first.")


def refuse_while_in_use(connection: Connection, policy_arn: str) -> None:
    """A managed policy is not removed while it is attached, or is someone's boundary.

    Raises:
        DeleteConflict: it is.
    """
    if connection.scalar(select(exists().where(policy_attachments.c.policy_arn == policy_arn))):
        raise DeleteConflict("Cannot delete a policy attached to entities.")


def forget(connection: Connection, entity_id: str) -> None:
    """Remove whatever hangs on an owner who is being removed."""
    connection.execute(delete(policy_attachments).where(policy_attachments.c.entity_id == entity_id))
    connection.execute(delete(identity_tags).where(identity_tags.c.entity_id == entity_id))


def load_belongings(connection: Connection) -> dict[str, Belongings]:
    """Everybody's, by unique id."""
    found: dict[str, Belongings] = {}
    for row in connection.execute(select(policy_attachments).order_by(policy_attachments.c.policy_arn)):
        mine = found.setdefault(row.entity_id, Belongings())
        if row.is_boundary:
            mine.boundary = row.policy_arn
        else:
            mine.attached.append(row.policy_arn)
    for row in connection.execute(select(identity_tags).order_by(identity_tags.c.name_folded)):
        found.setdefault(row.entity_id, Belongings()).tags[row.name] = row.value
    return found
