from itertools import pairwise

import pytest

from onread.wire.cors import CorsRule, actual, preflight

SITE = "https://site.example.com"


def rule(*origins, methods=("GET", "PUT"), **more):
    return CorsRule(origins=origins, methods=methods, **more)


def allowed(pairs):
    return dict(pairs).get("Access-Control-Allow-Origin")


@pytest.mark.parametrize(
    ("pattern", "origin", "answer"),
    [
        ("*", SITE, "*"),
        ("*", "null", "*"),
        (SITE, SITE, SITE),
        (SITE, "http://site.example.com", None),
        (SITE, SITE + ":443", None),
        (SITE, SITE + ".evil.org", None),
        (SITE, SITE.upper(), None),
        ("https://*.example.com", SITE, SITE),
        ("https://*.example.com", "https://.example.com", "https://.example.com"),
        ("https://*.example.com", "https://example.com", None),
        ("https://*.example.com", "https://a.example.com.evil.org", None),
        ("https://ab*ba", "https://aba", None),
        ("http*", SITE, SITE),
        ("http*", "null", None),
        ("n*", "null", None),
        ("null", "null", "null"),
        ("a.c", "abc", None),
    ],
)
def test_an_origin_is_let_in_by_its_pattern_alone(pattern, origin, answer):
    assert allowed(actual([rule(pattern)], origin=origin, method="GET")) == answer
    asked = preflight([rule(pattern)], origin=origin, method="GET", headers=())
    assert (asked is None) == (answer is None)
    if asked is not None:
        assert allowed(asked) == answer


@pytest.mark.parametrize(
    ("pattern", "origin", "credentials"),
    [
        (SITE, SITE, True),
        ("*", SITE, False),
        ("https://*.example.com", SITE, False),
        ("null", "null", False),
    ],
)
def test_T279_credentials_go_to_an_origin_that_is_named_letter_by_letter(pattern, origin, credentials):
    pairs = dict(actual([rule(pattern)], origin=origin, method="GET"))
    assert ("Access-Control-Allow-Credentials" in pairs) is credentials


def test_the_first_rule_that_fits_answers():
    rules = [
        rule(SITE, methods=("PUT",), exposed=("ETag",)),
        rule("*", methods=("GET", "PUT"), max_age_seconds=5, headers=("x-*", "content-type")),
    ]
    assert dict(actual(rules, origin=SITE, method="PUT"))["Access-Control-Expose-Headers"] == "ETag"
    assert dict(actual(rules, origin=SITE, method="GET")) == {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": "GET, PUT",
        "Access-Control-Max-Age": "5",
    }
    asked = preflight(rules, origin=SITE, method="PUT", headers=("X-Amz-Date", "Content-Type"))
    assert dict(asked)["Access-Control-Allow-Headers"] == "x-amz-date, content-type"
    assert preflight(rules, origin=SITE, method="PUT", headers=("X-Amz-Date", "Authorization")) is None
    assert preflight(rules, origin=SITE, method="DELETE", headers=()) is None
    assert actual(rules, origin=SITE, method="DELETE") == []


def test_matching_a_pattern_takes_one_look():
    """No pattern is tried at every place: what stands before and behind the star is compared, once."""
    many = [rule("https://" + "a" * length + "*" + "b" * 1000) for length in range(100)]
    assert actual(many, origin="https://" + "a" * 100_000, method="GET") == []
    assert all(len(one.origins[0]) < len(other.origins[0]) for one, other in pairwise(many))
