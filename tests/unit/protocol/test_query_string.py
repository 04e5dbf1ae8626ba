import pytest

from onread.errors import InvalidURI
from onread.protocol.query_string import Query, decode_query_text, decode_text


def test_a_plus_is_a_space_in_a_query_and_a_plus_in_a_path() -> None:
    assert (decode_text("a+b%2B"), decode_query_text("a+b%2B")) == ("a+b+", "a b+")


def test_bytes_that_were_not_escaped_are_utf8_too() -> None:
    assert decode_text("\u00c3\u00a9%C3%A9") == "éé"


def test_values_are_found_by_decoded_name_in_order() -> None:
    query = Query("%61=1&b&&a=2=3&b=")
    assert list(query.names()) == ["a", "b"]
    assert (query.get_all("a"), query.get_all("b"), query.get_all("c")) == (["1", "2=3"], ["", ""], [])
    assert "b" in query
    assert "c" not in query


def test_a_name_that_cannot_be_decoded_is_nobodys_parameter() -> None:
    assert list(Query("%ff=1&%zz=2").names()) == ["%ff", "%zz"]


def test_a_value_that_cannot_be_decoded_is_refused_when_it_is_asked_for() -> None:
    query = Query("a=%ff")
    with pytest.raises(InvalidURI):
        query.get_all("a")
