"""Managed policies and their versions, as rows and as records."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, exists, func, insert, select, update

from onread.errors import DeleteConflict, EntityAlreadyExists, LimitExceeded, NoSuchEntity
from onread.metadata import belongings
from onread.metadata.belongings import Belongings
from onread.metadata.identity_records import ManagedPolicy, PolicyVersion
from onread.metadata.schema import managed_policies, managed_policy_versions

MOST_VERSIONS = 5
"""IAM's quota: delete an old one before you add the sixth."""


def create(connection: Connection, policy: ManagedPolicy) -> None:
    """Add a policy with its first version and its tags.

    Raises:
        EntityAlreadyExists: the account has a policy whose name differs in letter case at most.
        LimitExceeded: it has too many tags.
    """
    taken = (
        managed_policies.c.account_id == policy.account_id,
        managed_policies.c.name_folded == policy.name.lower(),
    )
    if connection.scalar(select(exists().where(*taken))):
        raise EntityAlreadyExists(
            f"A policy called {policy.name} already exists. Duplicate names are not allowed."
        )
    connection.execute(
        insert(managed_policies).values(
            policy_id=policy.policy_id,
            account_id=policy.account_id,
            name=policy.name,
            name_folded=policy.name.lower(),
            path=policy.path,
            created_at=policy.created_at,
            updated_at=policy.updated_at,
            description=policy.description,
            default_version=policy.default_version,
            last_version=policy.last_version,
        )
    )
    for version in policy.versions.values():
        _add_version(connection, policy.policy_id, version)
    belongings.put_tags(connection, policy.policy_id, policy.tags)


def add_version(
    connection: Connection, policy_id: str, document: str, created_at: datetime, *, is_default: bool
) -> PolicyVersion:
    """Add a version under the next number.

    Raises:
        NoSuchEntity: the policy is gone.
        LimitExceeded: it has five versions.
    """
    last, _ = _numbers(connection, policy_id)
    here = managed_policy_versions.c.policy_id == policy_id
    held = connection.scalar(select(func.count()).select_from(managed_policy_versions).where(here)) or 0
    if held >= MOST_VERSIONS:
        raise LimitExceeded(
            f"A managed policy can have up to {MOST_VERSIONS} versions. Before you create a new version, "
            "you must delete an existing version."
        )
    version = PolicyVersion(number=last + 1, document=document, created_at=created_at)
    _add_version(connection, policy_id, version)
    changes = {"last_version": version.number, "updated_at": created_at}
    if is_default:
        changes["default_version"] = version.number
    connection.execute(
        update(managed_policies).where(managed_policies.c.policy_id == policy_id).values(**changes)
    )
    return version


def set_default_version(connection: Connection, policy_id: str, number: int, changed_at: datetime) -> None:
    """Put another version in force.

    Raises:
        NoSuchEntity: there is no such version.
    """
    _require_version(connection, policy_id, number)
    connection.execute(
        update(managed_policies)
        .where(managed_policies.c.policy_id == policy_id)
        .values(default_version=number, updated_at=changed_at)
    )


def delete_version(connection: Connection, policy_id: str, number: int) -> None:
    """Remove a version that is not in force.

    Raises:
        NoSuchEntity: there is no such version.
        DeleteConflict: it is the default version.
    """
    _require_version(connection, policy_id, number)
    _, default = _numbers(connection, policy_id)
    if default == number:
        raise DeleteConflict("Cannot delete the default version of a policy.")
    here = (managed_policy_versions.c.policy_id == policy_id, managed_policy_versions.c.number == number)
    connection.execute(delete(managed_policy_versions).where(*here))


def delete_policy(connection: Connection, policy_id: str, arn: str) -> None:
    """Remove a policy that nobody uses and that has its default version alone.

    Raises:
        NoSuchEntity: it is gone.
        DeleteConflict: it is attached, is a boundary, or has other versions.
    """
    _numbers(connection, policy_id)
    belongings.refuse_while_in_use(connection, arn)
    here = managed_policy_versions.c.policy_id == policy_id
    if (connection.scalar(select(func.count()).select_from(managed_policy_versions).where(here)) or 0) > 1:
        raise DeleteConflict(
            "This policy has more than one version. Before you delete a policy, you must "
            "delete the policy's versions. The default version is deleted with the policy."
        )
    belongings.forget(connection, policy_id)
    connection.execute(delete(managed_policies).where(managed_policies.c.policy_id == policy_id))


def load_managed_policies(connection: Connection, belonging: Mapping[str, Belongings]) -> list[ManagedPolicy]:
    """Every managed policy of the accounts; AWS's own are not among them."""
    versions: dict[str, dict[int, PolicyVersion]] = {}
    rows = connection.execute(select(managed_policy_versions).order_by(managed_policy_versions.c.number))
    for row in rows:
        version = PolicyVersion(number=row.number, document=row.document, created_at=row.created_at)
        versions.setdefault(row.policy_id, {})[row.number] = version
    return [
        ManagedPolicy(
            account_id=row.account_id,
            name=row.name,
            path=row.path,
            policy_id=row.policy_id,
            created_at=row.created_at,
            updated_at=row.updated_at,
            versions=versions[row.policy_id],
            default_version=row.default_version,
            last_version=row.last_version,
            description=row.description,
            tags=belonging[row.policy_id].tags if row.policy_id in belonging else {},
        )
        for row in connection.execute(select(managed_policies))
    ]


def require(connection: Connection, policy_id: str) -> None:
    """Go on only while the policy exists.

    Raises:
        NoSuchEntity: it is gone.
    """
    _numbers(connection, policy_id)


def _numbers(connection: Connection, policy_id: str) -> tuple[int, int]:
    """The last version's number and the default one's."""
    found = connection.execute(
        select(managed_policies.c.last_version, managed_policies.c.default_version).where(
            managed_policies.c.policy_id == policy_id
        )
    ).first()
    if found is None:
        raise NoSuchEntity("The policy does not exist any more.")
    return found.last_version, found.default_version


def _require_version(connection: Connection, policy_id: str, number: int) -> None:
    here = (managed_policy_versions.c.policy_id == policy_id, managed_policy_versions.c.number == number)
    if not connection.scalar(select(exists().where(*here))):
        raise NoSuchEntity(f"Policy version v{number} does not exist.")


def _add_version(connection: Connection, policy_id: str, version: PolicyVersion) -> None:
    connection.execute(
        insert(managed_policy_versions).values(
            policy_id=policy_id,
            number=version.number,
            document=version.document,
            created_at=version.created_at,
        )
    )
