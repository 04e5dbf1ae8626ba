"""Look-ups of control records: plain calls on memory, never a query.

Owns how a record is found. Refuses to know how it came into memory.
"""

from collections.abc import Iterable
from typing import TypeVar

from onread.metadata.records import AccessKey, AccessPoint, Function, ObjectLambdaAccessPoint, User
from onread.metadata.snapshot import Snapshot

Named = TypeVar("Named", User, AccessPoint, ObjectLambdaAccessPoint, Function)


class Lookups:
    """What requests ask of the records.

    Args:
        account_id: the account in which ``NAME.olap`` is looked up.
    """

    def __init__(self, account_id: str, snapshot: Snapshot) -> None:
        self.account_id = account_id
        self._snapshot = snapshot
        self._root: AccessKey | None = None

    def set_root(self, access_key: AccessKey) -> None:
        """Make the account's root credentials known; they are never written to the database."""
        self._root = access_key

    def access_key(self, access_key_id: str) -> AccessKey | None:
        """The key with this id, active or not."""
        if self._root is not None and access_key_id == self._root.access_key_id:
            return self._root
        return self._snapshot.access_keys.get(access_key_id)

    def user(self, account_id: str, name: str) -> User | None:
        """The user of this name, whatever its letter case."""
        return self._snapshot.users.get((account_id, name.lower()))

    def access_point(self, account_id: str, name: str) -> AccessPoint | None:
        """The standard access point of this name."""
        return self._snapshot.access_points.get((account_id, name))

    def access_point_by_alias(self, alias: str) -> AccessPoint | None:
        """The standard access point with this ``...-s3alias``."""
        return self._snapshot.access_points_by_alias.get(alias)

    def find_source(self, name: str) -> AccessPoint | None:
        """The standard access point of this ARN or alias."""
        if not name.startswith("arn:"):
            return self.access_point_by_alias(name)
        account_id, _, resource = name.partition(":s3:")[2].partition(":")[2].partition(":")
        return self.access_point(account_id, resource.removeprefix("accesspoint/"))

    def object_lambda_access_point(self, account_id: str, name: str) -> ObjectLambdaAccessPoint | None:
        """The Object Lambda access point of this name."""
        return self._snapshot.object_lambda_access_points.get((account_id, name))

    def object_lambda_access_point_by_alias(self, alias: str) -> ObjectLambdaAccessPoint | None:
        """The Object Lambda access point with this ``...--ol-s3``, or this account's for ``NAME.olap``."""
        if alias.endswith(".olap"):
            return self.object_lambda_access_point(self.account_id, alias.removesuffix(".olap"))
        return self._snapshot.object_lambda_access_points_by_alias.get(alias)

    def function(self, account_id: str, name: str) -> Function | None:
        """The function of this name."""
        return self._snapshot.functions.get((account_id, name))

    def list_users(self, account_id: str) -> list[User]:
        """The account's users by name."""
        return _of_account(self._snapshot.users.values(), account_id)

    def list_access_keys(self, account_id: str, user_name: str) -> list[AccessKey]:
        """The user's keys, oldest first."""
        keys = self._snapshot.access_keys.values()
        folded = user_name.lower()
        mine = [k for k in keys if k.account_id == account_id and (k.user_name or "").lower() == folded]
        return sorted(mine, key=lambda key: (key.created_at, key.access_key_id))

    def list_access_points(self, account_id: str) -> list[AccessPoint]:
        """The account's standard access points by name."""
        return _of_account(self._snapshot.access_points.values(), account_id)

    def list_object_lambda_access_points(self, account_id: str) -> list[ObjectLambdaAccessPoint]:
        """The account's Object Lambda access points by name."""
        return _of_account(self._snapshot.object_lambda_access_points.values(), account_id)

    def list_functions(self, account_id: str) -> list[Function]:
        """The account's functions by name."""
        return _of_account(self._snapshot.functions.values(), account_id)

    @property
    def state(self) -> object:
        """The records as they are: another object after each change, to tell whether there was one."""
        return self._snapshot

    @property
    def epoch(self) -> int:
        """The number of the last change that is known here."""
        return self._snapshot.epoch

    def all_object_lambda_access_points(self) -> list[ObjectLambdaAccessPoint]:
        """Those of all accounts."""
        return list(self._snapshot.object_lambda_access_points.values())

    def all_functions(self) -> list[Function]:
        """The functions of all accounts."""
        return list(self._snapshot.functions.values())


def _of_account(records: Iterable[Named], account_id: str) -> list[Named]:
    mine = [record for record in records if record.account_id == account_id]
    return sorted(mine, key=lambda record: record.name)
