import re

import pytest

from onread import errors
from onread.errors import IamError, LambdaError, S3Error, ServiceError

_FAMILIES = (ServiceError, S3Error, LambdaError, IamError)
_ERRORS = [
    found
    for found in vars(errors).values()
    if isinstance(found, type) and issubclass(found, ServiceError) and found not in _FAMILIES
]


@pytest.mark.parametrize("error", _ERRORS, ids=lambda error: error.__name__)
def test_each_error_is_one_class_named_as_its_code(error: type[ServiceError]) -> None:
    assert error.code == error.__name__
    assert error.__bases__[0] in _FAMILIES[1:]


@pytest.mark.parametrize("error", _ERRORS, ids=lambda error: error.__name__)
def test_each_error_has_a_status_and_says_something(error: type[ServiceError]) -> None:
    assert error.status == 304 or 400 <= error.status < 600
    assert re.fullmatch(r"[ -~]+", error.message)
    assert error().text == error.message


def test_no_code_is_given_twice() -> None:
    codes = [error.code for error in _ERRORS]
    assert len(codes) == len(set(codes))


def test_an_error_carries_its_message_its_fields_and_when_to_come_back() -> None:
    error = errors.SlowDown("Later.", retry_after_seconds=2, Key="k")
    assert (error.text, str(error), error.retry_after_seconds, error.fields) == (
        "Later.",
        "Later.",
        2,
        {"Key": "k"},
    )
