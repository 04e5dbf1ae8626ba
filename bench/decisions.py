"""What a decision costs: ten policies of ten statements, compiled, no decision remembered.

python -m bench.decisions
"""

import json
import statistics
import time

from bench.table import Row, main
from onread.policy.document import parse_policy
from onread.policy.evaluate import AccessQuery, decide
from onread.policy.principal import Principal, PrincipalKind
from onread.policy.statement import Policy, join_policies

ROUNDS, DECISIONS = 2000, 1
_ACCOUNT = "111122223333"
_OTHERS = (
    "s3:PutObject",
    "s3:Delete*",
    "s3:List*",
    "ec2:Describe*",
    "lambda:InvokeFunction",
    "s3:Put*",
    "iam:*",
    "sqs:SendMessage",
    "s3:GetBucket*",
)
_USER = Principal(
    kind=PrincipalKind.USER,
    account_id=_ACCOUNT,
    arn=f"arn:aws:iam::{_ACCOUNT}:user/alice",
    principal_id="AIDAALICE",
    user_name="alice",
)
_QUERY = AccessQuery(
    principal=_USER,
    action="s3:GetObject",
    resource="arn:aws:s3:::bucket/folder/key",
    context={
        "aws:resourceaccount": (_ACCOUNT,),
        "aws:sourceip": ("10.0.0.1",),
        "aws:username": ("alice",),
        "aws:securetransport": ("true",),
        "aws:useragent": ("aws-cli/2",),
    },
)


def run() -> list[Row]:
    """The two cases of the goals, as identity policies of one user."""
    how = f"best of {ROUNDS} rounds of {DECISIONS} decisions, one process"
    usual, worst = _usual(), _worst()
    return [
        _row("a decision over 10 policies of 10 statements, 9 of 10 for other actions, us", usual, how, 50),
        _row("... all 100 matching up to the last condition, us", worst, how, 250),
        _row("... the same 100 in ten policies that are not joined, us", _apart(), how, None),
    ]


def _row(what: str, policies: list[Policy], how: str, goal: int | None) -> Row:
    rounds = [_microseconds(policies) for _ in range(ROUNDS)]
    values = f"median {statistics.median(rounds):.1f}, worst {max(rounds):.1f}"
    return Row(what, how, values, min(rounds), "" if goal is None else f"<= {goal}")


def _microseconds(policies: list[Policy]) -> float:
    began = time.perf_counter()
    for _ in range(DECISIONS):
        decide(_QUERY, identity=policies)
    return (time.perf_counter() - began) / DECISIONS * 1e6


def _usual() -> list[Policy]:
    """One statement in ten is about the action, and looks at a condition."""
    condition = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    crowd = [_statement(action, "arn:aws:s3:::bucket/*") for action in _OTHERS]
    return _joined(
        [[*crowd, _statement("s3:GetObject", f"arn:aws:s3:::{number}/*", condition)] for number in range(10)]
    )


def _hundred() -> list[list[dict[str, object]]]:
    """Each fits in action, resource and all conditions but the last."""
    condition = {
        "Bool": {"aws:SecureTransport": "true"},
        "IpAddress": {"aws:SourceIp": "10.0.0.0/8"},
        "StringNotLike": {"aws:UserAgent": "aws-cli/*"},
    }
    resource = "arn:aws:s3:::bucket/fold*/k*"
    return [[_statement("s3:Get*", resource, condition) for _ in range(10)] for _ in range(10)]


def _worst() -> list[Policy]:
    return _joined(_hundred())


def _apart() -> list[Policy]:
    return [_compiled(statements) for statements in _hundred()]


def _joined(documents: list[list[dict[str, object]]]) -> list[Policy]:
    """As a user's policies are kept."""
    named = [(str(number), _compiled(statements)) for number, statements in enumerate(documents)]
    return [join_policies(named)]


def _compiled(statements: list[dict[str, object]]) -> Policy:
    text = json.dumps({"Version": "2012-10-17", "Statement": statements})
    return parse_policy(text, resource_policy=False)


def _statement(action: str, resource: str, condition: object = None) -> dict[str, object]:
    statement: dict[str, object] = {"Effect": "Allow", "Action": action, "Resource": resource}
    return statement if condition is None else {**statement, "Condition": condition}


if __name__ == "__main__":
    main(run)
