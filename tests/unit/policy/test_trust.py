"""Which roles trust a service."""

import json

import pytest

from onread.policy.document import parse_trust_policy
from onread.policy.trust import LAMBDA, service_may_assume

CONTEXT = {"aws:sourceaccount": ("111122223333",)}


def trusts(*statements):
    policy = parse_trust_policy(json.dumps({"Version": "2012-10-17", "Statement": statements}))
    return service_may_assume(policy, LAMBDA, CONTEXT)


def statement(principal, effect="Allow", action="sts:AssumeRole", **others):
    return {"Effect": effect, "Principal": principal, "Action": action, **others}


@pytest.mark.parametrize(
    ("statements", "trusted"),
    [
        ([statement({"Service": LAMBDA})], True),
        ([statement({"Service": ["ec2.amazonaws.com", LAMBDA]})], True),
        ([statement({"Service": LAMBDA}, action="sts:*")], True),
        ([statement("*")], True),
        ([statement({"Service": "ec2.amazonaws.com"})], False),
        ([statement({"AWS": "111122223333"})], False),
        ([statement({"Service": LAMBDA}, action="sts:TagSession")], False),
        ([statement({"Service": LAMBDA}), statement({"Service": LAMBDA}, effect="Deny")], False),
        ([statement({"Service": LAMBDA}, effect="Deny"), statement({"Service": LAMBDA})], False),
        (
            [
                statement(
                    {"Service": LAMBDA}, Condition={"StringEquals": {"aws:SourceAccount": "111122223333"}}
                )
            ],
            True,
        ),
        (
            [
                statement(
                    {"Service": LAMBDA}, Condition={"StringEquals": {"aws:SourceAccount": "999988887777"}}
                )
            ],
            False,
        ),
        (
            [
                statement("*"),
                {"Effect": "Deny", "NotPrincipal": {"Service": LAMBDA}, "Action": "sts:AssumeRole"},
            ],
            True,
        ),
    ],
)
def test_a_service_is_trusted_by_name_and_a_deny_wins(statements, trusted):
    assert trusts(*statements) is trusted
