"""What the caller brings along: the policies of the user or role, and what narrows the session."""

from collections.abc import Iterable, Mapping
from dataclasses import field, replace

from onread.gateway.stored_policy import read_stored
from onread.metadata.facade import Records
from onread.metadata.identity_records import Role
from onread.metadata.identity_snapshot import Identities
from onread.metadata.records import User
from onread.policy.evaluate import DENY_ALL
from onread.policy.principal import Principal, PrincipalKind, TemporarySession
from onread.policy.statement import Policy, join_policies
from onread.wire.frozen import frozen


@frozen(kw_only=True)
class OwnPolicies:
    """The policies that go with a principal, wherever the request leads.

    Attributes:
        identity: inline and managed policies, under one index; None: there are none.
        session: the session policies together; None: nothing narrows the session.
        boundary: the permissions boundary.
        tags: what ``aws:PrincipalTag`` says of the principal.
    """

    identity: Policy | None = None
    session: Policy | None = None
    boundary: Policy | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


_NOTHING = OwnPolicies()


class OwnPoliciesOf:
    """Finds what is known of a principal now, not when its credentials were made.

    Each user's and role's policies are put together once and kept until any record of the installation
    changes: a request pays for looking them up, never for reading them.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._known: dict[str, OwnPolicies] = {}
        self._known_of: Identities | None = None

    def __call__(self, principal: Principal) -> OwnPolicies:
        """The policies of this principal."""
        owner = self._owner(principal)
        if owner is None:
            return _NOTHING
        own = self._of_owner(owner)
        return own if principal.session is None else self._narrowed(own, principal.session)

    def _owner(self, principal: Principal) -> User | Role | None:
        if principal.kind is PrincipalKind.USER and principal.user_name is not None:
            return self._records.user(principal.account_id, principal.user_name)
        if principal.role_id is not None:
            return self._records.identities.role_by_id(principal.role_id)
        return None

    def _of_owner(self, owner: User | Role) -> OwnPolicies:
        now = self._records.identities.current
        if now is not self._known_of:
            self._known, self._known_of = {}, now
        key = owner.user_id if isinstance(owner, User) else owner.role_id
        own = self._known.get(key)
        if own is None:
            own = self._known[key] = self._read(owner)
        return own

    def _read(self, owner: User | Role) -> OwnPolicies:
        inline = [(f"inline policy {name}", _identity(text)) for name, text in owner.policies.items()]
        return OwnPolicies(
            identity=join_policies([*inline, *self._managed(owner.attached)]),
            boundary=self._boundary(owner.boundary),
            tags=owner.tags,
        )

    def _boundary(self, arn: str | None) -> Policy | None:
        if arn is None:
            return None
        policy = self._records.identities.policy(arn)
        return DENY_ALL if policy is None else _identity(policy.document)

    def _managed(self, arns: Iterable[str]) -> list[tuple[str, Policy]]:
        found = (self._records.identities.policy(arn) for arn in arns)
        return [(each.arn, _identity(each.document)) for each in found if each is not None]

    def _narrowed(self, own: OwnPolicies, session: TemporarySession) -> OwnPolicies:
        """Several session policies allow what any of them allows; one that is gone allows nothing."""
        if session.policies or session.policy_arns:
            inline = [("inline session policy", _identity(text)) for text in session.policies]
            own = replace(own, session=join_policies([*inline, *self._managed(session.policy_arns)]))
        return replace(own, tags={**own.tags, **session.tags}) if session.tags else own


def _identity(text: str) -> Policy:
    return read_stored(text, resource_policy=False)
