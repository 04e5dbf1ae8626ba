"""One caller with one request's conditions: every question of the road is asked through it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import structlog

from onread.errors import AccessDenied, S3Error
from onread.gateway.conditions import Conditions
from onread.gateway.known_tags import KnownTags, TagsNotKnown
from onread.gateway.own_policies import OwnPolicies
from onread.policy.evaluate import AccessQuery, AttachedPolicy, Decision, decide
from onread.policy.patterns import FindLate, LateContext
from onread.policy.principal import Principal, PrincipalKind
from onread.policy.statement import Unknown
from onread.wire.frozen import changed

_log = structlog.get_logger("onread.authorize")


@dataclass(eq=False)
class Asker:
    """Who asks, and with what policies of his own.

    Args:
        read_conditions: gives the request's conditions; asked once, when a policy has a say.
        tags: the tags of objects that the request's policies have looked at.
        let_in: the owner of what is read lets strangers in, so that only a deny keeps this one out.
    """

    principal: Principal
    own: OwnPolicies
    account_id: str
    read_conditions: Callable[[], Conditions]
    request_id: str
    tags: KnownTags
    let_in: bool = False

    @cached_property
    def conditions(self) -> Conditions:
        """The request's condition keys."""
        return self.read_conditions()

    def allows(
        self,
        action: str,
        resource: str,
        attached: Sequence[AttachedPolicy],
        extra: Conditions,
        late: FindLate | None = None,
        *,
        granted: bool = False,
    ) -> bool:
        """Whether every policy together allows it; the log says why not.

        What depends on tags that the store does not tell is allowed to nobody.

        Args:
            attached: the policies of the resources on the way.
            extra: condition keys besides the request's own.
            granted: somebody has allowed it already, so that only a deny refuses it.
            late: finds those that are looked for only when a policy names them.

        Raises:
            TagsNotKnown: a policy names them, they may make the difference, and they are to be looked up
                first, or the store does not answer.
        """
        if self._is_own_root and all(each.policy is None for each in attached):
            return True  # "the account's root may do everything", and no policy is there that could deny
        context = self.conditions.copy() if late is None else LateContext(self.conditions, late)
        context.update(extra)
        query = AccessQuery(principal=self.principal, action=action, resource=resource, context=context)
        try:
            decision = self._decide(query, attached)
        except TagsNotKnown as stopped:
            if _allows(self._decide(changed(query, unknown=Unknown.HARMS), attached), granted=granted):
                return True
            decision = self._decide(changed(query, unknown=Unknown.HELPS), attached)
            if _allows(decision, granted=granted):
                if isinstance(stopped.failure, AccessDenied):
                    return False
                raise  # only then: nobody waits for a store that does not matter, or to no avail
        allowed = _allows(decision, granted=granted)
        if not allowed:
            _log.info("access.denied", request_id=self.request_id, action=action, reason=decision.reason)
        return allowed

    def _decide(self, query: AccessQuery, attached: Sequence[AttachedPolicy]) -> Decision:
        return decide(
            query,
            identity=() if self.own.identity is None else (self.own.identity,),
            resource_policies=attached,
            session=self.own.session,
            boundary=self.own.boundary,
        )

    @property
    def _is_own_root(self) -> bool:
        return self.principal.kind is PrincipalKind.ROOT and self.principal.account_id == self.account_id

    def require(
        self,
        action: str,
        resource: str,
        attached: Sequence[AttachedPolicy] = (),
        *,
        extra: Conditions | None = None,
        refusal: type[S3Error] = AccessDenied,
    ) -> None:
        """Go on only when it is allowed.

        Raises:
            refusal: it is not.
        """
        if not self.allows(action, resource, attached, extra or {}, granted=self.let_in):
            raise refusal


def _allows(decision: Decision, *, granted: bool) -> bool:
    return decision.allowed or (granted and not decision.explicit_deny)
