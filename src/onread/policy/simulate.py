"""What would be decided, by which statements, and what the question leaves open.

Asks the very evaluator that requests are asked by; what it adds is the account of the answer.

Source: IAM API Reference, SimulatePrincipalPolicy; IAM User Guide, "Testing IAM policies".
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from onread.policy.document import parse_policy
from onread.policy.evaluate import AccessQuery, AttachedPolicy, decide
from onread.policy.patterns import SplitArn, split_arn
from onread.policy.positions import Span, statement_spans
from onread.policy.principals import Reach
from onread.policy.statement import Policy, Question, Statement, join_policies

_VARIABLE = re.compile(r"\$\{\s*([^\s,'}]+:[^,'}]*?)\s*(?:,[^}]*)?\}")


class Verdict(StrEnum):
    """``EvalDecision``, in AWS's words."""

    ALLOWED = "allowed"
    EXPLICIT_DENY = "explicitDeny"
    IMPLICIT_DENY = "implicitDeny"


@dataclass(frozen=True)
class SourcePolicy:
    """A policy with its text at hand.

    Attributes:
        policy_id: what answers call it.
        policy_type: ``user``, ``role``, ``user-managed``, ``aws-managed``, ``resource`` or ``none``.
    """

    policy_id: str
    policy_type: str
    text: str
    is_resource_policy: bool = False

    @cached_property
    def policy(self) -> Policy:
        """Compiled. Raises MalformedPolicy when it is none."""
        return parse_policy(self.text, resource_policy=self.is_resource_policy)

    @cached_property
    def spans(self) -> Sequence[Span]:
        """Where its statements stand."""
        return statement_spans(self.text)

    @cached_property
    def keys(self) -> Sequence[Mapping[str, str]]:
        """The condition keys that each statement looks at, by their names in lower case."""
        statements = json.loads(self.text)["Statement"]
        each = statements if isinstance(statements, list) else [statements]
        return [{key.lower(): key for key in _keys_of(statement)} for statement in each]


@dataclass(frozen=True, slots=True)
class Match:
    """A statement that had a say."""

    policy: SourcePolicy
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """One answer and its account.

    Attributes:
        reason: what the operator's log would say.
        missing: condition keys that statements about this action look at and the question does not give.
        within_boundary: whether the boundary allows it; None: there is none.
    """

    verdict: Verdict
    reason: str
    matches: Sequence[Match]
    missing: Sequence[str]
    within_boundary: bool | None


@dataclass(frozen=True, kw_only=True)
class Policies:
    """Everything that is asked; ``boundary`` empty: there is none."""

    identity: Sequence[SourcePolicy]
    resource: SourcePolicy | None = None
    boundary: Sequence[SourcePolicy] = ()

    @cached_property
    def joined_identity(self) -> Policy:
        """As requests ask them: under one index."""
        return _joined(self.identity)

    @cached_property
    def joined_boundary(self) -> Policy | None:
        """The boundary; None: there is none."""
        return _joined(self.boundary) if self.boundary else None

    def __iter__(self) -> Iterator[SourcePolicy]:
        yield from self.identity
        yield from self.boundary
        if self.resource is not None:
            yield self.resource


def simulate(query: AccessQuery, policies: Policies) -> Simulation:
    """Decide, and say how."""
    attached = policies.resource
    decision = decide(
        query,
        identity=[policies.joined_identity],
        resource_policies=[AttachedPolicy(policy=attached.policy, resource=query.resource)]
        if attached
        else (),
        boundary=policies.joined_boundary,
    )
    verdict = (
        Verdict.ALLOWED
        if decision.allowed
        else (Verdict.EXPLICIT_DENY if decision.explicit_deny else Verdict.IMPLICIT_DENY)
    )
    question = _question(query)
    found = list(_matches(policies, question, query.resource))
    limits = set(map(id, policies.boundary))
    within = any(statement.allows and id(match.policy) in limits for match, statement in found)
    return Simulation(
        verdict=verdict,
        reason=decision.reason,
        matches=[
            match
            for match, statement in found
            if (verdict is Verdict.ALLOWED and statement.allows and id(match.policy) not in limits)
            or (verdict is Verdict.EXPLICIT_DENY and not statement.allows)
        ],
        missing=_missing(policies, question),
        within_boundary=within if policies.boundary else None,
    )


def context_keys(policies: Iterable[SourcePolicy]) -> list[str]:
    """Every condition key that the policies look at, as they write it."""
    found: dict[str, str] = {}
    for source in policies:
        _ = source.policy  # refuses what is none
        for keys in source.keys:
            found = {**keys, **found}
    return sorted(found.values())


def _joined(sources: Sequence[SourcePolicy]) -> Policy:
    return join_policies([(source.policy_id, source.policy) for source in sources])


def _question(query: AccessQuery) -> Question:
    action = query.action.lower()
    context = {name.lower(): values for name, values in query.context.items()}
    return Question(query.principal, action, action.partition(":")[0], context)


def _matches(policies: Policies, question: Question, resource: str) -> Iterator[tuple[Match, Statement]]:
    split: SplitArn | None = split_arn(resource)
    for source in policies:
        for statement, span in zip(source.policy.statements, source.spans, strict=True):
            if statement.speaks_about(question) and statement.reach(question, split) is not Reach.NONE:
                yield Match(source, span), statement


def _missing(policies: Policies, question: Question) -> list[str]:
    found: dict[str, str] = {}
    for source in policies:
        for statement, keys in zip(source.policy.statements, source.keys, strict=True):
            if statement.actions.include(question.action):
                found = {**keys, **found}
    return sorted(key for lowered, key in found.items() if lowered not in question.context)


def _keys_of(document: dict[str, Any]) -> Iterator[str]:
    for keys in document.get("Condition", {}).values():
        yield from keys
    looked_into = [document.get(name, "") for name in ("Resource", "NotResource", "Condition")]
    for found in _VARIABLE.finditer(json.dumps(looked_into)):
        yield found[1]
