"""Policy documents: refused when wrong, judged public or not."""

import json

import pytest

from onread.control.policies import MOST_BYTES, check_policy
from onread.errors import MalformedPolicy
from onread.policy.public import is_public

from .conftest import ACCOUNT, a_policy


def padded(size_bytes: int) -> str:
    document = a_policy()
    return document + " " * (size_bytes - len(document.encode()))


def test_T209_twenty_kibibytes_are_the_limit() -> None:
    for size_bytes in (MOST_BYTES - 1, MOST_BYTES):
        assert check_policy(padded(size_bytes)) == padded(size_bytes)
    with pytest.raises(MalformedPolicy, match=str(MOST_BYTES)):
        check_policy(padded(MOST_BYTES + 1))


@pytest.mark.parametrize(
    "document",
    [
        None,
        "",
        "   ",
        "{",
        "[]",
        '{"Version":"2012-10-17","Version":"2012-10-17","Statement":[]}',
        a_policy(Effect="Perhaps"),
        a_policy(NotAction="s3:*"),
        a_policy(Surprise=1),
        a_policy(Action=[1]),
        '{"Version":"2012-10-17","Statement":' + "[" * 1000 + "]" * 1000 + "}",
        '{"Version":"2012-10-17","Statement":[NaN]}',
    ],
)
def test_T209_a_bad_document_is_refused(document: str | None) -> None:
    with pytest.raises(MalformedPolicy):
        check_policy(document)


ONE_ADDRESS = {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}


@pytest.mark.parametrize(
    ("document", "public"),
    [
        (a_policy("*"), True),
        (a_policy({"AWS": "*"}), True),
        (a_policy({"AWS": ["arn:aws:iam::111122223333:root", "*"]}), True),
        (a_policy({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}), False),
        (a_policy("*", Effect="Deny"), False),
        (a_policy("*", Condition=ONE_ADDRESS), False),
        (a_policy("*", Condition={"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}), True),
        (a_policy("*", Condition={"IpAddress": {"aws:SourceIp": "0.0.0.0/1"}}), True),
        (a_policy("*", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}), False),
        (a_policy("*", Condition={"IpAddress": {"aws:SourceIp": "2001::/16"}}), True),
        (a_policy("*", Condition={"IpAddress": {"aws:SourceIp": ["192.0.2.0/24", "${aws:username}"]}}), True),
        (a_policy("*", Condition={"ForAllValues:StringEquals": {"aws:PrincipalAccount": ACCOUNT}}), True),
        (a_policy("*", Condition={"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}), True),
        (a_policy("*", Condition={"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/a"}}), True),
        (a_policy("*", Condition={"StringEquals": {"s3:prefix": "a"}}), True),
        (a_policy("*", Condition={"StringEquals": {"aws:SourceVpc": ["vpc-1", "vpc-2"]}}), False),
    ],
)
def test_public_means_for_everyone_without_a_fixed_condition(document: str, public: bool) -> None:
    assert is_public(document) is public


def test_one_public_statement_makes_the_policy_public() -> None:
    safe = json.loads(a_policy("*", Condition=ONE_ADDRESS))
    assert not is_public(json.dumps({**safe, "Statement": safe["Statement"][0]}))
    safe["Statement"].append(json.loads(a_policy())["Statement"][0])
    assert is_public(json.dumps(safe))
