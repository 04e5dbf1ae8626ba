"""R-065: host and path to a place, and the operation there: one answer or a refusal, whatever they hold."""

from tests.fuzz.harness import Draw, Target
from tests.fuzz.refusals import check_refusal

from onread.addressing.address import BucketAddress, DataAddress, Located, ServiceAddress
from onread.addressing.arn import parse_access_point_arn, parse_arn, parse_function_reference
from onread.addressing.copy_source import parse_copy_source
from onread.addressing.locate import locate
from onread.addressing.names import validate_access_point_name, validate_bucket_name
from onread.errors import ServiceError
from onread.protocol.model import load_services
from onread.protocol.parse import parse_head
from onread.protocol.route import route
from onread.wire.message import Headers

SERVICES = load_services()
DOMAINS = ("localhost", "s3.example.com", "example.com")
METHODS = ("GET", "PUT", "POST", "HEAD", "DELETE", "OPTIONS")
CLAIMS = (None, "s3", "s3-object-lambda", "lambda", "iam", "sts", "onread", "x")
ACCOUNTS = (None, "000000000000", "1", "")
LINES = (
    *(
        ("x-amz-copy-source", "/b/k"),
        ("Range", "bytes=0-1"),
        ("x-amz-meta-a", "b"),
        ("x-amz-request-route", "r"),
    ),
    *(("x-amz-tagging", "a=b"), ("If-Match", '"a"'), ("x-amz-expected-bucket-owner", "000000000000")),
)


def check(content: bytes) -> None:
    draw = Draw(content)
    method, claim, account = draw.pick(METHODS), draw.pick(CLAIMS), draw.pick(ACCOUNTS)
    headers = Headers(LINES[: draw.below(len(LINES) + 1)])
    host, _, target = draw.rest().decode("latin-1").partition(" ")
    path, _, query = target.partition("?")
    _check_names(path)
    located = _locate(method, host, path, claim, account)
    if located is None:
        return
    assert path.endswith(located.path) or located.path == "/"
    if isinstance(located.address, BucketAddress):
        assert "/" not in located.address.name
    assert located == _locate(method, host.upper(), path, claim, account), "letter case of the host"
    _check_route(located, method, query, headers)


def _locate(method: str, host: str, path: str, claim: str | None, account: str | None) -> Located | None:
    try:
        return locate(
            method=method,
            host=host,
            path=path,
            claimed_service=claim,
            has_route_header=True,
            account_header=account,
            domains=DOMAINS,
        )
    except ServiceError as error:
        check_refusal(error)
        return None


def _check_route(located: Located, method: str, query: str, headers: Headers) -> None:
    address = located.address
    service = address.service if isinstance(address, ServiceAddress) else "s3"
    if not isinstance(address, DataAddress | ServiceAddress):
        service = "s3control"
    try:
        routed = route(
            *(SERVICES, service),
            method=method,
            path=located.path,
            query=query,
            headers=headers,
            bucket=isinstance(address, DataAddress),
            form=query.encode("latin-1"),
        )
        params = parse_head(routed, query=query, headers=headers)
    except ServiceError as error:
        check_refusal(error, service)
        return
    assert len(str(params.get("Key", "")).encode("utf-8", "surrogatepass")) <= 1024
    str(params).encode("utf-8")  # no half characters


def _check_names(text: str) -> None:
    for read in (
        *(parse_arn, parse_access_point_arn, parse_function_reference, parse_copy_source),
        *(validate_bucket_name, validate_access_point_name),
    ):
        try:
            read(text)
        except ServiceError as error:
            check_refusal(error, "s3")


def _seed(method: int, claim: int, account: int, lines: int, text: bytes) -> bytes:
    return bytes([method, claim, account, lines]) + text


ARN = b"arn:aws:s3-object-lambda:us-east-1:000000000000:accesspoint/o"

TARGET = Target(
    case="R-065",
    check=check,
    seeds=[
        _seed(0, 1, 0, 0, b"localhost:9000 /bucket/key?versionId=1&x-id=GetObject"),
        _seed(1, 1, 0, 3, b"bucket.example.com. /key%20a/%C3%A9?tagging"),
        _seed(0, 2, 0, 2, b"ap-000000000000.s3-object-lambda.us-east-1.amazonaws.com /key?partNumber=1"),
        _seed(2, 2, 0, 4, b"route.localhost /WriteGetObjectResponse"),
        _seed(1, 1, 1, 0, b"000000000000.s3-control.us-east-1.amazonaws.com /v20180820/accesspoint/a"),
        _seed(0, 1, 1, 0, b"127.0.0.1 /v20180820/accesspointforobjectlambda/a/configuration"),
        _seed(2, 3, 0, 0, b"[::1]:80 /2015-03-31/functions/f/invocations?Qualifier=1"),
        _seed(2, 4, 0, 0, b"h /?Action=CreateUser&Version=2010-05-08&UserName=a"),
        _seed(0, 0, 0, 0, b"example.com /" + ARN.replace(b"/", b"%2F") + b"/key"),
        _seed(4, 1, 0, 0, b"x--ol-s3.example.com /a?uploadId=1&acl"),
        _seed(2, 1, 0, 0, b" /bucket?delete"),
        _seed(0, 1, 0, 0, b"h /b?list-type=2&prefix=%ff&max-keys=1000&delimiter="),
        _seed(2, 6, 0, 0, b"h /2026-11-01/traces"),
    ],
    words=[
        *(
            b"--ol-s3",
            b"-s3alias",
            b".olap",
            b"-000000000000",
            b".s3.amazonaws.com",
            b"%2F",
            b"%2e%2e",
            b"%00",
            b"%c0%af",
            b"//",
        ),
        *(
            ARN,
            b"accesspoint:",
            b"?acl",
            b"&policy",
            b"&uploads",
            b"&partNumber=1",
            b"@",
            b":80",
            b"[::1%25lo]",
            b"xn--",
            b"%ED%A0%80",
            b"+",
        ),
    ],
    rounds=5000,
)
