"""A policy, compiled: statements ready to be asked, found by the action that is asked for.

Owns what a statement means for one question. Documents become these in ``document``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from onread.policy.conditions import Condition
from onread.policy.patterns import ArnPattern, Context, Glob, SplitArn
from onread.policy.principal import Principal
from onread.policy.principals import Principals, Reach
from onread.wire.frozen import frozen

POLICY_WRITING_ACTIONS = frozenset(
    {
        "lambda:addpermission",
        "lambda:removepermission",
        "s3:bypassgovernanceretention",
        "s3:deleteaccesspointpolicy",
        "s3:deleteaccesspointpolicyforobjectlambda",
        "s3:deletebucketpolicy",
        "s3:putaccesspointpolicy",
        "s3:putaccesspointpolicyforobjectlambda",
        "s3:putaccesspointpublicaccessblock",
        "s3:putaccountpublicaccessblock",
        "s3:putbucketacl",
        "s3:putbucketownershipcontrols",
        "s3:putbucketpolicy",
        "s3:putbucketpublicaccessblock",
        "s3:putobjectacl",
        "s3:putobjectversionacl",
    }
)
ADMINISTRATIVE_SERVICES = frozenset({"iam", "onread"})
"""What an Allow with NotAction never grants: it says what it leaves out, not that it hands out these."""


@frozen()
class Question:
    """May this principal do this action? ``action`` and the context's keys are in lower case."""

    principal: Principal
    action: str
    service: str
    context: Context


@dataclass(frozen=True, slots=True)
class ActionPattern:
    """An action with wildcards, in lower case; ``service`` is what stands before the colon, or ``*``."""

    service: str
    glob: Glob


@dataclass(frozen=True, slots=True)
class Actions:
    """The actions of a statement, in lower case: exact names and patterns; or, ``negated``, all others."""

    negated: bool
    names: frozenset[str]
    patterns: tuple[ActionPattern, ...]

    def include(self, action: str) -> bool:
        """Whether the statement speaks about the action."""
        if action in self.names:
            return not self.negated
        for pattern in self.patterns:
            if pattern.glob.matches(action):
                return not self.negated
        return self.negated

    def may_match(self, service: str) -> bool:
        """Whether it can speak about an action of the service that no statement names exactly."""
        return self.negated or any(pattern.service in ("*", service) for pattern in self.patterns)


@dataclass(frozen=True, slots=True)
class Resources:
    """The resources of a statement, or, ``negated``, all others. ``everything``: ``*`` is among them."""

    negated: bool
    everything: bool
    patterns: tuple[ArnPattern, ...]

    def include(self, resource: SplitArn | None, context: Context, *, grants: bool) -> bool:
        """Whether the statement speaks about the resource.

        A pattern whose variable has no value fits nothing; and in an Allow, all but the unknown is
        nothing either.
        """
        if self.everything:
            return not self.negated
        unknown = False
        for pattern in self.patterns:
            fits = pattern.matches(resource, context)
            if fits:
                return not self.negated
            if fits is None:
                unknown = True
        return self.negated and not (unknown and grants)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement. ``principals`` is None in an identity policy, which speaks about its owner.

    ``label`` names it in reasons: its Sid, or its place.
    """

    label: str
    allows: bool
    principals: Principals | None
    not_principals: bool
    actions: Actions
    resources: Resources | None
    conditions: tuple[Condition, ...]

    def reach(self, question: Question, resource: SplitArn | None) -> Reach:
        """How far this statement speaks about the question; NONE when any element does not fit."""
        if not self.actions.include(question.action):
            return Reach.NONE
        if self.actions.negated and self.allows and _administers(question):
            return Reach.NONE
        resources, grants = self.resources, self.allows
        if resources is not None and not resources.include(resource, question.context, grants=grants):
            return Reach.NONE
        for condition in self.conditions:
            if not condition.holds(question.context, grants=grants):
                return Reach.NONE
        return self._principal_reach(question.principal)

    def _principal_reach(self, caller: Principal) -> Reach:
        if self.principals is None:
            return Reach.DIRECT
        if self.not_principals:
            return Reach.NONE if self.principals.spares(caller) else Reach.DIRECT
        return self.principals.reach(caller)


def _administers(question: Question) -> bool:
    return question.service in ADMINISTRATIVE_SERVICES or question.action in POLICY_WRITING_ACTIONS


class Policy:
    """The statements of one document, indexed by action so that most are never looked at."""

    __slots__ = ("_by_action", "_by_service", "_for_any_service", "statements")

    def __init__(self, statements: Sequence[Statement]) -> None:
        self.statements = tuple(statements)
        names = {name for each in self.statements for name in each.actions.names}
        services = {pattern.service for each in self.statements for pattern in each.actions.patterns}
        self._by_action = {
            name: tuple(each for each in self.statements if each.actions.include(name)) for name in names
        }
        self._by_service = {service: self._with_patterns(service) for service in services}
        self._for_any_service = self._with_patterns("*")

    def _with_patterns(self, service: str) -> tuple[Statement, ...]:
        return tuple(each for each in self.statements if each.actions.may_match(service))

    def candidates(self, question: Question) -> tuple[Statement, ...]:
        """The statements that may speak about the question's action; all that do are among them."""
        found = self._by_action.get(question.action)
        if found is None:
            found = self._by_service.get(question.service, self._for_any_service)
        return found
