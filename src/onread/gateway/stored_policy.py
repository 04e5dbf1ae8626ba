"""A policy as it lies in the records, ready to be asked."""

import structlog

from onread.errors import MalformedPolicy
from onread.policy.document import parse_policy, parse_trust_policy
from onread.policy.evaluate import DENY_ALL
from onread.policy.statement import Policy

_log = structlog.get_logger("onread.authorize")


def read_stored(text: str, *, resource_policy: bool) -> Policy:
    """A stored policy. One that an older onread took and this one cannot read denies everything."""
    try:
        return parse_policy(text, resource_policy=resource_policy)
    except MalformedPolicy as error:
        _log.error("policy.unreadable", reason=error.text)
        return DENY_ALL


def read_trust(text: str) -> Policy:
    """A role's stored trust policy; one that cannot be read trusts nobody."""
    try:
        return parse_trust_policy(text)
    except MalformedPolicy as error:
        _log.error("policy.unreadable", reason=error.text)
        return Policy(())
