"""Generators of policies and of requests that have a fair chance to meet them."""

from hypothesis import strategies as st

from policy.callers import ACCOUNT, FOREIGNER, OTHER_ACCOUNT, ROLE, USER

ACTIONS = [
    "s3:GetObject",
    "s3:PutObject",
    "s3:PutBucketPolicy",
    "lambda:InvokeFunction",
    "sts:AssumeRole",
    "iam:CreateUser",
    "onread:ListTraces",
]
ACTION_PATTERNS = [
    *ACTIONS, "s3:getobject", "s3:Get*", "s3:*Object", "s3:*", "S3:P?tO*", "*", "*:*", "lambda:*", "sts:*",
    "iam:*",
]  # fmt: skip
RESOURCES = [
    "arn:aws:s3:::b/k",
    "arn:aws:s3:::b/alice/x",
    "arn:aws:s3:us-east-1:111122223333:accesspoint/a/object/k:1",
    "arn:aws:lambda:us-east-1:111122223333:function:f:$LATEST",
    "arn:aws:iam::111122223333:role/reader",
]
RESOURCE_PATTERNS = [
    *RESOURCES,
    "*",
    "arn:aws:s3:::b/*",
    "arn:aws:s3:::*",
    "arn:aws:s3:::b/${aws:username}/*",
    "arn:aws:s3:::b/${aws:userid}",
    "arn:aws:s3:::b/${aws:username, 'alice'}/x",
    "arn:aws:s3:*:*:accesspoint/?/object/*",
    "arn:*:s3:::b/k",
    "arn:aws:s3:::B/k",
    "arn:aws:lambda:*:*:function:f*",
    "arn:aws:iam::*:role/${aws:username, 'reader'}",
]
PRINCIPALS = [
    "*",
    {"AWS": "*"},
    {"AWS": ACCOUNT},
    {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    {"AWS": USER.arn},
    {"AWS": [ROLE.role_arn]},
    {"AWS": [FOREIGNER.arn, ROLE.arn]},
    {"AWS": OTHER_ACCOUNT},
    {"Service": "lambda.amazonaws.com"},
]
TEXTS = ["a", "A", "ab", "alice", "a*", "${aws:username}", "${aws:userid}x", "${*}", ""]
ARN_PATTERNS = [
    "arn:aws:s3:::*",
    "arn:aws:s3:::b/${aws:username}/x",
    "arn:*:s3:::b/?",
    "arn:aws:s3:::b/${aws:userid}",
]
ORDERINGS = ["Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"]
OPERATORS = {
    "StringEquals": TEXTS,
    "StringNotEquals": TEXTS,
    "StringEqualsIgnoreCase": TEXTS,
    "StringNotEqualsIgnoreCase": TEXTS,
    "StringLike": [*TEXTS, "?", "*b", "*"],
    "StringNotLike": [*TEXTS, "?", "*b", "*"],
    **{f"Numeric{name}": ["1", "2", "-3", "1.0", 2] for name in ORDERINGS},
    **{f"Date{name}": ["2030-01-01T00:00:00Z", "1893456000", "2", "1"] for name in ORDERINGS},
    "Bool": ["true", "false", True],
    "BinaryEquals": ["YQ==", "YWI="],
    "IpAddress": ["10.0.0.0/8", "10.0.0.1", "2001:db8::/32"],
    "NotIpAddress": ["10.0.0.0/8", "10.0.0.1", "2001:db8::/32"],
    "ArnEquals": ARN_PATTERNS,
    "ArnLike": ARN_PATTERNS,
    "ArnNotEquals": ARN_PATTERNS,
    "ArnNotLike": ARN_PATTERNS,
}
CONTEXT_VALUES = {
    "String": ["a", "A", "ab", "alice", "*", ""],
    "Numeric": ["1", "2.0", "-3", "x"],
    "Date": ["2030-01-01T00:00:00Z", "1893456000", "x", "1"],
    "Bool": ["true", "false", "TRUE"],
    "Binary": ["YQ==", "YWI="],
    "Ip": ["10.0.0.1", "11.0.0.1", "2001:db8::1", "x"],
    "Arn": ["arn:aws:s3:::b/k", "arn:aws:s3:::b/alice/x", "b"],
}
MAYBE_MANY = 3


def one_or_more(values):
    some = st.sampled_from(values)
    return st.one_of(some, st.lists(some, min_size=1, max_size=MAYBE_MANY))


@st.composite
def conditions(draw):
    if draw(st.booleans()):
        return {}
    name = draw(st.sampled_from([*OPERATORS, "Null"]))
    key = next(
        f"test:{kind}"
        for kind in CONTEXT_VALUES
        if name.replace("Not", "").startswith(kind) or name == "Null"
    )
    if name == "Null":
        return {name: {key: draw(one_or_more(["true", "false"]))}}
    quantifier = draw(st.sampled_from(["", "", "ForAnyValue:", "ForAllValues:"]))
    suffix = draw(st.sampled_from(["", "IfExists"]))
    key = key.upper() if draw(st.booleans()) else key
    return {f"{quantifier}{name}{suffix}": {key: draw(one_or_more(OPERATORS[name]))}}


@st.composite
def statements(draw, *, resource_policy, trust=False):
    allow = draw(st.sampled_from([True, True, False]))
    statement = {"Effect": "Allow" if allow else "Deny", "Condition": draw(conditions())}
    statement[draw(st.sampled_from(["Action", "Action", "NotAction"]))] = draw(one_or_more(ACTION_PATTERNS))
    if not trust:
        statement[draw(st.sampled_from(["Resource", "Resource", "NotResource"]))] = draw(
            one_or_more(RESOURCE_PATTERNS)
        )
    if resource_policy:
        name = "Principal" if allow else draw(st.sampled_from(["Principal", "NotPrincipal"]))
        statement[name] = draw(st.sampled_from(PRINCIPALS))
    return statement


def documents(*, resource_policy, trust=False):
    return st.fixed_dictionaries(
        {
            "Version": st.sampled_from(["2012-10-17", "2012-10-17", "2008-10-17"]),
            "Statement": st.lists(
                statements(resource_policy=resource_policy, trust=trust), min_size=1, max_size=4
            ),
        }
    )


CONTEXTS = st.fixed_dictionaries(
    {},
    optional={
        **{
            f"test:{kind}": st.lists(st.sampled_from(values), max_size=MAYBE_MANY).map(tuple)
            for kind, values in CONTEXT_VALUES.items()
        },
        "aws:UserName": st.sampled_from([("alice",), ("a*",), ("${aws:userid}",), (), ("alice", "bob")]),
    },
)

REQUESTS = st.tuples(st.sampled_from(ACTIONS), st.sampled_from(RESOURCES), CONTEXTS)
ATTACHED = st.one_of(
    st.tuples(
        st.one_of(st.none(), documents(resource_policy=True)), st.sampled_from(RESOURCES), st.just(False)
    ),
    # A role's trust: it has no resources, and must include the caller.
    st.tuples(documents(resource_policy=True, trust=True), st.sampled_from(RESOURCES), st.just(True)),
)
