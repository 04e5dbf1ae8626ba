"""The evaluator against a second, naive one, over generated policies and requests.

``ASSURANCE_PAIRS`` says how many (policies, request) pairs must agree; ``make assurance`` sets it.
"""

import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onread.policy.document import parse_policy, parse_trust_policy
from onread.policy.evaluate import AttachedPolicy, decide
from onread.policy.statement import join_policies
from policy import naive
from policy.callers import ACCOUNT, ANONYMOUS, FOREIGNER, ROLE, ROOT, USER, query
from policy.generated import ATTACHED, REQUESTS, documents

PAIRS = int(os.environ.get("ASSURANCE_PAIRS", "2000"))
REQUESTS_A_SET = 8
IDENTITY = documents(resource_policy=False)


@pytest.mark.slow
@pytest.mark.timeout(0 if PAIRS > 10_000 else 300)
@settings(
    max_examples=max(1, PAIRS // REQUESTS_A_SET),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
@given(
    caller=st.sampled_from([USER, ROLE, ROOT, FOREIGNER, ANONYMOUS]),
    requests=st.lists(REQUESTS, min_size=REQUESTS_A_SET, max_size=REQUESTS_A_SET),
    identity=st.lists(IDENTITY, max_size=3),
    layers=st.lists(ATTACHED, max_size=2),
    session=st.one_of(st.none(), st.none(), st.lists(IDENTITY, max_size=2)),
    boundary=st.one_of(st.none(), st.none(), IDENTITY),
)
def test_T200_to_T208_the_evaluator_agrees_with_a_naive_one(
    caller, requests, identity, layers, session, boundary
):
    """Identity, session, boundary, bucket, access point, function and trust policies: all that is asked."""
    compiled = {
        "identity": [joined(identity)],
        "resource_policies": [attached(*layer) for layer in layers],
        "session": None if session is None else joined(session),
        "boundary": None if boundary is None else joined([boundary]),
    }
    facts = {
        "kind": caller.kind.value,
        "arn": caller.arn,
        "role_arn": caller.role_arn,
        "account_id": caller.account_id,
    }
    limits = [each for each in (session, boundary and [boundary]) if each is not None]
    for action, resource, context in requests:
        keys = {key.replace(":", "_", 1): values for key, values in context.items()}
        decision = decide(query(caller, action, resource, **keys), **compiled)
        # The root of the owner is never locked out by its bucket's policy.
        on_the_way = [] if caller is ROOT and action == "s3:PutBucketPolicy" else layers
        expected = naive.is_allowed(facts, action, resource, context, identity, on_the_way, limits, ACCOUNT)
        assert decision.allowed == expected, decision.reason


def joined(texts):
    """As a user's policies are kept: under one index."""
    parsed = [parse_policy(json.dumps(text), resource_policy=False) for text in texts]
    return join_policies([(str(place), policy) for place, policy in enumerate(parsed)])


def attached(document, about, must_allow):
    if document is None:
        return AttachedPolicy(policy=None, resource=about)
    text = json.dumps(document)
    policy = parse_trust_policy(text) if must_allow else parse_policy(text, resource_policy=True)
    return AttachedPolicy(policy=policy, resource=about, must_allow=must_allow)
