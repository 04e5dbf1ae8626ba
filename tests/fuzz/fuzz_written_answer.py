"""R-066: what a function's headers make of its caller's head: no control byte, no header of its choice."""

import re

from tests.fuzz.harness import Target
from tests.fuzz.refusals import check_refusal

from onread.errors import ServiceError
from onread.objectlambda.answer import answer
from onread.objectlambda.rendezvous import Delivery
from onread.objectlambda.response import ALLOWED_STATUSES, forwarded_members, read_response
from onread.protocol.model import load_services
from onread.protocol.parse import parse_head
from onread.protocol.route import Routed
from onread.protocol.serialize import serialize
from onread.server.head import render_head
from onread.wire.message import BytesBody, Headers

SERVICES = load_services()
WRITE = SERVICES.operation("s3", "WriteGetObjectResponse")
GET = SERVICES.operation("s3", "GetObject")
FORWARDED = forwarded_members(SERVICES)
ROUTE = [("x-amz-request-route", "r"), ("x-amz-request-token", "t")]
_HEAD = re.compile(
    rb"HTTP/1\.1 [2-5][0-9]{2} [A-Za-z -]*\r\n"
    rb"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+: [\t\x20-\x7e\x80-\xff]*\r\n)*\r\n"
)
ANSWERABLE = frozenset(
    member.wire_name.lower() for member in GET.output.members.values() if member.location == "header"
) - {"content-length"}
assert not ANSWERABLE & {"set-cookie", "location", "host", "server", "connection", "transfer-encoding"}


def check(content: bytes) -> None:
    """The input is header lines, divided by the byte 0xFE; then the body behind 0xFD."""
    text, _, body = content.decode("latin-1").partition("\xfd")
    lines = [line.partition(":")[::2] for line in text.split("\xfe") if line]
    try:
        params = parse_head(Routed(WRITE), query="", headers=Headers([*ROUTE, *lines]))
        response = read_response(params, forwarded=FORWARDED, body_is_empty=not body)
        delivery = Delivery(response=response, body=BytesBody(body.encode("latin-1")))
        output, _ = answer(delivery, verify=False)
    except ServiceError as error:
        if getattr(error, "status", 0) < 500:
            check_refusal(error)
        return
    told = serialize(GET, output)
    assert told.status in ALLOWED_STATUSES
    names = {name.lower() for name, _ in told.headers if name.lower() != "content-length"}
    assert all(name in ANSWERABLE or name.startswith("x-amz-meta-") for name in names), names
    assert _HEAD.fullmatch(render_head(told.status, told.headers, ""))


def _lines(*lines: str) -> bytes:
    return "\xfe".join(lines).encode("latin-1")


TARGET = Target(
    case="R-066",
    check=check,
    seeds=[
        _lines("x-amz-fwd-status:200", "x-amz-fwd-header-Content-Type:text/plain", "x-amz-meta-a:b")
        + b"\xfdabc",
        _lines(
            "x-amz-fwd-status:404", "x-amz-fwd-error-code:NoSuchKey", "x-amz-fwd-error-message:It is gone"
        ),
        _lines("x-amz-fwd-status:304", 'x-amz-fwd-header-ETag:"a"'),
        _lines("x-amz-fwd-header-Content-Range:bytes 0-1/2", "x-amz-fwd-status:206") + b"\xfdab",
        _lines("x-amz-fwd-header-Last-Modified:Tue, 01 Jan 2030 00:00:00 GMT", "x-amz-fwd-header-Expires:x"),
        _lines("x-amz-fwd-header-x-amz-checksum-crc32:AAAAAA==", "x-amz-fwd-header-accept-ranges:bytes"),
        _lines("x-amz-fwd-header-x-amz-object-lock-retain-until-date:2030-01-01T00:00:00Z"),
        _lines("x-amz-fwd-header-x-amz-tagging-count:3", "x-amz-fwd-header-x-amz-mp-parts-count:4"),
        *(
            _lines(f"x-amz-fwd-header-{member.wire_name.removeprefix('x-amz-fwd-header-')}:1")
            for member in WRITE.input.members.values()
            if member.location == "header"
        ),
    ],
    words=[
        *(
            b"\xfex-amz-meta-",
            b"\xfex-amz-fwd-header-",
            b"\xfex-amz-fwd-status:",
            b"\r\nSet-Cookie: a=b",
            b"\r",
            b"\n",
            b"\0",
            b"\x7f",
            b"\x85",
        ),
        *(
            b"Location",
            b"Transfer-Encoding",
            b"Connection",
            b"Content-Length",
            b"\xfex-amz-fwd-error-code:",
            b"\xfex-amz-fwd-error-message:",
        ),
        *(b"]]><script>", b"&xxe;", b"101", b"999", b"2e2", b"\xc3\xa9", b"\xe2\x80\xa8", b"\xed\xa0\x80"),
    ],
    rounds=8000,
)
