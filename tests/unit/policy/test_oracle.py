"""The evaluator against a second, naive one, over generated policies and requests."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onread.policy.document import parse_policy
from onread.policy.evaluate import AttachedPolicy, decide
from policy import naive
from policy.callers import ACCOUNT, ANONYMOUS, FOREIGNER, ROLE, ROOT, USER, query
from policy.generated import ACTIONS, CONTEXTS, RESOURCES, documents


@pytest.mark.slow
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(
    caller=st.sampled_from([USER, ROLE, ROOT, FOREIGNER, ANONYMOUS]),
    action=st.sampled_from(ACTIONS),
    resource=st.sampled_from(RESOURCES),
    context=CONTEXTS,
    identity=st.lists(documents(resource_policy=False), max_size=2),
    layers=st.lists(
        st.tuples(st.one_of(st.none(), documents(resource_policy=True)), st.sampled_from(RESOURCES)),
        max_size=2,
    ),
    session=st.one_of(st.none(), st.none(), documents(resource_policy=False)),
)
def test_T200_to_T208_the_evaluator_agrees_with_a_naive_one(
    caller, action, resource, context, identity, layers, session
):
    decision = decide(
        query(
            caller, action, resource, **{key.replace(":", "_", 1): values for key, values in context.items()}
        ),
        identity=[compiled(each, resource_policy=False) for each in identity],
        resource_policies=[
            AttachedPolicy(policy=compiled(each, resource_policy=True), resource=about)
            for each, about in layers
        ],
        session=compiled(session, resource_policy=False),
    )
    facts = {
        "kind": caller.kind.value,
        "arn": caller.arn,
        "role_arn": caller.role_arn,
        "account_id": caller.account_id,
    }
    if caller is ROOT and action == "s3:PutBucketPolicy":
        layers = []  # the root of the owner is never locked out by its bucket's policy
    expected = naive.is_allowed(facts, action, resource, context, identity, layers, session, ACCOUNT)
    assert decision.allowed == expected, decision.reason


def compiled(document, *, resource_policy):
    return parse_policy(json.dumps(document), resource_policy=resource_policy) if document else None
