"""The role that a function runs as."""

from onread.errors import MalformedPolicy
from onread.metadata.facade import Records
from onread.metadata.identity_records import Role
from onread.policy.document import parse_trust_policy
from onread.policy.trust import LAMBDA, service_may_assume


def role_for_lambda(records: Records, role_arn: str, account_id: str, function_arn: str) -> Role | None:
    """The role with this ARN, when it is the account's and Lambda may assume it for the function.

    None leaves the function WriteGetObjectResponse alone. Every other right is its role's.
    """
    role = records.identities.role_by_arn(role_arn)
    if role is None or role.account_id != account_id:
        return None
    try:
        trust = parse_trust_policy(role.trust_policy)
    except MalformedPolicy:  # an older onread took it: it trusts nobody
        return None
    context = {"aws:sourceaccount": (account_id,), "aws:sourcearn": (function_arn,)}
    return role if service_may_assume(trust, LAMBDA, context) else None
