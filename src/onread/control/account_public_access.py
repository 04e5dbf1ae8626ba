"""s3control: Block Public Access of the whole account, over every bucket and access point of it.

Source: Amazon S3 User Guide, "Blocking public access to your Amazon S3 storage".
"""

from collections.abc import Mapping
from typing import Any

from onread.control.call import ControlCall, Operations
from onread.errors import AccessDenied, MalformedXML, NoSuchPublicAccessBlockConfiguration
from onread.metadata.facade import Records
from onread.policy.document import parse_policy
from onread.policy.public import is_public
from onread.wire.output import Output

PUBLIC_ACCESS_BLOCK = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


class AccountPublicAccessOperations:
    """PutPublicAccessBlock, GetPublicAccessBlock and DeletePublicAccessBlock of the account."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def operations(self) -> Operations:
        """The operations served here, by AWS's name."""
        return {
            "PutPublicAccessBlock": self.put_public_access_block,
            "GetPublicAccessBlock": self.get_public_access_block,
            "DeletePublicAccessBlock": self.delete_public_access_block,
        }

    async def put_public_access_block(self, call: ControlCall) -> Output:
        """PutPublicAccessBlock: what is not named is off."""
        given: Mapping[str, Any] | None = call.params.get("PublicAccessBlockConfiguration")
        if given is None:
            raise MalformedXML
        blocks = {member: bool(given.get(member)) for member in PUBLIC_ACCESS_BLOCK}
        await self._records.account_settings.put_public_access_block(call.account_id, blocks)
        return Output()

    async def get_public_access_block(self, call: ControlCall) -> Output:
        """GetPublicAccessBlock."""
        blocks = self._records.account_settings.public_access_block(call.account_id)
        if blocks is None:
            raise NoSuchPublicAccessBlockConfiguration
        return Output(members={"PublicAccessBlockConfiguration": dict(blocks)})

    async def delete_public_access_block(self, call: ControlCall) -> Output:
        """DeletePublicAccessBlock; nothing to delete is no error."""
        await self._records.account_settings.put_public_access_block(call.account_id, None)
        return Output(status=204)


def account_blocks(records: Records, account_id: str, switch: str) -> bool:
    """Whether a switch of Block Public Access is on for the whole account."""
    blocks = records.account_settings.public_access_block(account_id)
    return blocks is not None and blocks.get(switch, False)


def refuse_public_policy(records: Records, account_id: str, policy: str) -> None:
    """No public policy is put anywhere while the account blocks it.

    Raises:
        MalformedPolicy: nobody can tell, for it is no policy.
        AccessDenied: it is public, and ``BlockPublicPolicy`` is on for the account.
    """
    if not account_blocks(records, account_id, "BlockPublicPolicy"):
        return
    parse_policy(policy, resource_policy=True)
    if is_public(policy):
        raise AccessDenied(
            "This policy is public, and BlockPublicPolicy is on for the account: name principals, or change "
            "it by PutPublicAccessBlock of s3control."
        )
