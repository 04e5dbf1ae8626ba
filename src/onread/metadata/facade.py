"""`Records`: the control records of one installation; requests look them up, operations change them.

Look-ups are plain calls on memory. Writes are awaited: one transaction in a worker thread, then the
new snapshot; when the call returns, this gateway already serves the change.
"""

from collections.abc import Callable
from functools import cached_property, partial

from sqlalchemy import Connection

from onread.metadata import (
    access_points,
    credentials,
    function_code,
    function_versions,
    functions,
    users,
)
from onread.metadata.account_settings import AccountSettingsRecords
from onread.metadata.bucket_settings import BucketSettingsRecords
from onread.metadata.function_versions import Publish
from onread.metadata.identities import IdentityRecords
from onread.metadata.key_uses import KeyUses
from onread.metadata.object_lambda_settings import ObjectLambdaSettingsRecords
from onread.metadata.published_facade import PublishedRecords
from onread.metadata.records import AccessKey, AccessPoint, Function, ObjectLambdaAccessPoint, User
from onread.metadata.transactions import Transactions


class Records(Transactions):
    """Every control record of one installation. Made by `open`; closed once by `close`.

    Errors of every write: `ServiceUnavailable` when the database fails, `SlowDown` when too many wait.

    Cancellation: a write that has begun goes on to its end, is committed and served; only its answer
    is lost.
    """

    @cached_property
    def object_lambda_settings(self) -> ObjectLambdaSettingsRecords:
        """onread's own settings of Object Lambda access points."""
        return ObjectLambdaSettingsRecords(
            lambda: self._snapshot.object_lambda_settings, self._write, self._region
        )

    @cached_property
    def account_settings(self) -> AccountSettingsRecords:
        """Block Public Access of accounts."""
        return AccountSettingsRecords(lambda: self._snapshot.public_access_blocks, self._write)

    @cached_property
    def bucket_settings(self) -> BucketSettingsRecords:
        """Who may reach the buckets of upstream stores."""
        return BucketSettingsRecords(lambda: self._snapshot.bucket_settings, self._write, self._region)

    @cached_property
    def published(self) -> PublishedRecords:
        """Versions, aliases and attached documents of functions; layers."""
        return PublishedRecords(
            lambda: self._snapshot,
            self._write,
            sealer=self._sealer,
            region=self._region,
            clock=self._clock,
        )

    @cached_property
    def identities(self) -> IdentityRecords:
        """Roles, managed policies, and what hangs on users and roles."""
        return IdentityRecords(lambda: self._snapshot.identities, self._write)

    @cached_property
    def key_uses(self) -> KeyUses:
        """When access keys were used last."""
        return KeyUses(self._read, self._jot)

    # Users and their keys

    async def create_user(self, user: User) -> None:
        """Add a user without keys and policies.

        Raises:
            EntityAlreadyExists: the name is taken.
        """
        await self._write(partial(users.create, user=user))

    async def rename_user(self, account_id: str, name: str, *, new_name: str, new_path: str) -> None:
        """Give a user another name and path; its keys and policies go with it.

        Raises:
            NoSuchEntity: there is no such user.
            EntityAlreadyExists: the new name is taken.
        """
        work = partial(users.rename, account_id=account_id, name=name, new_name=new_name, new_path=new_path)
        await self._write(work)

    async def delete_user(self, account_id: str, name: str) -> None:
        """Remove a user. A user made again under the name inherits nothing.

        Raises:
            NoSuchEntity: there is no such user.
            DeleteConflict: keys or policies remain.
        """
        await self._write(partial(users.delete_user, account_id=account_id, name=name))

    async def put_user_policy(self, account_id: str, user_name: str, name: str, document: str) -> None:
        """Set an inline policy.

        Raises:
            NoSuchEntity: there is no such user.
        """
        await self._write(
            partial(
                users.put_policy, account_id=account_id, user_name=user_name, name=name, document=document
            )
        )

    async def delete_user_policy(self, account_id: str, user_name: str, name: str) -> None:
        """Remove an inline policy.

        Raises:
            NoSuchEntity: there is no such user or policy.
        """
        await self._write(partial(users.delete_policy, account_id=account_id, user_name=user_name, name=name))

    async def create_access_key(self, key: AccessKey) -> None:
        """Add a key to the user whom it names.

        Raises:
            NoSuchEntity: there is no such user.
            LimitExceeded: the user has two keys.
        """
        await self._write(partial(credentials.create, sealer=self._sealer, key=key))

    async def set_access_key_active(
        self, account_id: str, user_name: str, access_key_id: str, *, active: bool
    ) -> None:
        """Switch a key on or off.

        Raises:
            NoSuchEntity: the user has no such key.
        """
        await self._write(
            partial(
                credentials.set_active,
                account_id=account_id,
                user_name=user_name,
                access_key_id=access_key_id,
                active=active,
            )
        )

    async def delete_access_key(self, account_id: str, user_name: str, access_key_id: str) -> None:
        """Remove a key for good.

        Raises:
            NoSuchEntity: the user has no such key.
        """
        await self._write(
            partial(
                credentials.delete_key,
                account_id=account_id,
                user_name=user_name,
                access_key_id=access_key_id,
            )
        )

    # Access points

    async def create_access_point(self, record: AccessPoint) -> None:
        """Add a standard access point.

        Raises:
            AccessPointAlreadyOwnedByYou: the name is taken.
            TooManyAccessPoints: the quota is used up.
        """
        await self._write(partial(access_points.create_access_point, record=record))

    async def update_access_point(
        self, account_id: str, name: str, change: Callable[[AccessPoint], AccessPoint]
    ) -> AccessPoint:
        """Replace an access point by what ``change`` makes of it, inside the transaction.

        Raises:
            NoSuchAccessPoint: there is none; and whatever ``change`` raises.
        """
        place = (account_id, self._region, name)
        return await self._write(partial(access_points.update_access_point, place=place, change=change))

    async def delete_access_point(self, account_id: str, name: str) -> None:
        """Remove a standard access point that supports nothing.

        Raises:
            NoSuchAccessPoint: there is none.
            InvalidRequest: an Object Lambda access point uses it.
        """
        place = (account_id, self._region, name)
        await self._write(partial(access_points.delete_access_point, place=place))

    async def create_object_lambda_access_point(self, record: ObjectLambdaAccessPoint) -> None:
        """Add an Object Lambda access point.

        Raises:
            AccessPointAlreadyOwnedByYou: the name is taken.
            InvalidRequest: the supporting access point does not exist.
            TooManyAccessPoints: the quota is used up.
        """
        await self._write(partial(access_points.create_object_lambda_access_point, record=record))

    async def update_object_lambda_access_point(
        self,
        account_id: str,
        name: str,
        change: Callable[[ObjectLambdaAccessPoint], ObjectLambdaAccessPoint],
    ) -> ObjectLambdaAccessPoint:
        """Replace an Object Lambda access point by what ``change`` makes of it, inside the transaction.

        Raises:
            NoSuchAccessPoint: there is none; and whatever ``change`` raises.
            InvalidRequest: the new supporting access point does not exist.
        """
        place = (account_id, self._region, name)
        work = partial(access_points.update_object_lambda_access_point, place=place, change=change)
        return await self._write(work)

    async def delete_object_lambda_access_point(self, account_id: str, name: str) -> None:
        """Remove an Object Lambda access point.

        Raises:
            NoSuchAccessPoint: there is none.
        """
        place = (account_id, self._region, name)
        await self._write(partial(access_points.delete_object_lambda_access_point, place=place))

    # Functions

    async def create_function(
        self, record: Function, code: bytes, *, publish: Publish | None = None
    ) -> Function:
        """Add a function and keep its zip, whose SHA-256 the record names; the version that came of it.

        Args:
            publish: makes version 1 of it in the same transaction.

        Raises:
            ResourceConflictException: the name is taken.
        """
        place, now = (record.account_id, record.region, record.name), self._clock()

        def work(connection: Connection) -> Function:
            functions.create(connection, self._sealer, record, code, now)
            if publish is None:
                return record
            return function_versions.publish(connection, self._sealer, place, publish)

        return await self._write(work)

    async def update_function(
        self,
        account_id: str,
        name: str,
        change: Callable[[Function], Function],
        *,
        code: bytes | None = None,
        publish: Publish | None = None,
    ) -> Function:
        """Replace a function by what ``change`` makes of it, with new code when some is given.

        Args:
            publish: makes a version of it in the same transaction, which is given back then.

        Raises:
            ResourceNotFoundException: there is none; and whatever ``change`` raises.
        """
        place, now = (account_id, self._region, name), self._clock()

        def work(connection: Connection) -> Function:
            changed = functions.update_function(connection, self._sealer, place, change, code, now)
            if publish is None:
                return changed
            return function_versions.publish(connection, self._sealer, place, publish)

        return await self._write(work)

    async def delete_function(self, account_id: str, name: str) -> None:
        """Remove a function with its versions and aliases, and the code that nothing else uses.

        Raises:
            ResourceNotFoundException: there is none.
        """
        place = (account_id, self._region, name)
        await self._write(partial(functions.delete_function, sealer=self._sealer, place=place))

    async def load_code(self, sha256: str) -> bytes:
        """The zip with this hexadecimal SHA-256.

        Raises:
            ResourceNotFoundException: no function uses it any more (it was updated or deleted).
        """
        return await self._read(partial(function_code.load_code, sha256=sha256))
