"""A policy, compiled: statements ready to be asked, found by the action that is asked for.

Owns what a statement means for one question. Documents become these in ``document``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from onread.policy.conditions import Condition
from onread.policy.patterns import ArnPattern, Context, Glob, NotYetKnown, SplitArn
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
MOST_INDEXED = 1024
"""Actions in the index of one policy: more than there are operations, and a bound for invented ones."""

ADMINISTRATIVE_SERVICES = frozenset({"iam", "onread"})
"""What an Allow with NotAction never grants: it says what it leaves out, not that it hands out these."""


# Members of an enumeration are looked up through a property: too slow for what is asked of each statement.
_NONE, _DIRECT = Reach.NONE, Reach.DIRECT


class Unknown(Enum):
    """What becomes of a statement that names what is `NotYetKnown`.

    Whom ``HARMS`` allows is allowed, and whom ``HELPS`` refuses is refused, whatever it would turn out to be.
    """

    STOPS = "the question"
    HELPS = "the caller: an Allow holds, a Deny does not"
    HARMS = "the caller: a Deny holds, an Allow does not"


_STOPS, _HELPS = Unknown.STOPS, Unknown.HELPS


@frozen()
class Question:
    """May this principal do this action? ``action`` and the context's keys are in lower case."""

    principal: Principal
    action: str
    service: str
    context: Context
    unknown: Unknown = Unknown.STOPS


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

    def speaks_about(self, question: Question) -> bool:
        """Whether it is about the question's action at all, whoever asks and about whatever resource."""
        if not self.actions.include(question.action):
            return False
        return not (self.actions.negated and self.allows and _administers(question))

    def reach(self, question: Question, resource: SplitArn | None) -> Reach:
        """How far it speaks about a question whose action it is about; NONE when an element does not fit.

        Raises:
            NotYetKnown: an element names it, and that stops the question.
        """
        # The principal first: nothing is fetched for a statement about others.
        reach = _DIRECT if self.principals is None else self._principal_reach(question.principal)
        if reach is _NONE:
            return _NONE
        resources, context, grants, known = self.resources, question.context, self.allows, True
        try:
            if resources is not None and not resources.include(resource, context, grants=grants):
                return _NONE
        except NotYetKnown:
            if question.unknown is _STOPS:
                raise
            known = False
        for condition in self.conditions:
            try:
                if not condition.holds(context, grants=grants):
                    return _NONE
            except NotYetKnown:
                if question.unknown is _STOPS:
                    raise
                known = False  # and another element may not fit, whatever this one would say
        return reach if known or grants is (question.unknown is _HELPS) else _NONE

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

    __slots__ = ("_about", "statements")

    def __init__(self, statements: Sequence[Statement]) -> None:
        self.statements = tuple(statements)
        self._about: dict[str, tuple[Statement, ...]] = {}

    def candidates(self, question: Question) -> tuple[Statement, ...]:
        """The statements about the question's action; found once for each action that is ever asked for."""
        found = self._about.get(question.action)
        if found is None:
            found = tuple(each for each in self.statements if each.speaks_about(question))
            if len(self._about) < MOST_INDEXED:
                self._about[question.action] = found
        return found


def join_policies(named: Sequence[tuple[str, Policy]]) -> Policy:
    """The statements of several policies under one index; reasons name the policy too."""
    return Policy(
        [
            replace(statement, label=f"{statement.label} of {name}")
            for name, policy in named
            for statement in policy.statements
        ]
    )
