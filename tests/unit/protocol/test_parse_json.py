import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.processor import least_seconds

from onread.errors import InvalidParameterValueException, InvalidRequestContentException
from onread.protocol.model import load_services
from onread.protocol.parse import parse_body
from onread.protocol.parse_json import parse_json

_SERVICES = load_services()
# A tenth of a second on an idle machine; a busy one and a coverage run are slower.
_SOON_SECONDS = 0.3 if sys.gettrace() is None else 3


def _configure(content: str | bytes) -> Any:
    operation = _SERVICES.operation("lambda", "UpdateFunctionConfiguration")
    return parse_body(operation, content if isinstance(content, bytes) else content.encode())


def test_members_are_typed_and_unknown_ones_ignored() -> None:
    parsed = _configure('{"Timeout": 3, "Environment": {"Variables": {"A": "1"}}, "New": [{}], "Role": null}')
    assert parsed == {"Timeout": 3, "Environment": {"Variables": {"A": "1"}}}


def test_a_body_that_is_not_sent_has_no_members() -> None:
    assert _configure(b"") == {}


def test_a_zip_file_comes_as_base64() -> None:
    operation = _SERVICES.operation("lambda", "UpdateFunctionCode")
    assert parse_body(operation, b'{"ZipFile": "UEs="}') == {"ZipFile": b"PK"}
    for wrong in (b'{"ZipFile": "UEs"}', b'{"ZipFile": "U E s ="}', b'{"ZipFile": 1}'):
        with pytest.raises(InvalidParameterValueException, match="ZipFile"):
            parse_body(operation, wrong)


@pytest.mark.parametrize("written", ["1893456000", "1893456000.0", '"2030-01-01T00:00:00Z"'])
def test_a_date_is_seconds_or_iso_8601(written: str) -> None:
    shape = _SERVICES.operation("onread", "GetFunctionLogs").output
    parsed = parse_json(shape, f'{{"Events": [{{"Timestamp": {written}}}]}}'.encode())
    assert parsed == {"Events": [{"Timestamp": datetime(2030, 1, 1, tzinfo=UTC)}]}


@pytest.mark.parametrize("written", ["1e300", "true", '"tomorrow"', "[]"])
def test_what_is_no_date_is_refused(written: str) -> None:
    shape = _SERVICES.operation("onread", "GetFunctionLogs").output
    with pytest.raises(InvalidParameterValueException, match="Timestamp"):
        parse_json(shape, f'{{"Events": [{{"Timestamp": {written}}}]}}'.encode())


def test_a_boolean_is_true_or_false() -> None:
    operation = _SERVICES.operation("lambda", "UpdateFunctionCode")
    assert parse_body(operation, b'{"DryRun": false}') == {"DryRun": False}
    with pytest.raises(InvalidParameterValueException, match="DryRun"):
        parse_body(operation, b'{"DryRun": "false"}')


def test_the_payload_of_invoke_is_whatever_was_sent() -> None:
    assert parse_body(_SERVICES.operation("lambda", "Invoke"), b"{not json") == {"Payload": b"{not json"}


def test_a_missing_member_is_named() -> None:
    with pytest.raises(InvalidParameterValueException, match="'Role'"):
        parse_body(_SERVICES.operation("lambda", "CreateFunction"), b'{"FunctionName": "f", "Code": {}}')


@pytest.mark.parametrize(
    "document",
    [
        '{"Timeout": "3"}',
        '{"Timeout": 3.5}',
        '{"Timeout": true}',
        '{"Timeout": 2147483648}',
        '{"Timeout": 99999999999999999999999999}',
        '{"Handler": 1}',
        '{"SnapStart": 1}',
        '{"Environment": []}',
        '{"Environment": {"Variables": {"A": 1}}}',
        '{"Layers": {"a": 1}}',
    ],
)
def test_a_member_of_another_type_is_refused(document: str) -> None:
    with pytest.raises(InvalidParameterValueException):
        _configure(document)


_HOSTILE = {
    "100,000 arrays deep": "[" * 100_000,
    "1,000 arrays deep": '{"a":' + "[" * 1_000 + "]" * 1_000 + "}",
    "65 deep": '{"a":' * 65 + "1" + "}" * 65,
    "a name twice": '{"Timeout": 1, "Timeout": 2}',
    "a name twice, deep": '{"a": [{"b": {"c": 1, "c": 2}}]}',
    "a name twice, escaped": '{"Timeout": 1, "\\u0054imeout": 2}',
    "an integer of a million digits": '{"Timeout": ' + "9" * 1_000_000 + "}",
    "NaN": '{"Timeout": NaN}',
    "Infinity": '{"Timeout": -Infinity}',
    "a lone surrogate": '{"Handler": "\\ud800"}',
    "a byte order mark": "\ufeff{}",
    "an array": "[]",
    "a number": "1",
    "half": '{"Timeout": ',
    "two documents": "{}{}",
    "a comment": "{} // x",
}


@pytest.mark.parametrize("name", _HOSTILE)
def test_T251_hostile_json_is_refused_soon(name: str) -> None:
    content = _HOSTILE[name].encode()

    def is_refused() -> None:
        with pytest.raises((InvalidRequestContentException, InvalidParameterValueException)):
            _configure(content)

    assert least_seconds(is_refused) < _SOON_SECONDS


@pytest.mark.parametrize(
    "content", [b'{"Handler": "\xff"}', b'{"Handler": "\xed\xa0\x80"}', '{"a": 1}'.encode("utf-16")]
)
def test_T251_bytes_that_are_not_utf8_are_refused(content: bytes) -> None:
    with pytest.raises(InvalidRequestContentException):
        _configure(content)


def test_T251_sixty_four_levels_are_read() -> None:
    assert _configure('{"a":' * 64 + "1" + "}" * 64) == {}
