"""Explicit deny, then allow, then implicit deny; with the statement that decided.

Owns the order of evaluation over identity, session and resource policies, in one account and between
two. Refuses to know where policies are kept.

Source: IAM User Guide, "Policy evaluation logic"; Amazon S3 User Guide, "Configuring IAM policies for
using access points".
"""

from collections.abc import Iterable, Sequence

from onread.policy.document import parse_policy
from onread.policy.patterns import Context, LateContext, SplitArn, split_arn
from onread.policy.principal import Principal, PrincipalKind
from onread.policy.principals import Reach
from onread.policy.statement import Policy, Question, Statement, Unknown
from onread.wire.frozen import frozen

DENY_ALL = parse_policy(
    '{"Version": "2012-10-17", "Statement": '
    '{"Sid": "UnreadablePolicy", "Effect": "Deny", "Action": "*", "Resource": "*"}}',
    resource_policy=False,
)
"""Stands in for a stored document that can no longer be read, of whatever kind."""

# Amazon S3 API Reference, PutBucketPolicy: the root of the owner's account may do these "even if the
# policy explicitly denies", so that nobody locks himself out.
_ROOT_IS_NEVER_LOCKED_OUT = frozenset({"s3:getbucketpolicy", "s3:putbucketpolicy", "s3:deletebucketpolicy"})
_IDENTITY = "identity-based policy"
_RESOURCE_ACCOUNT = "aws:resourceaccount"


@frozen(kw_only=True)
class AccessQuery:
    """One question: may this principal do this action on this resource?

    Attributes:
        action: ``s3:GetObject``, in any letter case.
        resource: an ARN, or ``*`` for actions that have none.
        context: the condition keys, names in any letter case, each with its values. It holds
            ``aws:ResourceAccount`` when the ARN has no account, as buckets' have none.
        unknown: what becomes of statements that name what is still to be fetched.
    """

    principal: Principal
    action: str
    resource: str
    context: Context
    unknown: Unknown = Unknown.STOPS


@frozen(kw_only=True)
class AttachedPolicy:
    """A resource on the way to the data and its policy: an access point, then its bucket.

    Attributes:
        policy: None when it has none, and so allows nobody by itself.
        resource: the ARN that this policy is asked about.
        name: what it is called in a reason, ``bucket policy``.
        must_allow: it has to include the caller, whatever identity policies say: a role's trust.
    """

    policy: Policy | None
    resource: str
    name: str = "resource-based policy"
    must_allow: bool = False


@frozen(kw_only=True)
class Decision:
    """The answer, and why: ``reason`` names the policy and statement, for logs and operators."""

    allowed: bool
    explicit_deny: bool
    reason: str


@frozen()
class _Weight:
    """What some policies say together: the statement that denies, or the one that allows most widely."""

    reach: Reach = Reach.NONE
    statement: Statement | None = None


_NOTHING = _Weight()
# Members of an enumeration are looked up through a property: too slow for what is asked of each statement.
_NONE, _DIRECT = Reach.NONE, Reach.DIRECT


def decide(
    query: AccessQuery,
    *,
    identity: Sequence[Policy],
    resource_policies: Sequence[Policy | AttachedPolicy] = (),
    session: Policy | None = None,
    boundary: Policy | None = None,
) -> Decision:
    """Weigh every policy that has a say. What no policy understands is denied; nothing else is raised.

    Args:
        identity: the policies of the user or role.
        resource_policies: one for each resource on the way; where resource policies decide, all of
            them must agree. A bare policy is asked about ``query.resource``.
        session: limits what the others allow; never allows by itself.
        boundary: the permissions boundary of the user or role; limits likewise.

    Raises:
        NotYetKnown: the context does not know yet what a policy names, and that stops the query.
    """
    question = _question(query)
    resource = split_arn(query.resource)
    attached = [_attached(each, query.resource) for each in resource_policies]
    own = _in_own_account(query, question)
    root = query.principal.kind is PrincipalKind.ROOT
    if own and root and question.action in _ROOT_IS_NEVER_LOCKED_OUT:
        attached = []
    by_identity = _weigh(identity, question, resource)
    limits = [
        (name, _weigh((policy,), question, resource))
        for name, policy in (("session policy", session), ("permissions boundary", boundary))
        if policy is not None
    ]
    by_resources = [(each.name, _weigh_attached(each, question)) for each in attached]
    for name, weight in ((_IDENTITY, by_identity), *limits, *by_resources):
        if weight.statement is not None and not weight.statement.allows:
            why = f"with an explicit deny in {weight.statement.label} of the {name}"
            return _refused(query, why, explicit=True)
    trusts = (weight for each, weight in zip(attached, by_resources, strict=True) if each.must_allow)
    for name, weight in (*limits, *trusts):
        if weight.reach is Reach.NONE:
            return _refused(query, f"because no {name} allows it")
    return _settle(query, by_identity, by_resources, own=own, root=root)


def _settle(
    query: AccessQuery,
    identity: _Weight,
    resources: Sequence[tuple[str, _Weight]],
    *,
    own: bool,
    root: bool,
) -> Decision:
    """Nobody denies. In one account identity or resources allow; between two, both must."""
    if own and root:
        return _granted("the root of an account may do everything in it")
    allowed_by_identity = root or identity.reach is not Reach.NONE
    if own and allowed_by_identity:
        return _granted(_by(_IDENTITY, identity))
    anonymous = query.principal.kind is PrincipalKind.ANONYMOUS
    if not (own or anonymous or allowed_by_identity):
        return _refused(query, "because no identity-based policy allows it")
    # In one account, to name the account is to leave the word to identity policies, which did not allow.
    needed = Reach.DIRECT if own or anonymous else Reach.DELEGATED
    for name, weight in resources:
        if weight.reach < needed:
            return _refused(query, f"because no {name} allows it")
    if not resources:
        return _refused(query, f"because no {'identity' if own else 'resource'}-based policy allows it")
    return _granted(" and ".join(_by(*each) for each in resources))


def _question(query: AccessQuery) -> Question:
    action = query.action.lower()
    context = query.context
    if not isinstance(context, LateContext):
        # Policies name condition keys in any letter case, and so may whoever asks.
        context = {name.lower(): values for name, values in context.items()}
    return Question(query.principal, action, action.partition(":")[0], context, query.unknown)


def _in_own_account(query: AccessQuery, question: Question) -> bool:
    """Whether the resource belongs to the caller's account. One of unknown owner does not."""
    if query.principal.kind is PrincipalKind.ANONYMOUS:
        return False
    stated = question.context.get(_RESOURCE_ACCOUNT)
    if stated:
        return stated == (query.principal.account_id,)
    resource = split_arn(query.resource)
    if resource is None or (not resource.head[-1] and resource.tail == "*"):
        return True  # an action without a resource, such as ListAllMyBuckets, is about the caller's account
    return resource.head[-1] == query.principal.account_id


def _attached(given: Policy | AttachedPolicy, resource: str) -> AttachedPolicy:
    return AttachedPolicy(policy=given, resource=resource) if isinstance(given, Policy) else given


def _weigh_attached(attached: AttachedPolicy, question: Question) -> _Weight:
    if attached.policy is None:
        return _NOTHING
    return _weigh((attached.policy,), question, split_arn(attached.resource))


def _weigh(policies: Iterable[Policy], question: Question, resource: SplitArn | None) -> _Weight:
    widest = _NOTHING
    for policy in policies:
        for statement in policy.candidates(question):
            if statement.allows and widest.reach is _DIRECT:
                continue
            reach = statement.reach(question, resource)
            if reach is _NONE:
                continue
            if not statement.allows:
                return _Weight(statement=statement)
            if reach > widest.reach:
                widest = _Weight(reach, statement)
    return widest


def _by(name: str, weight: _Weight) -> str:
    return f"allowed by {weight.statement.label if weight.statement else 'root'} of the {name}"


def _granted(reason: str) -> Decision:
    return Decision(allowed=True, explicit_deny=False, reason=reason)


def _refused(query: AccessQuery, why: str, *, explicit: bool = False) -> Decision:
    who = f"{query.principal.arn or 'An anonymous caller'} is not authorized to perform: {query.action}"
    return Decision(
        allowed=False, explicit_deny=explicit, reason=f'{who} on resource: "{query.resource}" {why}'
    )
