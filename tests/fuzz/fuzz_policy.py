"""R-064: policy documents. Any text is compiled or refused, and what is compiled decides without raising."""

import json
import sys
from pathlib import Path

from tests.fuzz.harness import Target
from tests.fuzz.refusals import check_refusal

from onread.errors import AccessDenied, MalformedPolicy
from onread.policy.document import parse_policy, parse_trust_policy
from onread.policy.evaluate import AttachedPolicy, decide

# The naive evaluator's package imports itself by its own name.
sys.path.append(str(Path(__file__).parents[1] / "unit"))

from policy.callers import ANONYMOUS, FOREIGNER, ROLE, ROOT, USER, document, query, statement

CALLERS = (USER, ROLE, ROOT, FOREIGNER, ANONYMOUS)
OBJECT = "arn:aws:s3:::bucket/key"


def check(content: bytes) -> None:
    text = content.decode("utf-8", "surrogateescape")
    for parse in (_identity, _resource, parse_trust_policy):
        try:
            policy = parse(text)
        except MalformedPolicy as error:
            check_refusal(error, "s3", "iam", "lambda")
            continue
        for caller in CALLERS:
            asked = query(caller, "s3:GetObject", OBJECT, test_String=("a",), aws_UserName=("alice",))
            attached = [AttachedPolicy(policy=policy, resource=OBJECT)]
            for decision in (
                decide(asked, identity=[policy], resource_policies=[], session=None),
                decide(asked, identity=[], resource_policies=attached, session=None),
            ):
                check_refusal(AccessDenied(decision.reason), "s3")


def _identity(text: str):
    return parse_policy(text, resource_policy=False)


def _resource(text: str):
    return parse_policy(text, resource_policy=True)


def _text(*statements: dict[str, object]) -> bytes:
    return document(*statements).encode()


TARGET = Target(
    case="R-064",
    check=check,
    seeds=[
        _text(statement()),
        _text(statement(Principal="*"), statement("Deny", Principal={"AWS": ["111122223333", "*"]})),
        _text(
            statement(
                Resource="arn:aws:s3:::${aws:username, 'x'}/*",
                Condition={"StringLike": {"test:String": ["a*", "?"]}},
            )
        ),
        _text(
            statement(
                Condition={
                    "ForAllValues:NumericLessThanIfExists": {"test:N": [1, "2.0"]},
                    "Null": {"a:b": True},
                }
            )
        ),
        _text(
            statement(
                Condition={
                    "IpAddress": {"aws:SourceIp": "10.0.0.0/8"},
                    "DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"},
                }
            )
        ),
        _text(statement("Deny", NotAction=["iam:*"], NotResource="arn:aws:s3:::b/k", Sid="a")),
        json.dumps({"Statement": [], "Id": 1}).encode(),
    ],
    words=[
        *(
            b'"Statement":',
            b'"Effect":"Allow"',
            b'"Action":',
            b'"Resource":',
            b'"Principal":',
            b'"NotPrincipal":',
            b'"Condition":',
        ),
        *(
            b"{}",
            b"[]",
            b'""',
            b"null",
            b"1e400",
            b"-1",
            b'"\\ud800"',
            b"${",
            b"}",
            b"${*}",
            b"arn:aws:s3:::",
            b"*",
            b"?",
            b"[" * 50,
        ),
        *(
            b'"StringEquals":',
            b'"ArnLike":',
            b'"BinaryEquals":',
            b'"Bool":',
            b'"DateEquals":',
            b"IfExists",
            b"ForAnyValue:",
            b'"Version":"2008-10-17"',
        ),
    ],
    rounds=3000,
)
