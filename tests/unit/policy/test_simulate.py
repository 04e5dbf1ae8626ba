"""What the simulation says of the statements that decide."""

import json

import pytest

from onread.errors import MalformedPolicy
from onread.policy.positions import Position, statement_spans
from onread.policy.simulate import Policies, SourcePolicy, Verdict, context_keys, simulate

from .callers import query

BUCKET = "arn:aws:s3:::bucket/*"


def source(*statements, name="p", resource_policy=False, indent=None):
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, indent=indent)
    return SourcePolicy(name, "user", text, is_resource_policy=resource_policy)


def statement(effect="Allow", action="s3:GetObject", resource="*", **others):
    return {"Effect": effect, "Action": action, "Resource": resource, **others}


def ids(answer):
    return [(match.policy.policy_id, match.span.start.line) for match in answer.matches]


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ('{"Statement":{"a":1}}', [((1, 14), (1, 21))]),
        ('{"Version":"x","Statement":[{"a":1},{"b":2}]}', [((1, 29), (1, 36)), ((1, 37), (1, 44))]),
        ('{\n  "Statement": [\n    {},\n    {"a":\n[1]} ],\n "Id": "Statement"}',
         [((3, 5), (3, 7)), ((4, 5), (5, 5))]),
        ('{"Statement":[]}', []),
    ],
)  # fmt: skip
def test_statements_are_found_in_their_text(text, spans):
    found = [((s.start.line, s.start.column), (s.end.line, s.end.column)) for s in statement_spans(text)]
    assert found == spans
    assert Position(1, 1) == Position(1, 1)


def test_the_statements_that_allow_are_named():
    policies = Policies(
        identity=[
            source(statement(action="s3:PutObject"), statement(), indent=1),
            source(statement(), name="q"),
        ]
    )
    answer = simulate(query(), policies)
    assert answer.verdict is Verdict.ALLOWED
    assert [policy for policy, _ in ids(answer)] == ["p", "q"]
    assert ids(answer)[0][1] == 9
    assert answer.within_boundary is None


def test_a_deny_is_named_alone_wherever_it_stands():
    everyone = statement("Deny", Principal="*")
    policies = Policies(
        identity=[source(statement())], resource=source(everyone, name="bucket", resource_policy=True)
    )
    answer = simulate(query(), policies)
    assert (answer.verdict, ids(answer)) == (Verdict.EXPLICIT_DENY, [("bucket", 1)])


def test_nothing_is_named_when_nothing_allows():
    answer = simulate(query(), Policies(identity=[source(statement(action="s3:PutObject"))]))
    assert (answer.verdict, ids(answer)) == (Verdict.IMPLICIT_DENY, [])


def test_a_boundary_is_told_apart():
    inside = Policies(identity=[source(statement())], boundary=[source(statement(), name="b")])
    answer = simulate(query(), inside)
    assert (answer.verdict, answer.within_boundary, ids(answer)) == (Verdict.ALLOWED, True, [("p", 1)])
    outside = Policies(identity=[source(statement())], boundary=[source(statement(action="s3:PutObject"))])
    answer = simulate(query(), outside)
    assert (answer.verdict, answer.within_boundary) == (Verdict.IMPLICIT_DENY, False)


def test_keys_that_the_question_leaves_open_are_named():
    conditioned = statement(
        resource="arn:aws:s3:::bucket/${aws:username}/${aws:PrincipalTag/x, 'none'}/*",
        Condition={
            "IpAddress": {"aws:SourceIp": "192.0.2.0/24"},
            "StringLike": {"s3:prefix": "${aws:userid}"},
        },
    )
    other = statement(action="s3:PutObject", Condition={"Bool": {"aws:SecureTransport": "true"}})
    policies = Policies(identity=[source(conditioned, other)])
    answer = simulate(query(**{"aws:SourceIp": ("192.0.2.1",)}), policies)
    assert answer.missing == ["aws:PrincipalTag/x", "aws:userid", "aws:username", "s3:prefix"]
    assert context_keys(policies) == [
        "aws:PrincipalTag/x",
        "aws:SecureTransport",
        "aws:SourceIp",
        "aws:userid",
        "aws:username",
        "s3:prefix",
    ]


def test_what_is_no_policy_is_refused():
    with pytest.raises(MalformedPolicy):
        simulate(query(), Policies(identity=[SourcePolicy("p", "none", "{}")]))
    with pytest.raises(MalformedPolicy):
        context_keys([SourcePolicy("p", "none", "{}")])
