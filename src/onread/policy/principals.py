"""Whom a statement of a resource policy speaks about.

Source: IAM User Guide, "AWS JSON policy elements: Principal" and "NotPrincipal".
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from onread.errors import MalformedPolicy
from onread.policy.principal import Principal, PrincipalKind

_ACCOUNT = re.compile(r"(?:arn:aws[a-z-]*:iam::)?([0-9]{12})(?::root)?")
_IDENTITY = re.compile(
    r"arn:aws[a-z-]*:(?:iam::[0-9]{12}:(?:user|role)/|sts::[0-9]{12}:(?:assumed-role|federated-user)/)[^*?\s]+"
)


class Reach(IntEnum):
    """How far a statement's principals include one caller; the larger value is the stronger grant."""

    NONE = 0
    DELEGATED = 1
    """The caller's whole account is named: its own identity policies have the last word."""
    DIRECT = 2
    """The caller is named, or everyone is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principals:
    """The principals of one statement.

    ``accounts`` holds account ids, ``arns`` users, roles and sessions. Services, federated and
    canonical users are accepted in a document and include none of the callers there are.
    """

    everyone: bool = False
    accounts: frozenset[str] = frozenset()
    arns: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()

    def reach(self, caller: Principal) -> Reach:
        """Whether and how the caller is included. An anonymous caller is only part of everyone."""
        if self.everyone:
            return Reach.DIRECT
        if caller.kind is PrincipalKind.ANONYMOUS:
            return Reach.NONE
        if caller.arn in self.arns or caller.role_arn in self.arns:
            return Reach.DIRECT
        if caller.account_id in self.accounts:
            return Reach.DIRECT if caller.kind is PrincipalKind.ROOT else Reach.DELEGATED
        return Reach.NONE

    def spares(self, caller: Principal) -> bool:
        """Whether ``NotPrincipal`` excepts the caller: an account named there spares its root alone."""
        return self.reach(caller) is Reach.DIRECT


def read_principals(texts: Iterable[str], *, services: Iterable[str] = ()) -> Principals:
    """The value of ``"AWS"`` (account ids, ARNs, or ``*`` alone) beside that of ``"Service"``.

    Raises:
        MalformedPolicy: anything else, a wildcard inside an ARN included.
    """
    everyone, accounts, arns = False, set(), set()
    for text in texts:
        if text == "*":
            everyone = True
        elif (account := _ACCOUNT.fullmatch(text)) is not None and text.startswith("arn") == text.endswith(
            "root"
        ):
            accounts.add(account[1])
        elif _IDENTITY.fullmatch(text):
            arns.add(text)
        else:
            raise MalformedPolicy(f"Invalid principal in policy: {text[:200]!r}.")
    return Principals(
        everyone=everyone, accounts=frozenset(accounts), arns=frozenset(arns), services=frozenset(services)
    )
