"""IAM: access keys of users. A secret is shown once, when its key is made."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from onread.control.call import ControlCall, Operations
from onread.control.iam_inputs import find_user, page_of
from onread.control.identities import make_access_key_id, make_secret
from onread.errors import NoSuchEntity, ValidationError
from onread.metadata.facade import Records
from onread.metadata.records import AccessKey
from onread.wire.output import Output
from onread.wire.secret import Secret


class AccessKeyOperations:
    """IAM's operations on access keys.

    Args:
        clock: gives the time as aware UTC.
    """

    def __init__(self, records: Records, *, clock: Callable[[], datetime]) -> None:
        self._records = records
        self._clock = clock

    def operations(self) -> Operations:
        """The operations served here, by AWS's name."""
        return {
            "CreateAccessKey": self.create_access_key,
            "ListAccessKeys": self.list_access_keys,
            "UpdateAccessKey": self.update_access_key,
            "DeleteAccessKey": self.delete_access_key,
            "GetAccessKeyLastUsed": self.get_access_key_last_used,
        }

    async def create_access_key(self, call: ControlCall) -> Output:
        """CreateAccessKey: the only answer that holds the secret."""
        secret = make_secret()
        key = AccessKey(
            access_key_id=make_access_key_id(),
            secret=Secret(secret),
            account_id=call.account_id,
            user_name=find_user(self._records, call).name,
            active=True,
            created_at=self._clock(),
        )
        await self._records.create_access_key(key)
        return Output(members={"AccessKey": {**_listed(key), "SecretAccessKey": secret}})

    async def list_access_keys(self, call: ControlCall) -> Output:
        """ListAccessKeys: ids, never secrets."""
        user = find_user(self._records, call)
        keys = self._records.list_access_keys(call.account_id, user.name)
        members = page_of(
            call, "AccessKeyMetadata", keys, name_of=lambda key: key.access_key_id, show=_listed
        )
        return Output(members=members)

    async def update_access_key(self, call: ControlCall) -> Output:
        """UpdateAccessKey: Active or Inactive, at once."""
        status = call.params.get("Status")
        if status not in ("Active", "Inactive"):
            raise ValidationError("Status must be Active or Inactive.")
        user = find_user(self._records, call)
        await self._records.set_access_key_active(
            call.account_id, user.name, _key_id(call), active=status == "Active"
        )
        return Output()

    async def delete_access_key(self, call: ControlCall) -> Output:
        """DeleteAccessKey."""
        user = find_user(self._records, call)
        await self._records.delete_access_key(call.account_id, user.name, _key_id(call))
        return Output()

    async def get_access_key_last_used(self, call: ControlCall) -> Output:
        """GetAccessKeyLastUsed: of a user's key. Uses at another gateway are known within two minutes."""
        key = self._records.access_key(_key_id(call))
        if key is None or key.user_name is None or key.account_id != call.account_id:
            raise NoSuchEntity(f"The Access Key with id {_key_id(call)} cannot be found.")
        use = await self._records.key_uses.last(key.access_key_id)
        # Source: IAM API Reference, AccessKeyLastUsed: "N/A" where the key has not been used.
        told: dict[str, Any] = {"ServiceName": "N/A", "Region": "N/A"}
        if use is not None:
            told = {"LastUsedDate": use.at, "ServiceName": use.service, "Region": use.region}
        return Output(members={"UserName": key.user_name, "AccessKeyLastUsed": told})


def _key_id(call: ControlCall) -> str:
    key_id = call.params.get("AccessKeyId")
    if not isinstance(key_id, str) or not key_id:
        raise ValidationError("AccessKeyId is required.")
    return key_id


def _listed(key: AccessKey) -> dict[str, Any]:
    return {
        "UserName": key.user_name,
        "AccessKeyId": key.access_key_id,
        "Status": "Active" if key.active else "Inactive",
        "CreateDate": key.created_at,
    }
