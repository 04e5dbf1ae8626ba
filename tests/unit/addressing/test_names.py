import pytest

from onread.addressing.names import (
    is_account_id,
    is_alias,
    validate_access_point_name,
    validate_bucket_name,
    validate_object_lambda_access_point_name,
)
from onread.errors import InvalidBucketName, InvalidRequest


@pytest.mark.parametrize(
    "name",
    ["abc", "a.b", "my-bucket", "1st", "a" * 63, "a-12345678901", "a1234567890123", "v20180821", "olap"],
)
def test_a_bucket_may_bear_any_name_of_s3_rules(name):
    validate_bucket_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "..",
        "ab",
        "a" * 64,
        "Upper",
        "a..b",
        ".ab",
        "ab.",
        "-ab",
        "ab-",
        "a_b",
        "a/b",
        "a b",
        "abc\n",
        "192.168.0.1",
        "xn--abc",
        "sthree-abc",
        "amzn-s3-demo-bucket",
        "abc--ol-s3",
        "abc-s3alias",
        "abc.olap",
        "abc.mrap",
        "abc--x-s3",
        "abc--table-s3",
        "ábc",
        "a\0b",
        "http://",
    ],
)
def test_T231_bucket_names_that_break_a_rule_of_s3_are_refused(name):
    with pytest.raises(InvalidBucketName) as refused:
        validate_bucket_name(name)
    assert ":" in refused.value.text


@pytest.mark.parametrize("name", ["123456789012", "v20180820", "my-ap-123456789012", "a.b-123456789012"])
def test_T231_bucket_names_that_would_collide_on_the_one_port_are_refused(name):
    with pytest.raises(InvalidBucketName):
        validate_bucket_name(name)


@pytest.mark.parametrize(
    ("validate", "longest"),
    [(validate_access_point_name, 50), (validate_object_lambda_access_point_name, 45)],
)
def test_access_point_names_have_three_characters_up_to_their_limit(validate, longest):
    for good in ("abc", "a-b", "1" * longest, "a--b"):
        validate(good)
    for bad in (
        "",
        "ab",
        "a" * (longest + 1),
        "-ab",
        "ab-",
        "a.b",
        "a_b",
        "Abc",
        "abc\n",
        "a-s3alias",
        "a--ol-s3",
    ):
        with pytest.raises(InvalidRequest):
            validate(bad)


def test_account_ids_are_twelve_ascii_digits():
    assert is_account_id("123456789012")
    assert not any(
        is_account_id(text) for text in ("12345678901", "1234567890123", "\u0661" * 12, "12345678901a")
    )


def test_aliases_are_known_by_their_suffix():
    assert all(is_alias(name) for name in ("a--ol-s3", "a-s3alias", "a.olap"))
    assert not any(is_alias(name) for name in ("a-ol-s3", "s3alias", "olap", "a.olap.b"))
