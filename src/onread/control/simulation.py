"""IAM: what would be allowed, and why. Answered by the evaluator that requests are asked by."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from onread.control.call import ControlCall, Operations
from onread.control.iam_inputs import page_of
from onread.errors import (
    InvalidInput,
    MalformedPolicy,
    MalformedPolicyDocument,
    NoSuchEntity,
    ValidationError,
)
from onread.metadata.facade import Records
from onread.metadata.identity_records import Role
from onread.metadata.records import User
from onread.policy.evaluate import AccessQuery
from onread.policy.positions import Position
from onread.policy.principal import Principal, PrincipalKind
from onread.policy.simulate import Policies, Simulation, SourcePolicy, context_keys, simulate
from onread.wire.dates import format_iso8601
from onread.wire.output import Output

# Every action meets every resource: bounded before anything is evaluated.
_MOST_ACTIONS, _MOST_RESOURCES, _MOST_QUESTIONS = 100, 100, 1_000
_MOST_POLICIES = 20


class SimulationOperations:
    """SimulatePrincipalPolicy, SimulateCustomPolicy and what their policies look at.

    Args:
        clock: gives the time as aware UTC.
    """

    def __init__(self, records: Records, *, clock: Callable[[], datetime]) -> None:
        self._records = records
        self._clock = clock

    def operations(self) -> Operations:
        """The operations served here, by AWS's name."""
        return {
            "SimulatePrincipalPolicy": self.simulate_principal_policy,
            "SimulateCustomPolicy": self.simulate_custom_policy,
            "GetContextKeysForPrincipalPolicy": self.get_context_keys_for_principal_policy,
            "GetContextKeysForCustomPolicy": self.get_context_keys_for_custom_policy,
        }

    async def simulate_principal_policy(self, call: ControlCall) -> Output:
        """SimulatePrincipalPolicy: a user's or role's policies, and those given beside them."""
        owner = self._owner(call)
        boundary = _inputs(call, "PermissionsBoundaryPolicyInputList")
        policies = Policies(
            identity=[*self._policies_of(owner), *_inputs(call, "PolicyInputList")],
            boundary=boundary or self._boundary_of(owner),
            resource=_resource_policy(call),
        )
        caller = call.params.get("CallerArn")
        asker = self._caller(call, caller) if caller else _as_caller(owner)
        return await self._simulate(call, policies, asker)

    async def simulate_custom_policy(self, call: ControlCall) -> Output:
        """SimulateCustomPolicy: the policies that are given, and no others."""
        policies = Policies(
            identity=_inputs(call, "PolicyInputList"),
            boundary=_inputs(call, "PermissionsBoundaryPolicyInputList"),
            resource=_resource_policy(call),
        )
        caller = call.params.get("CallerArn") or f"arn:aws:iam::{call.account_id}:user/simulated"
        return await self._simulate(call, policies, self._caller(call, caller))

    async def get_context_keys_for_principal_policy(self, call: ControlCall) -> Output:
        """GetContextKeysForPrincipalPolicy."""
        sources = [*self._policies_of(self._owner(call)), *_inputs(call, "PolicyInputList")]
        return _context_keys(sources)

    async def get_context_keys_for_custom_policy(self, call: ControlCall) -> Output:
        """GetContextKeysForCustomPolicy."""
        return _context_keys(_inputs(call, "PolicyInputList"))

    async def _simulate(self, call: ControlCall, policies: Policies, caller: "_Caller") -> Output:
        context = {**self._standing(caller), **_context_entries(call)}
        context.setdefault("aws:resourceaccount", (_resource_owner(call, caller.principal),))
        questions = _questions(call)

        def show(numbered: tuple[int, tuple[str, str]]) -> dict[str, Any]:
            action, resource = numbered[1]
            query = AccessQuery(principal=caller.principal, action=action, resource=resource, context=context)
            return _shown(action, resource, _judged(query, policies))

        # Up to a thousand questions over megabytes of policies: not while others wait.
        members = await asyncio.to_thread(
            page_of,
            call,
            "EvaluationResults",
            list(enumerate(questions)),
            name_of=lambda numbered: f"{numbered[0]:05}",
            show=show,
        )
        return Output(members=members)

    def _standing(self, caller: "_Caller") -> dict[str, tuple[str, ...]]:
        """What is known without being told: who asks, and when."""
        principal, now = caller.principal, self._clock()
        known = {
            "aws:currenttime": (format_iso8601(now),),
            "aws:epochtime": (str(int(now.timestamp())),),
            "aws:principalarn": (principal.role_arn or principal.arn,),
            "aws:principalaccount": (principal.account_id,),
            "aws:principaltype": ("User" if principal.kind is PrincipalKind.USER else "AssumedRole",),
            "aws:userid": (principal.principal_id,),
        }
        if principal.user_name is not None:
            known["aws:username"] = (principal.user_name,)
        tags = {f"aws:principaltag/{name.lower()}": (value,) for name, value in caller.tags.items()}
        return {**known, **tags}

    def _owner(self, call: ControlCall) -> User | Role:
        arn = str(call.params.get("PolicySourceArn", ""))
        owner = self._find(call, arn)
        if owner is None:
            raise NoSuchEntity(f"{arn[:200]} is no user or role of this account.")
        return owner

    def _find(self, call: ControlCall, arn: str) -> User | Role | None:
        if not arn.startswith(f"arn:aws:iam::{call.account_id}:"):
            return None
        name = arn.rpartition("/")[2]
        user = self._records.user(call.account_id, name) if ":user/" in arn else None
        return user if user is not None and user.arn == arn else self._records.identities.role_by_arn(arn)

    def _caller(self, call: ControlCall, arn: str) -> "_Caller":
        """Who asks: one whom the account has, or one made up for the question."""
        owner = self._find(call, arn)
        if owner is not None:
            return _as_caller(owner)
        parts = arn.split(":", 5)
        if len(parts) != 6 or parts[0] != "arn" or not parts[5].startswith(("user/", "role/")):
            raise InvalidInput("CallerArn must be the ARN of a user or role.")
        name = parts[5].rpartition("/")[2]
        if parts[5].startswith("user/"):
            return _Caller(_user_principal(parts[4], arn, name, "AIDASIMULATED"), {})
        return _Caller(_role_principal(parts[4], arn, name, "AROASIMULATED"), {})

    def _policies_of(self, owner: User | Role) -> list[SourcePolicy]:
        kind = "user" if isinstance(owner, User) else "role"
        inline = [
            SourcePolicy(f"{kind}_{owner.name}_{name}", kind, text) for name, text in owner.policies.items()
        ]
        return [*inline, *(source for arn in owner.attached for source in self._managed(arn))]

    def _boundary_of(self, owner: User | Role) -> list[SourcePolicy]:
        return [] if owner.boundary is None else self._managed(owner.boundary)

    def _managed(self, arn: str) -> list[SourcePolicy]:
        policy = self._records.identities.policy(arn)
        if policy is None:
            return []
        kind = "aws-managed" if policy.account_id == "aws" else "user-managed"
        return [SourcePolicy(policy.name, kind, policy.document)]


class _Caller:
    """A principal and its tags."""

    def __init__(self, principal: Principal, tags: Mapping[str, str]) -> None:
        self.principal = principal
        self.tags = tags


def _as_caller(owner: User | Role) -> _Caller:
    if isinstance(owner, User):
        return _Caller(_user_principal(owner.account_id, owner.arn, owner.name, owner.user_id), owner.tags)
    return _Caller(_role_principal(owner.account_id, owner.arn, owner.name, owner.role_id), owner.tags)


def _user_principal(account_id: str, arn: str, name: str, user_id: str) -> Principal:
    return Principal(
        kind=PrincipalKind.USER, account_id=account_id, arn=arn, principal_id=user_id, user_name=name
    )


def _role_principal(account_id: str, arn: str, name: str, role_id: str) -> Principal:
    return Principal(
        kind=PrincipalKind.ASSUMED_ROLE,
        account_id=account_id,
        arn=f"arn:aws:sts::{account_id}:assumed-role/{name}/simulated",
        principal_id=f"{role_id}:simulated",
        role_arn=arn,
        role_id=role_id,
    )


def _inputs(call: ControlCall, member: str) -> list[SourcePolicy]:
    texts = call.params.get(member) or []
    if len(texts) > _MOST_POLICIES:
        raise InvalidInput(f"{member} holds at most {_MOST_POLICIES} policies.")
    return [SourcePolicy(f"{member}.{place}", "none", text) for place, text in enumerate(texts, start=1)]


def _resource_policy(call: ControlCall) -> SourcePolicy | None:
    text = call.params.get("ResourcePolicy")
    return SourcePolicy("ResourcePolicy", "resource", text, is_resource_policy=True) if text else None


def _resource_owner(call: ControlCall, caller: Principal) -> str:
    """Without an owner the resource is the caller's account's."""
    given = call.params.get("ResourceOwner")
    return str(given).removeprefix("arn:aws:iam::").removesuffix(":root") if given else caller.account_id


def _questions(call: ControlCall) -> list[tuple[str, str]]:
    actions: Sequence[str] = call.params.get("ActionNames") or ()
    resources: Sequence[str] = call.params.get("ResourceArns") or ["*"]
    if not actions:
        raise ValidationError("ActionNames is required.")
    too_many = len(actions) > _MOST_ACTIONS or len(resources) > _MOST_RESOURCES
    if too_many or len(actions) * len(resources) > _MOST_QUESTIONS:
        raise InvalidInput(f"At most {_MOST_QUESTIONS} pairs of an action and a resource can be simulated.")
    for action in actions:
        if ":" not in action or "*" in action:
            raise InvalidInput(f"Invalid action: {action[:100]!r}. Write it as s3:GetObject.")
    return [(action, resource) for action in actions for resource in resources]


def _context_entries(call: ControlCall) -> dict[str, tuple[str, ...]]:
    entries = call.params.get("ContextEntries") or ()
    return {
        str(entry.get("ContextKeyName", "")).lower(): tuple(entry.get("ContextKeyValues") or ())
        for entry in entries
    }


def _judged(query: AccessQuery, policies: Policies) -> Simulation:
    try:
        return simulate(query, policies)
    except MalformedPolicy as error:
        raise MalformedPolicyDocument(error.text) from error


def _context_keys(sources: Sequence[SourcePolicy]) -> Output:
    try:
        return Output(members={"ContextKeyNames": context_keys(sources)})
    except MalformedPolicy as error:
        raise MalformedPolicyDocument(error.text) from error


def _shown(action: str, resource: str, answer: Simulation) -> dict[str, Any]:
    members: dict[str, Any] = {
        "EvalActionName": action,
        "EvalResourceName": resource,
        "EvalDecision": answer.verdict.value,
        "MatchedStatements": [
            {
                "SourcePolicyId": match.policy.policy_id,
                "SourcePolicyType": match.policy.policy_type,
                "StartPosition": _place(match.span.start),
                "EndPosition": _place(match.span.end),
            }
            for match in answer.matches
        ],
        "MissingContextValues": list(answer.missing),
    }
    if answer.within_boundary is not None:
        members["PermissionsBoundaryDecisionDetail"] = {
            "AllowedByPermissionsBoundary": answer.within_boundary
        }
    return members


def _place(position: Position) -> dict[str, int]:
    return {"Line": position.line, "Column": position.column}
