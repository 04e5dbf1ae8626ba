"""What the caller brings along: the policies of the user or role, and what narrows the session."""

from collections.abc import Sequence

from onread.gateway.stored_policy import read_stored
from onread.metadata.facade import Records
from onread.policy.principal import Principal
from onread.policy.statement import Policy
from onread.wire.frozen import frozen


@frozen(kw_only=True)
class OwnPolicies:
    """The policies that go with a principal, wherever the request leads."""

    identity: Sequence[Policy] = ()


def find_own_policies(records: Records, principal: Principal) -> OwnPolicies:
    """What is known of the principal now, not when its credentials were made."""
    if principal.user_name is None:
        return OwnPolicies()
    user = records.user(principal.account_id, principal.user_name)
    if user is None:
        return OwnPolicies()
    texts = user.policies.values()
    return OwnPolicies(identity=[read_stored(text, resource_policy=False) for text in texts])
