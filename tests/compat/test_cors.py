"""What browsers of other origins are told: at a bucket, an access point and an Object Lambda access point."""

import pytest
from tests.compat.callers import credentials, fetch, presign, signed
from tests.compat.policy_documents import make_place
from tests.compat.wire import refused

pytestmark = [pytest.mark.compat, pytest.mark.slow]
SITE = "https://site.example.com"
RULES = [
    {
        "AllowedOrigins": [SITE, "https://*.wide.example"],
        "AllowedMethods": ["GET", "PUT"],
        "AllowedHeaders": ["x-amz-*", "content-type"],
        "ExposeHeaders": ["ETag", "x-amz-request-id"],
        "MaxAgeSeconds": 600,
    },
    {"AllowedOrigins": ["*"], "AllowedMethods": ["HEAD"]},
]
VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"


@pytest.fixture(scope="module")
def place(world):
    made = make_place(world)
    world.client("s3").put_bucket_cors(Bucket=made.bucket, CORSConfiguration={"CORSRules": RULES})
    return made


@pytest.fixture(params=["bucket", "point", "alias"])
def door(request, place):
    return getattr(place, request.param)


def ask(world, name, *, origin=SITE, method="PUT", wanted=None, key="k"):
    headers = {"Origin": origin, "Access-Control-Request-Method": method}
    if wanted is not None:
        headers["Access-Control-Request-Headers"] = wanted
    headers = {name: value for name, value in headers.items() if value is not None}
    return fetch(f"{world.endpoint}/{name}/{key}?X-Amz-Signature=any", method="OPTIONS", headers=headers)


def test_a_preflight_is_answered_by_the_buckets_rules(world, door):
    answer = ask(world, door, wanted="X-Amz-Date, content-type")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == SITE
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, PUT"
    assert answer.headers["Access-Control-Allow-Headers"] == "x-amz-date, content-type"
    assert answer.headers["Access-Control-Expose-Headers"] == "ETag, x-amz-request-id"
    assert answer.headers["Access-Control-Max-Age"] == "600"
    assert answer.headers["Vary"] == VARY
    for wrong in ({"origin": "https://evil.example"}, {"method": "DELETE"}, {"wanted": "authorization"}):
        answer = ask(world, door, **wrong)
        assert (answer.status, answer.code) == (403, "AccessForbidden")
        assert answer.element("Message").startswith("CORSResponse: This CORS request is not allowed.")
        assert answer.element("ResourceType") == "OBJECT"
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_preflight_that_says_too_little(world, place):
    for wrong, message in (
        ({"origin": None}, "Insufficient information. Origin request header needed."),
        ({"origin": "https://a b"}, "Insufficient information. Origin request header needed."),
        ({"method": None}, "Invalid Access-Control-Request-Method: null"),
        ({"method": "PATCH"}, "Invalid Access-Control-Request-Method: PATCH"),
    ):
        answer = ask(world, place.bucket, **wrong)
        assert (answer.status, answer.code, answer.element("Message")) == (400, "BadRequest", message)
    assert ask(world, place.bucket, wanted="x-amz-date;").code == "AccessForbidden"
    assert ask(world, place.bucket, wanted=",".join(["x-amz-a"] * 101)).code == "AccessForbidden"


def test_where_no_rules_are_nothing_is_allowed(world):
    for name in (world.bucket(), "nowhere-at-all", "nothing.olap"):
        answer = ask(world, name)
        assert (answer.status, answer.code) == (403, "AccessForbidden")
        assert answer.element("Message") == "CORSResponse: CORS is not enabled for this bucket."
    url, headers = signed(world, world.bucket(), "k")
    answer = fetch(url, headers={**headers, "Origin": SITE})
    assert not {"vary", "access-control-allow-origin"} & {name.lower() for name in answer.headers}


def test_answers_and_refusals_may_be_read_by_who_may_ask(world, door):
    url, headers = signed(world, door, "k")
    for extra, status in (({}, 200), ({"Authorization": "none"}, 400)):
        answer = fetch(url, headers={**headers, "Origin": SITE, **extra})
        assert answer.status == status
        assert answer.headers["Access-Control-Allow-Origin"] == SITE
        assert answer.headers["Access-Control-Expose-Headers"] == "ETag, x-amz-request-id"
        assert answer.headers["Vary"] == VARY
    for origin in (None, "https://evil.example"):
        answer = fetch(url, headers={**headers, **({"Origin": origin} if origin else {})})
        assert answer.status == 200
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert answer.headers["Vary"] == VARY


def test_T279_no_origin_is_reflected_with_credentials_unless_it_is_named(world, place):
    answer = ask(world, place.bucket, origin="https://a.wide.example", method="GET")
    assert answer.headers["Access-Control-Allow-Origin"] == "https://a.wide.example"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    answer = ask(world, place.bucket, origin="https://evil.example", method="HEAD")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert ask(world, place.bucket, origin="null", method="GET").code == "AccessForbidden"
    assert (
        ask(world, place.bucket, origin="null", method="HEAD").headers["Access-Control-Allow-Origin"] == "*"
    )


def test_T060_no_rule_can_split_a_header(world, place):
    s3 = world.client("s3")
    for element in ("AllowedOrigins", "AllowedHeaders", "ExposeHeaders"):
        rule = {**RULES[1], element: ["a\r\nSet-Cookie: b=c"]}
        wrong = {"CORSRules": [rule]}
        code, status = refused(s3.put_bucket_cors, Bucket=place.bucket, CORSConfiguration=wrong)
        assert (code, status) in {("InvalidRequest", 400), ("MalformedXML", 400)}


def test_a_presigned_put_of_a_browser(world, place):
    """What a page does: it asks, then sends to the URL that its server has signed."""
    assert ask(world, place.bucket, wanted="content-type", key="from-page").status == 200
    url = presign(world, place.bucket, "from-page", keys=credentials(world), method="PUT")
    answer = fetch(url, method="PUT", headers={"Origin": SITE, "Content-Type": "text/plain"})
    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Origin"] == SITE
    assert world.client("s3").head_object(Bucket=place.bucket, Key="from-page")["ContentType"] == "text/plain"
