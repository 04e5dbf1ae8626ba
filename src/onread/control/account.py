"""IAM: the account as a whole."""

from onread.control.call import ControlCall, Operations
from onread.control.iam_inputs import (
    LONGEST_MANAGED_POLICY,
    LONGEST_ROLE_POLICIES,
    LONGEST_TRUST_POLICY,
    LONGEST_USER_POLICIES,
)
from onread.metadata.belongings import MOST_ATTACHED
from onread.metadata.credentials import KEYS_A_USER
from onread.metadata.facade import Records
from onread.metadata.managed_policies import MOST_VERSIONS
from onread.wire.output import Output


class AccountOperations:
    """What tools ask about the account before they do anything."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def operations(self) -> Operations:
        """The operations served here, by AWS's name."""
        return {
            "GetAccountSummary": self.get_account_summary,
            "ListAccountAliases": self.list_account_aliases,
        }

    async def get_account_summary(self, call: ControlCall) -> Output:
        """GetAccountSummary: how many there are, and the quotas that are enforced."""
        identities = self._records.identities
        policies = identities.list_policies(call.account_id)
        summary = {
            "Users": len(self._records.list_users(call.account_id)),
            "Roles": len(identities.list_roles(call.account_id)),
            "Policies": len(policies),
            "PolicyVersionsInUse": len(policies),
            "Groups": 0,
            "MFADevices": 0,
            "MFADevicesInUse": 0,
            "AccountMFAEnabled": 0,
            "AccountAccessKeysPresent": 1,
            "AccessKeysPerUserQuota": KEYS_A_USER,
            "AttachedPoliciesPerRoleQuota": MOST_ATTACHED,
            "AttachedPoliciesPerUserQuota": MOST_ATTACHED,
            "UserPolicySizeQuota": LONGEST_USER_POLICIES,
            "RolePolicySizeQuota": LONGEST_ROLE_POLICIES,
            "AssumeRolePolicySizeQuota": LONGEST_TRUST_POLICY,
            "PolicySizeQuota": LONGEST_MANAGED_POLICY,
            "VersionsPerPolicyQuota": MOST_VERSIONS,
        }
        return Output(members={"SummaryMap": summary})

    async def list_account_aliases(self, _call: ControlCall) -> Output:
        """ListAccountAliases: an account has no alias here."""
        return Output(members={"AccountAliases": [], "IsTruncated": False})
