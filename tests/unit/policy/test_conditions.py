import pytest

from onread.errors import MalformedPolicy
from onread.policy.conditions import compile_condition

POSITIVE = {
    "StringEquals": ("a", "a", "b"),
    "StringEqualsIgnoreCase": ("A", "a", "b"),
    "StringLike": ("a*", "ab", "b"),
    "NumericEquals": ("10", "10.0", "11"),
    "NumericLessThan": ("10", "9", "10"),
    "NumericLessThanEquals": ("10", "10", "10.1"),
    "NumericGreaterThan": ("10", "11", "10"),
    "NumericGreaterThanEquals": ("10", "10", "9"),
    "DateEquals": ("2030-01-01T00:00:00Z", "1893456000", "2030-01-02T00:00:00Z"),
    "DateLessThan": ("2030-01-01T00:00:00Z", "2029-12-31T23:59:59Z", "2030-01-01T00:00:00Z"),
    "DateLessThanEquals": ("2030-01-01", "2030-01-01T00:00:00Z", "2030-01-01T00:00:01Z"),
    "DateGreaterThan": ("2030-01-01T01:00:00+01:00", "2030-01-01T00:00:01Z", "2030-01-01T00:00:00Z"),
    "DateGreaterThanEquals": ("1893456000", "2030-01-01T00:00:00Z", "2029-12-31T23:59:59Z"),
    "Bool": ("true", "True", "false"),
    "BinaryEquals": ("YWI=", "YWI=", "YQ=="),
    "IpAddress": ("10.0.0.0/8", "10.1.2.3", "11.0.0.1"),
    "ArnEquals": ("arn:aws:s3:::b/*", "arn:aws:s3:::b/k", "arn:aws:s3:::c/k"),
    "ArnLike": ("arn:aws:s3:*:*:b/?", "arn:aws:s3:::b/k", "arn:aws:s3:::b/kk"),
}
NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}


def holds(name, wanted, actual, *, grants=True, variables=True, **context):
    wanted = wanted if isinstance(wanted, list) else [wanted]
    keys = {key.replace("_", ":", 1): (value,) for key, value in context.items()}
    if actual is not None:
        keys["test:key"] = tuple(actual)
    return compile_condition(name, "test:Key", wanted, variables=variables).holds(keys, grants=grants)


@pytest.mark.parametrize(("name", "example"), POSITIVE.items())
def test_T205_a_positive_operator_over_absent_empty_one_and_many(name, example):
    wanted, fitting, other = example
    assert not holds(name, wanted, None)
    assert not holds(name, wanted, [])
    assert holds(name, wanted, [fitting])
    assert not holds(name, wanted, [other])
    assert holds(name, wanted, [other, fitting])
    assert not holds(name, wanted, [other, other])


@pytest.mark.parametrize(("name", "opposite"), NEGATED.items())
def test_T205_a_negated_operator_over_absent_empty_one_and_many(name, opposite):
    wanted, fitting, other = POSITIVE[opposite]
    assert holds(name, wanted, None)
    assert holds(name, wanted, [])
    assert not holds(name, wanted, [fitting])
    assert holds(name, wanted, [other])
    assert not holds(name, wanted, [other, fitting])
    assert holds(name, wanted, [other, other])


@pytest.mark.parametrize(("name", "example"), POSITIVE.items())
def test_T205_if_exists_is_true_of_an_absent_key_and_else_changes_nothing(name, example):
    wanted, fitting, other = example
    assert holds(f"{name}IfExists", wanted, None)
    assert holds(f"{name}IfExists", wanted, [])
    assert holds(f"{name}IfExists", wanted, [fitting])
    assert not holds(f"{name}IfExists", wanted, [other])


@pytest.mark.parametrize(("name", "example"), POSITIVE.items())
def test_T205_for_any_value_needs_one_and_for_all_values_needs_all(name, example):
    wanted, fitting, other = example
    for absent in (None, []):
        assert not holds(f"ForAnyValue:{name}", wanted, absent)
        assert holds(f"ForAllValues:{name}", wanted, absent)
    assert holds(f"ForAnyValue:{name}", wanted, [other, fitting])
    assert not holds(f"ForAnyValue:{name}", wanted, [other, other])
    assert holds(f"ForAllValues:{name}", wanted, [fitting, fitting])
    assert not holds(f"ForAllValues:{name}", wanted, [fitting, other])


@pytest.mark.parametrize(("name", "opposite"), NEGATED.items())
def test_T205_quantifiers_of_negated_operators(name, opposite):
    wanted, fitting, other = POSITIVE[opposite]
    for absent in (None, []):
        assert not holds(f"ForAnyValue:{name}", wanted, absent)
        assert holds(f"ForAnyValue:{name}IfExists", wanted, absent)
        assert holds(f"ForAllValues:{name}", wanted, absent)
    assert holds(f"ForAnyValue:{name}", wanted, [fitting, other])
    assert not holds(f"ForAllValues:{name}", wanted, [fitting, other])
    assert holds(f"ForAllValues:{name}", wanted, [other, other])


def test_T205_null_goes_both_ways():
    for absent in (None, []):
        assert holds("Null", "true", absent)
        assert not holds("Null", "false", absent)
    assert holds("Null", "false", ["a"])
    assert not holds("Null", "true", ["a"])
    assert holds("Null", ["true", "false"], ["a"])


def test_values_of_a_key_are_alternatives_and_a_negation_excludes_them_all():
    assert holds("StringEquals", ["a", "b"], ["b"])
    assert not holds("StringNotEquals", ["a", "b"], ["b"])
    assert holds("StringNotEquals", ["a", "b"], ["c"])


def test_T203_strings_are_compared_as_the_operator_is_named():
    assert not holds("StringEquals", "a", ["A"])
    assert not holds("StringLike", "a*", ["Ab"])
    assert holds("StringEqualsIgnoreCase", "STRASSE", ["straße"])
    assert holds("StringEquals", "", [""])
    assert not holds("StringEquals", "a*", ["ab"])


def test_a_value_of_the_request_that_cannot_be_read_fits_nothing():
    for name in ("NumericEquals", "DateLessThan", "IpAddress", "BinaryEquals", "ArnLike"):
        wanted = POSITIVE[name][0]
        for actual in ("", "x", "1e5", "9" * 50, "\x00", "é"):
            assert not holds(name, wanted, [actual])


def test_a_date_out_of_range_fits_nothing():
    assert not holds("DateLessThan", "2030-01-01T00:00:00Z", ["2029-13-01T00:00:00Z"])
    assert not holds("DateGreaterThan", "2030-01-01T00:00:00Z", ["99999999999999"])
    assert not holds("DateGreaterThan", "2030-01-01T00:00:00Z", ["99999999999999999999"])
    assert not holds("DateGreaterThan", "2030-01-01T00:00:00Z", ["999999999999"])


def test_networks_hold_addresses_of_their_own_version():
    assert holds("IpAddress", "2001:db8::/32", ["2001:DB8::1"])
    assert holds("IpAddress", "10.0.0.1", ["10.0.0.1"])
    assert holds("IpAddress", "10.0.0.1/8", ["10.9.9.9"])
    assert holds("IpAddress", "10.0.0.0/8", ["::ffff:10.0.0.1"])
    assert not holds("IpAddress", "0.0.0.0/0", ["2001:db8::1"])
    assert not holds("IpAddress", "::/0", ["10.0.0.1"])


def test_T207_variables_are_replaced_in_string_and_arn_operators():
    assert holds("StringEquals", "${aws:username}", ["a*"], aws_username="a*")
    assert holds("StringEqualsIgnoreCase", "${aws:username}/X", ["ALICE/x"], aws_username="alice")
    assert holds("StringLike", "home/${aws:username}/*", ["home/a*/x"], aws_username="a*")
    assert not holds("StringLike", "home/${aws:username}/*", ["home/ab/x"], aws_username="a*")
    assert holds("ArnLike", "arn:aws:s3:::${aws:username}", ["arn:aws:s3:::alice"], aws_username="alice")
    assert holds("StringEquals", "${*}", ["*"])
    assert holds("StringEquals", "${aws:username}", ["${aws:username}"], variables=False)


@pytest.mark.parametrize("name", ["StringEquals", "StringEqualsIgnoreCase", "StringLike"])
def test_T207_an_unknown_variable_fits_nothing(name):
    assert not holds(name, "${aws:username}", ["alice"])
    assert holds(name, ["${aws:username}", "alice"], ["alice"])
    assert not holds("ArnLike", "arn:aws:s3:::${aws:username}", ["arn:aws:s3:::alice"])


@pytest.mark.parametrize("name", ["StringNotEquals", "StringNotLike"])
def test_T207_to_differ_from_the_unknown_grants_nothing_and_denies(name):
    assert not holds(name, "${aws:username}", ["alice"], grants=True)
    assert holds(name, "${aws:username}", ["alice"], grants=False)
    assert not holds(name, ["${aws:username}", "alice"], ["alice"], grants=False)


@pytest.mark.parametrize(
    "name",
    ["", "StringEqual", "stringequals", "NullIfExists", "ForAnyValue:Null", "ForAnyValue:", "X:StringLike",
     ":StringEquals", "ForAnyValue:ForAllValues:StringEquals", "StringEqualsIfExistsIfExists", "IfExists"],
)  # fmt: skip
def test_T209_an_unknown_operator_is_refused(name):
    with pytest.raises(MalformedPolicy):
        compile_condition(name, "aws:username", ["true"], variables=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [("NumericEquals", "ten"), ("NumericEquals", "1e5"), ("NumericEquals", "NaN"), ("DateEquals", "tomorrow"),
     ("DateEquals", "2030-02-30"), ("Bool", "yes"), ("Null", "yes"), ("BinaryEquals", "a"),
     ("IpAddress", "10.0.0.0/33"), ("IpAddress", "10.0.0.0/255.0.0.0"), ("IpAddress", "fe80::1%eth0"),
     ("IpAddress", "host"), ("ArnLike", "*"), ("ArnEquals", "bucket"), ("NumericEquals", "${aws:username}")],
)  # fmt: skip
def test_T209_a_value_that_the_operator_cannot_compare_with_is_refused(name, value):
    with pytest.raises(MalformedPolicy):
        compile_condition(name, "aws:username", [value], variables=True)
