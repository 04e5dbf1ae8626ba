"""T-060: every header that can leave, with every kind of text in it: one line each, or no answer at all.

One function writes heads. What feeds it is tried here: the members of every operation's output, every
error in the words of every service, and what the server answers by itself.
"""

import inspect
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import onread
from onread import errors
from onread.errors import ServiceError
from onread.objectlambda.response import FunctionReportedError
from onread.protocol.error_document import render_error
from onread.protocol.model import load_services
from onread.protocol.operations import SERVED
from onread.protocol.serialize import serialize
from onread.server.head import UnsafeHead, given_length, render_head
from onread.server.refusal import Refusal, service_error_response
from onread.wire.output import Output

SERVICES = load_services()
OPERATIONS = [
    SERVICES.operation(service, name) for service, names in sorted(SERVED.items()) for name in sorted(names)
]
TEXT_HEADERS = [
    (operation, member)
    for operation in OPERATIONS
    if operation.output is not None
    for member in operation.output.members.values()
    if member.location in ("header", "headers") and member.shape.kind in ("string", "map")
]
ERRORS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, ServiceError)]
HOSTILE = st.text(
    st.one_of(
        st.sampled_from("\r\n\0\t \v\f\x1b\x7f\x85:é€\u2028"), st.characters(exclude_categories=["Cs"])
    ),
    max_size=10,
)
FRAMING = "Content-Length: 0\r\n"
WRITTEN_BY_THE_SERVER = {"connection", "content-length", "date", "keep-alive", "transfer-encoding"}
_LINE = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+: [\t\x20-\x7e\x80-\xff]*")


def check(status: int, headers: list[tuple[str, str]]) -> None:
    """The head has one line for each header, or it is not written."""
    try:
        head = render_head(status, headers, FRAMING)
    except UnsafeHead:
        return
    assert head.endswith(b"\r\n\r\n")
    start, *lines, framing = head[:-4].split(b"\r\n")
    assert re.fullmatch(rb"HTTP/1\.1 [2-5][0-9]{2} [A-Za-z' -]*", start)
    assert framing == FRAMING.strip().encode()
    given = [(name, value) for name, value in headers if name.lower() not in WRITTEN_BY_THE_SERVER]
    assert lines == [f"{name}: {value}".encode("latin-1") for name, value in given]
    assert all(_LINE.fullmatch(line) for line in lines)


@given(st.sampled_from(TEXT_HEADERS), HOSTILE, HOSTILE)
def test_T060_no_member_of_an_output_makes_a_second_line(header, text, name):
    operation, member = header
    value = {name: text, "a": text} if member.shape.kind == "map" else text
    answer = serialize(operation, Output(members={member.name: value}, extra_headers=[("x-extra", text)]))
    check(answer.status, answer.headers)


@given(st.sampled_from(ERRORS), st.sampled_from(sorted(SERVED)), HOSTILE, st.booleans())
def test_T060_no_error_makes_a_second_line(kind, service, text, head):
    error = kind(text, ETag=text, LastModified=text, BucketName=text)
    answer = render_error(error, service=service, request_id="R", host_id="H", resource=f"/{text}", head=head)
    check(answer.status, answer.headers)


@given(HOSTILE, st.sampled_from(sorted(SERVED)), HOSTILE)
def test_T060_no_error_of_a_function_makes_a_second_line(code, service, message):
    error = FunctionReportedError(code, 404, message)
    answer = render_error(error, service=service, request_id="R", host_id="H", resource="", head=False)
    check(answer.status, answer.headers)


@given(HOSTILE, st.integers(0, 1000), HOSTILE)
def test_T060_the_server_s_own_answers_have_one_line_a_header(code, status, message):
    for answer in (Refusal(status, code, message).response(), service_error_response(ServiceError(message))):
        check(answer.status, answer.headers)


@given(HOSTILE, HOSTILE)
def test_T060_a_length_that_a_handler_gives_is_a_number_or_nothing(name, value):
    length = given_length([(name, "7"), ("Content-Length", value)])
    assert length is None or value == str(length) or value.lstrip("0") in (str(length), "")


@pytest.mark.parametrize("value", ["a\r\nX-B: c", "a\nb", "a\rb", "a\0b", "a\x7fb", "€"])
def test_T060_an_unsafe_value_is_not_written(value):
    with pytest.raises(UnsafeHead):
        render_head(200, [("X-A", value)], FRAMING)


def test_T060_one_place_writes_heads():
    root = Path(onread.__file__).parent
    writers = {
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        if re.search(r"f?b?\"HTTP/1\.[01] [{0-9]", path.read_text(encoding="utf-8"))
    }
    # The other one is `100 Continue`, a constant.
    assert writers == {"server/head.py", "server/connection.py"}
