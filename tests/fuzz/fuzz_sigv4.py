"""R-061: signatures. What botocore signs verifies, one changed character does not, and noise is refused."""

from urllib.parse import quote

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from tests.fuzz.harness import Draw, Target
from tests.fuzz.refusals import check_refusal
from tests.unit.sigv4.signed_requests import EMPTY, HOST, SECRET, by_botocore, received, with_headers

from onread.errors import ServiceError
from onread.sigv4.verify import read_signature, verify
from onread.wire.message import Request

METHODS = ("GET", "PUT", "HEAD", "POST", "DELETE")
NAMES = (
    "x-amz-meta-a",
    "x-amz-date",
    "Range",
    "Content-Type",
    "If-Match",
    "x-amz-copy-source",
    "x-amz-content-sha256",
)
# (signer, service, further arguments)
SIGNERS = ((S3SigV4Auth, "s3", {}), (S3SigV4QueryAuth, "s3", {"expires": 60}), (SigV4Auth, "lambda", {}))


def check(content: bytes) -> None:
    draw = Draw(content)
    if draw.below(2):
        _check_noise(draw)
    else:
        _check_against_botocore(draw)


def _is_true(request: Request) -> bool:
    try:
        claim = read_signature(request)
        if claim is None:
            return False
        # A gateway gives the hash of a body only where the request says nothing of it.
        verify(claim, request, SECRET, body_hash=EMPTY if claim.payload_hash is None else None)
    except ServiceError as error:
        check_refusal(error)
        return False
    return True


def _check_against_botocore(draw: Draw) -> None:
    signer, service, more = draw.pick(SIGNERS)
    method = draw.pick(METHODS)
    path = "/b/" + quote(draw.take(20), safe=draw.pick(("/~", "/", "")))
    query = "&".join(f"{quote(draw.take(6))}={quote(draw.take(8), safe='~')}" for _ in range(draw.below(4)))
    headers = {f"x-amz-meta-{number}": _value(draw) for number in range(draw.below(4))}
    url = f"http://{HOST}{path}" + (f"?{query}" if query else "")
    request = by_botocore(signer, method, url, headers, service=service, **more)
    assert _is_true(request), (method, url, headers, request.target)
    for changed in _changed(request, draw, as_s3=service == "s3"):
        assert not _is_true(changed), (changed.method, changed.target)


def _value(draw: Draw) -> str:
    return "".join(chr(32 + draw.byte() % 95) for _ in range(draw.below(12)))


def _changed(request: Request, draw: Draw, *, as_s3: bool) -> list[Request]:
    """Requests that differ in what every signature covers (but for S3 the path is normalised first)."""
    method, target, headers = request.method, request.target, list(request.headers)
    mark = "&" if "?" in target else "?"
    other_path = (
        [received(method, target.replace("/b/", "/c/", 1), headers, host=request.host)] if as_s3 else []
    )
    return [
        *other_path,
        received("PATCH", target, headers, host=request.host),
        received(method, f"{target}{mark}zz={draw.byte()}", headers, host=request.host),
        received(method, target, headers, host="other"),
        with_headers(request, ("x-amz-zz", "1")),
    ]


def _check_noise(draw: Draw) -> None:
    scope = "AKID/20260102/us-east-1/s3/aws4_request"
    start = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={'a1' * 32}"
    authorization = draw.pick(("", start, draw.text(60), start[: draw.below(120)] + draw.text(60)))
    headers = [("Host", HOST), ("x-amz-date", draw.pick(("20260102T030405Z", draw.text(20))))]
    if authorization:
        headers.append(("Authorization", authorization))
    headers += [(draw.pick(NAMES), draw.text(40)) for _ in range(draw.below(4))]
    presigned = f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={quote(scope, safe='')}"
    presigned += "&X-Amz-Date=20260102T030405Z"
    presigned += f"&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature={'a1' * 32}"
    query = draw.pick(("", presigned, draw.text(60), presigned[: draw.below(250)] + draw.text(60)))
    path = "/" + draw.text(30)
    assert not _is_true(received(draw.pick(METHODS), f"{path}?{query}", headers))


TARGET = Target(
    case="R-061",
    check=check,
    seeds=[
        bytes(40),
        bytes([0, 0, 1, 5]) + b"a b/c" + bytes([1, 2, 1, 97, 2, 98, 99, 1, 100, 0]) + bytes(range(30, 90)),
        bytes([0, 1, 0, 6, 0xC3, 0xA9, 0x2F, 0x2E, 0x2E, 0x7E, 0, 1, 1, 43, 2, 43, 32]) + bytes(range(60)),
        bytes([0, 2, 3, 8]) + b"//a/../b" + bytes([1, 0, 2, 20]) + b"  two  spaces here  ",
        bytes([1, 1, 0]) + b"x" * 60,
        bytes([1, 3, 90, 10]) + b"Signature=" + bytes(40),
        bytes([1, 0, 0, 0, 0, 1]) + bytes(30),
    ],
    words=[
        b"AWS4-HMAC-SHA256 ",
        b"Credential=",
        b"SignedHeaders=",
        b"Signature=",
        b"X-Amz-",
        b"%2F",
        b"host;",
        b"STREAMING-",
    ],
    rounds=1500,
)
