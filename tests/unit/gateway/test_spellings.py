"""Keys that a store might take for one another."""

import pytest

from onread.gateway.spellings import plain_spelling, spellings, without_end


@pytest.mark.parametrize("key", ["a", "a/b", "a/", "a/./b", "\U0001f980/b", "/", "//"])
def test_a_key_without_an_other_spelling_stands_alone(key):
    assert spellings(key) == (key,)


@pytest.mark.parametrize(
    ("key", "plain"),
    [("/a", "a"), ("a//b", "a/b"), ("//a///b/", "a/b/"), ("a\\b", "a/b"), ("\\/a", "a"), ("a\\", "a/")],
)
def test_the_plain_spelling_is_asked_about_too(key, plain):
    assert spellings(key) == (key, plain)


@pytest.mark.parametrize(
    ("text", "plain"),
    [("/", ""), ("//", ""), ("/a/", "a/"), ("a//", "a/"), ("\\a", "a"), ("a/b", "a/b"), ("", "")],
)
def test_the_beginning_of_keys_may_be_spelled_away(text, plain):
    assert plain_spelling(text) == plain


@pytest.mark.parametrize(
    ("key", "bare"),
    [
        ("a", None),
        ("a/b", None),
        ("/", None),
        ("\\", None),
        ("", None),
        ("a/", "a"),
        ("/a//b\\/", "a/b"),
        ("a\\", "a"),
    ],
)
def test_a_slash_at_the_end_may_be_nothing(key, bare):
    assert without_end(key) == bare
