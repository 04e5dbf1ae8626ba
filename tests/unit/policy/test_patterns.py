import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.processor import least_seconds

from onread.errors import MalformedPolicy
from onread.policy.patterns import (
    ArnPattern,
    Glob,
    SplitArn,
    TextPattern,
    Variable,
    Wildcard,
    split_arn,
    static_tokens,
    tokenize,
)
from policy import naive


def matches(pattern, text):
    return Glob(static_tokens(pattern)).matches(text)


def arn_matches(pattern, arn, **context):
    keys = {key.replace("_", ":", 1): (value,) for key, value in context.items()}
    return ArnPattern(tokenize(pattern, variables=True)).matches(split_arn(arn), keys)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [("*", ""), ("*", "a/b:c\n"), ("a?c", "abc"), ("a*c", "ac"), ("a*c", "a/x/c"), ("*a*a*", "aa"), ("", ""),
     ("home/*", "home/"), ("[ab].+{2}^$", "[ab].+{2}^$"), ("?*", "\n"), ("a**b", "ab"),
     ("*.jpg", "a.jpg.jpg")],
)  # fmt: skip
def test_T204_a_pattern_fits_the_whole_text(pattern, text):
    assert matches(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [("", "a"), ("a", ""), ("a", "A"), ("?", ""), ("?", "ab"), ("a*c", "abd"), ("[ab]", "a"), ("a.c", "abc"),
     ("a+", "aa"), ("*.jpg", "a.jpeg"), ("aa*aa", "aaa"), ("a*", "ba"), ("*a", "a\n")],
)  # fmt: skip
def test_T204_wildcards_are_the_star_and_the_question_mark_alone(pattern, text):
    assert not matches(pattern, text)


@given(st.text(alphabet="ab*?", max_size=12), st.text(alphabet="ab", max_size=12))
def test_T204_matching_agrees_with_dynamic_programming(pattern, text):
    assert matches(pattern, text) == naive.fits(naive.expand(pattern, {}, ""), text)


@pytest.mark.parametrize("pattern", ["a*" * 30 + "b", "*a" * 30 + "*b", "?*" * 30 + "b", "*" * 100 + "b"])
def test_T204_matching_takes_linear_time(pattern):
    compiled = Glob(static_tokens(pattern))
    assert not compiled.matches("a" * 1024)
    assert least_seconds(lambda: compiled.matches("a" * 1024)) < 0.005


def test_a_text_is_taken_apart_into_literals_wildcards_and_variables():
    assert tokenize("a*${aws:username}?${*}${?}${$}b", variables=True) == (
        "a", Wildcard.ANY, Variable("aws:username", None), Wildcard.ONE, "*?$b",
    )  # fmt: skip
    assert tokenize("${aws:PrincipalTag/Team, 'none of*'}", variables=True) == (
        Variable("aws:principaltag/team", "none of*"),
    )


def test_without_the_newer_version_a_variable_is_text():
    assert tokenize("${aws:username}", variables=False) == ("${aws:username}",)


def test_where_wildcards_mean_nothing_they_are_text():
    assert tokenize("a*?${aws:username}", variables=True, wildcards=False) == (
        "a*?",
        Variable("aws:username", None),
    )


@pytest.mark.parametrize(
    "text", ["${aws:username", "${}", "${ }", "${username}", "${aws:username, x}", "${a:b}${"]
)
def test_T209_a_malformed_variable_is_refused(text):
    with pytest.raises(MalformedPolicy):
        tokenize(text, variables=True)


@pytest.mark.parametrize("value", ["*", "?", "a/b", "${aws:username}", "${*}", "a:b", ""])
def test_T207_the_value_of_a_variable_is_literal_and_not_expanded_twice(value):
    pattern = TextPattern(tokenize("home/${aws:username}/*", variables=True))
    context = {"aws:username": (value,)}
    assert pattern.matches(f"home/{value}/x", context)
    assert not pattern.matches("home/somebody/x", context)


def test_T207_a_variable_without_a_single_value_fits_nothing():
    pattern = TextPattern(tokenize("${aws:username}*", variables=True))
    for context in ({}, {"aws:username": ()}, {"aws:username": ("a", "b")}):
        assert pattern.matches("a", context) is None
    assert TextPattern(tokenize("${aws:username, 'a'}", variables=True)).matches("a", {}) is True


@pytest.mark.parametrize(
    ("pattern", "arn"),
    [
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/a:b:c"),
        ("arn:aws:s3:::b/*/../x", "arn:aws:s3:::b/a/../x"),
        ("arn:*:s3:*:*:accesspoint/a?", "arn:aws:s3:us-east-1:111122223333:accesspoint/ap"),
        ("arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/alice/k"),
        ("arn:aws:s3:::${aws:username}", "arn:aws:s3:::alice"),
    ],
)
def test_T208_arns_are_compared_part_by_part(pattern, arn):
    assert arn_matches(pattern, arn, aws_username="alice") is True


@pytest.mark.parametrize(
    ("pattern", "arn"),
    [
        ("arn:aws:s3:::b/*", "arn:aws-cn:s3:::b/k"),
        ("arn:aws:s3:::b", "arn:aws:s3:us-east-1:111122223333:b"),
        ("arn:aws:s3:*:b/*", "arn:aws:s3:::b/k"),
        ("arn:*:accesspoint/a", "arn:aws:s3:us-east-1:111122223333:accesspoint/a"),
        ("arn:aws:s3:*:*:accesspoint/a", "arn:aws:s3-object-lambda:us-east-1:111122223333:accesspoint/a"),
        ("arn:aws:s3:::B", "arn:aws:s3:::b"),
        ("arn:aws:s3:::b", "b"),
        ("arn:aws:s3:::b", "arm:aws:s3:::b"),
        ("arn:aws:s3:::${aws:userid}", "arn:aws:s3:::b"),
        ("${aws:username}", "arn:aws:s3:::b"),
    ],
)
def test_T208_no_wildcard_reaches_over_a_colon_of_the_first_parts(pattern, arn):
    assert not arn_matches(pattern, arn, aws_username="alice")


def test_a_variable_may_hold_a_whole_arn():
    assert arn_matches(
        "${aws:PrincipalArn}", "arn:aws:iam::1:user/a", aws_principalarn="arn:aws:iam::1:user/a"
    )


def test_an_arn_is_split_at_its_first_five_colons():
    assert split_arn("arn:aws:s3:::b:c") == SplitArn(("arn", "aws", "s3", "", ""), "b:c")
    assert split_arn("*") is None
