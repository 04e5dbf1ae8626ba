from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onread.errors import ValidationError
from onread.protocol.form import read_form
from onread.protocol.model import load_services
from onread.protocol.parse import parse_body

_SERVICES = load_services()


def _create_user(form: str) -> Any:
    return parse_body(_SERVICES.operation("iam", "CreateUser"), f"Action=CreateUser&{form}".encode())


def test_lists_of_structures_are_folded() -> None:
    form = "UserName=a&Tags.member.2.Key=k2&Tags.member.2.Value=&Tags.member.1.Key=k1&Tags.member.1.Value=v+1"
    assert _create_user(form) == {
        "UserName": "a",
        "Tags": [{"Key": "k1", "Value": "v 1"}, {"Key": "k2", "Value": ""}],
    }


def test_an_empty_list_is_an_empty_field() -> None:
    assert _create_user("UserName=a&Tags=") == {"UserName": "a", "Tags": []}


def test_a_policy_document_comes_as_it_was_written() -> None:
    form = b"Action=PutUserPolicy&UserName=a&PolicyName=p&PolicyDocument=%7B%22a%22%3A+1%7D"
    assert parse_body(_SERVICES.operation("iam", "PutUserPolicy"), form)["PolicyDocument"] == '{"a": 1}'


@pytest.mark.parametrize(
    "form",
    [
        "Path=/",
        "UserName.member.1=a",
        "UserName=a&UserName=b",
        "UserName=%ff",
        "UserName=a&Tags.member.x.Key=k",
        "UserName=a&Tags.member.1.Key=k",
        "UserName=a&" + ".".join("a" * 40) + "=1",
        "&".join(f"a{n}=1" for n in range(1_001)),
    ],
)
def test_a_form_that_is_not_what_the_model_asks_for_is_refused(form: str) -> None:
    with pytest.raises(ValidationError):
        _create_user(form)


def test_numbers_are_read_and_checked() -> None:
    operation = _SERVICES.operation("iam", "ListUsers")
    assert parse_body(operation, b"Action=ListUsers&MaxItems=5") == {"MaxItems": 5}
    with pytest.raises(ValidationError):
        parse_body(operation, b"Action=ListUsers&MaxItems=-5")


@given(st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=8), max_size=5))
def test_what_a_form_says_is_what_was_written(fields: dict[str, str]) -> None:
    try:
        form = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in fields.items())
    except UnicodeEncodeError:
        return
    assert read_form(form.encode()) == fields
