import json

import pytest

from onread.errors import MalformedPolicy
from onread.policy.document import MAX_POLICY_BYTES, parse_policy, parse_trust_policy
from policy.callers import document, statement

EVERYBODY = {"Principal": "*"}


def refused(text, *, resource_policy=False):
    with pytest.raises(MalformedPolicy) as error:
        parse_policy(text, resource_policy=resource_policy)
    return error.value.text


def test_a_single_statement_needs_no_list():
    text = json.dumps({"Statement": statement(), "Id": "an id"})
    assert len(parse_policy(text, resource_policy=False).statements) == 1


def test_the_same_text_is_compiled_once():
    text = document(statement())
    assert parse_policy(text, resource_policy=False) is parse_policy(text, resource_policy=False)


def test_a_sid_of_a_resource_policy_may_be_any_string():
    spaces = statement(Sid="Allow the reader to read", **EVERYBODY)
    assert (
        parse_policy(document(spaces, spaces), resource_policy=True).statements[0].label
        == '"Allow the reader to read"'
    )
    assert "Sid" in refused(document(statement(Sid="with spaces")))
    assert "Sid" in refused(document(statement(Sid="one"), statement(Sid="one")))
    assert "Sid" in refused(document(statement(Sid=7)))
    assert parse_policy(document(statement(Sid=""), statement(Sid="")), resource_policy=False)


@pytest.mark.parametrize("version", ["2012-10-18", "", "1", 20121017, None, ["2012-10-17"], {}])
def test_T201_an_unknown_version_is_refused(version):
    assert "Version" in refused(json.dumps({"Version": version, "Statement": statement()}))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '"x"',
        "1",
        "null",
        '{"Statement": []}',
        '{"Statement": "x"}',
        '{"Version": "2012-10-17"}',
    ],
)
def test_T201_an_empty_policy_is_refused(text):
    refused(text)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"Statement": NaN}',
        '{"Statement": Infinity}',
        '{"Statement": 1' + "0" * 5000 + "}",
        '{"Id": "a", "Id": "b", "Statement": []}',
        '{"Statement": {"Effect": "Deny", "Effect": "Allow", "Action": "*", "Resource": "*"}}',
        '{"Statement": ' + "[" * 9000 + "]" * 9000 + "}",
        '{"Statement": ' + '{"a":' * 1000 + "1" + "}" * 1000 + "}",
        '{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}], "Id": "\ud800"}',
        document(statement()).replace("{", "\ufeff{", 1),
    ],
)
def test_T209_what_is_no_proper_json_is_refused(text):
    refused(text)


def test_T209_a_document_beyond_twenty_kibibytes_is_refused():
    text = document(statement(Sid="a"))
    room = MAX_POLICY_BYTES - len(text)
    assert parse_policy(document(statement(Sid="a" * (room + 1))), resource_policy=False)
    assert "bytes" in refused(document(statement(Sid="a" * (room + 2))))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"Effect": "allow"}, "Statement 1, Effect"),
        ({"Effect": None}, "Effect"),
        ({"Effect": ["Allow"]}, "Effect"),
        ({"Conditions": {}}, "Conditions"),
        ({"NotAction": "s3:*", "Action": "s3:*"}, "NotAction"),
        ({"Action": None}, "Action"),
        ({"Action": []}, "Action"),
        ({"Action": ""}, "Action"),
        ({"Action": 1}, "Action"),
        ({"Action": ["s3:GetObject", 1]}, "Action"),
        ({"Action": [["s3:GetObject"]]}, "Action"),
        ({"Action": {"s3": "GetObject"}}, "Action"),
        ({"Action": "GetObject"}, "Action"),
        ({"Action": "s3:"}, "Action"),
        ({"Action": "s3:Get Object"}, "Action"),
        ({"Action": "s3:Get${aws:username}"}, "Action"),
        ({"Action": "s*:GetObject"}, "Action"),
        ({"Action": "s3:Lin\u212a"}, "Action"),
        ({"Resource": 1}, "Resource"),
        ({"Resource": "bucket"}, "Resource"),
        ({"Resource": "arn:aws:s3"}, "Resource"),
        ({"Resource": "**"}, "Resource"),
        ({"Resource": "arm:aws:s3:::b"}, "Resource"),
        ({"Resource": "arn:aws:s3:::${aws:username"}, "variable"),
        ({"NotResource": "*", "Resource": "*"}, "NotResource"),
        ({"Principal": "*"}, "Principal"),
        ({"NotPrincipal": "*"}, "Principal"),
        ({"Condition": []}, "Condition"),
        ({"Condition": {"StringEquals": "a"}}, "Condition, StringEquals"),
        ({"Condition": {"StringEquals": {"aws:username": None}}}, "Condition, StringEquals, aws:username"),
        ({"Condition": {"StringEquals": {"aws:username": []}}}, "aws:username"),
        ({"Condition": {"StringEquals": {"aws:username": [["a"]]}}}, "aws:username"),
        ({"Condition": {"StringEquals": {"username": "a"}}}, "username"),
        ({"Condition": {"StringEqual": {"aws:username": "a"}}}, "StringEqual"),
        (
            {"Condition": {"IpAddress": {"aws:SourceIp": "x"}}},
            "Statement 1, Condition, IpAddress, aws:SourceIp",
        ),
    ],
)
def test_T209_a_bad_statement_is_refused_with_its_place(change, named):
    good = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    assert named in refused(document(good | change))


def test_T209_a_missing_element_is_refused():
    for name in ("Effect", "Action", "Resource"):
        short = statement()
        del short[name]
        assert name in refused(document(short))
    assert "Statement 2" in refused(document(statement(), "x"))
    assert "Id" in refused(json.dumps({"Id": 1, "Statement": statement()}))
    assert "Principal" in refused(document(statement()), resource_policy=True)


@pytest.mark.parametrize(
    "principal",
    [
        1,
        {},
        [],
        "111122223333",
        {"aws": "*"},
        {"AWS": []},
        {"AWS": 1},
        {"AWS": "arn:aws:iam::111122223333:user/*"},
        {"AWS": "arn:aws:iam::*:root"},
        {"AWS": "11112222333"},
        {"AWS": "111122223333:root"},
        {"AWS": "arn:aws:iam::111122223333:group/a"},
        {"AWS": "arn:aws:iam::111122223333"},
        {"AWS": "a**"},
    ],
)
def test_T204_principals_are_identities_or_the_star_alone(principal):
    assert "rincipal" in refused(document(statement(Principal=principal)), resource_policy=True)


def test_every_kind_of_principal_is_read():
    sts = f"arn:aws:sts::{'1' * 12}"
    listed = {
        "AWS": ["1" * 12, f"{sts}:assumed-role/r/s", f"{sts}:federated-user/u"],
        "Service": "lambda.amazonaws.com",
        "Federated": "cognito-identity.amazonaws.com",
        "CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be",
    }  # fmt: skip
    principals = (
        parse_policy(document(statement(Principal=listed)), resource_policy=True).statements[0].principals
    )
    assert principals.accounts == {"1" * 12}
    assert len(principals.arns) == 2
    assert principals.services == {"lambda.amazonaws.com"}


def test_T202_an_allow_for_everybody_else_is_refused():
    other = {"AWS": "111122223333"}
    assert "NotPrincipal" in refused(document(statement(NotPrincipal=other)), resource_policy=True)
    assert parse_policy(document(statement("Deny", NotPrincipal=other)), resource_policy=True)


def test_conditions_take_numbers_and_booleans_as_they_are_written():
    conditions = {"NumericLessThan": {"s3:max-keys": [10, 1.5]}, "Bool": {"aws:SecureTransport": False}}
    policy = parse_policy(document(statement(Condition=conditions)), resource_policy=False)
    assert len(policy.statements[0].conditions) == 2


def test_a_trust_policy_has_principals_and_no_resource():
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    assert parse_trust_policy(document(trust)).statements[0].resources is None
    for wrong in (
        trust | {"Resource": "*"},
        trust | {"NotResource": "*"},
        statement(action="sts:AssumeRole"),
    ):
        with pytest.raises(MalformedPolicy):
            parse_trust_policy(document(wrong))
