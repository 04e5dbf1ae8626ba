"""`IdentityRecords`: roles, managed policies, and what hangs on users and roles.

Look-ups are plain calls on memory; writes are awaited, and served when they return.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection

from onread.metadata import belongings, managed_policies, roles, users
from onread.metadata.identity_records import POLICIES_OF_AWS, ManagedPolicy, PolicyVersion, Role
from onread.metadata.identity_snapshot import Identities
from onread.metadata.records import User

T = TypeVar("T")


class Write(Protocol):
    """One transaction, and the snapshot after it."""

    async def __call__(self, work: Callable[[Connection], T], /) -> T:
        """Run ``work`` and serve what it made."""
        ...


class IdentityRecords:
    """The part of the records that is about roles and managed policies.

    Args:
        current: gives what is served now.
        write: runs a change in the database. Its errors are those of every write.
    """

    def __init__(self, current: Callable[[], Identities], write: Write) -> None:
        self._current = current
        self._write = write

    # Look-ups

    @property
    def current(self) -> Identities:
        """What is served now; another object after every change."""
        return self._current()

    def role(self, account_id: str, name: str) -> Role | None:
        """The role of this name, whatever its letter case."""
        return self._current().roles.get((account_id, name.lower()))

    def role_by_id(self, role_id: str) -> Role | None:
        """The role with this unique id."""
        return self._current().roles_by_id.get(role_id)

    def role_by_arn(self, arn: str) -> Role | None:
        """The role with exactly this ARN, path included."""
        parts = arn.split(":", 5)
        if len(parts) != 6 or not parts[5].startswith("role/"):
            return None
        role = self.role(parts[4], parts[5].rpartition("/")[2])
        return role if role is not None and role.arn == arn else None

    def policy(self, arn: str) -> ManagedPolicy | None:
        """The managed policy with this ARN: the account's or AWS's."""
        return self._current().policies.get(arn) or POLICIES_OF_AWS.get(arn)

    def list_roles(self, account_id: str) -> list[Role]:
        """The account's roles by name."""
        mine = [role for role in self._current().roles.values() if role.account_id == account_id]
        return sorted(mine, key=lambda role: role.name)

    def list_policies(self, account_id: str) -> list[ManagedPolicy]:
        """The account's own managed policies by name."""
        mine = [each for each in self._current().policies.values() if each.account_id == account_id]
        return sorted(mine, key=lambda policy: policy.name)

    # Roles

    async def create_role(self, role: Role) -> None:
        """Add a role without policies.

        Raises:
            EntityAlreadyExists: the name is taken.
        """
        await self._write(partial(roles.create, role=role))

    async def update_role(self, account_id: str, name: str, changes: Mapping[str, Any]) -> None:
        """Set ``description``, ``trust_policy`` or ``longest_session_seconds``.

        Raises:
            NoSuchEntity: there is no such role.
        """
        await self._write(partial(roles.update_role, account_id=account_id, name=name, changes=changes))

    async def delete_role(self, account_id: str, name: str) -> None:
        """Remove a role; its sessions end with it, and one made again under the name inherits nothing.

        Raises:
            NoSuchEntity: there is no such role.
            DeleteConflict: policies remain.
        """
        await self._write(partial(roles.delete_role, account_id=account_id, name=name))

    async def put_role_policy(self, account_id: str, role_name: str, name: str, document: str) -> None:
        """Set an inline policy.

        Raises:
            NoSuchEntity: there is no such role.
        """
        work = partial(
            roles.put_policy, account_id=account_id, role_name=role_name, name=name, document=document
        )
        await self._write(work)

    async def delete_role_policy(self, account_id: str, role_name: str, name: str) -> None:
        """Remove an inline policy.

        Raises:
            NoSuchEntity: there is no such role or policy.
        """
        await self._write(partial(roles.delete_policy, account_id=account_id, role_name=role_name, name=name))

    # Managed policies

    async def create_policy(self, policy: ManagedPolicy) -> None:
        """Add a managed policy with its first version.

        Raises:
            EntityAlreadyExists: the name is taken.
        """
        await self._write(partial(managed_policies.create, policy=policy))

    async def add_policy_version(
        self, policy: ManagedPolicy, document: str, *, created_at: datetime, is_default: bool
    ) -> PolicyVersion:
        """Add a version; with ``is_default`` it is in force at once.

        Raises:
            LimitExceeded: there are five.
        """
        work = partial(
            managed_policies.add_version,
            policy_id=policy.policy_id,
            document=document,
            created_at=created_at,
            is_default=is_default,
        )
        return await self._write(work)

    async def set_default_policy_version(
        self, policy: ManagedPolicy, number: int, *, changed_at: datetime
    ) -> None:
        """Put another version in force.

        Raises:
            NoSuchEntity: there is no such version.
        """
        work = partial(
            managed_policies.set_default_version,
            policy_id=policy.policy_id,
            number=number,
            changed_at=changed_at,
        )
        await self._write(work)

    async def delete_policy_version(self, policy: ManagedPolicy, number: int) -> None:
        """Remove a version that is not in force.

        Raises:
            NoSuchEntity: there is no such version.
            DeleteConflict: it is in force.
        """
        await self._write(partial(managed_policies.delete_version, policy_id=policy.policy_id, number=number))

    async def delete_managed_policy(self, policy: ManagedPolicy) -> None:
        """Remove a policy that nobody uses.

        Raises:
            DeleteConflict: it is attached, is a boundary, or has other versions.
        """
        work = partial(managed_policies.delete_policy, policy_id=policy.policy_id, arn=policy.arn)
        await self._write(work)

    # What hangs on users, roles and policies: by the owner's record, whose id decides

    async def attach(self, owner: User | Role, policy_arn: str) -> None:
        """Attach a managed policy.

        Raises:
            NoSuchEntity: the owner or the policy is gone.
            LimitExceeded: ten are attached.
        """

        def work(connection: Connection) -> None:
            belongings.attach(connection, _id_now(connection, owner), policy_arn)

        await self._write(work)

    async def detach(self, owner: User | Role, policy_arn: str) -> None:
        """Detach a managed policy.

        Raises:
            NoSuchEntity: it is not attached.
        """
        await self._write(partial(belongings.detach, entity_id=_id(owner), policy_arn=policy_arn))

    async def set_boundary(self, owner: User | Role, policy_arn: str | None) -> None:
        """Set or remove the permissions boundary.

        Raises:
            NoSuchEntity: the owner is gone, or there is none to remove.
        """

        def work(connection: Connection) -> None:
            belongings.set_boundary(connection, _id_now(connection, owner), policy_arn)

        await self._write(work)

    async def put_tags(self, owner: User | Role | ManagedPolicy, tags: Mapping[str, str]) -> None:
        """Set tags.

        Raises:
            NoSuchEntity: the owner is gone.
            LimitExceeded: more than fifty would remain.
        """

        def work(connection: Connection) -> None:
            belongings.put_tags(connection, _id_now(connection, owner), tags)

        await self._write(work)

    async def remove_tags(self, owner: User | Role | ManagedPolicy, names: Iterable[str]) -> None:
        """Remove tags by key."""
        await self._write(partial(belongings.remove_tags, entity_id=_id(owner), names=list(names)))


def _id(owner: User | Role | ManagedPolicy) -> str:
    match owner:
        case User():
            return owner.user_id
        case Role():
            return owner.role_id
        case ManagedPolicy():
            return owner.policy_id


def _id_now(connection: Connection, owner: User | Role | ManagedPolicy) -> str:
    """The owner's id, found to exist in this very transaction: nothing may hang on nobody."""
    match owner:
        case User():
            users.find_user_id(connection, owner.account_id, owner.name)
        case Role():
            roles.find_role_id(connection, owner.account_id, owner.name)
        case ManagedPolicy():
            managed_policies.require(connection, owner.policy_id)
    return _id(owner)
