import pytest
from hypothesis import given
from hypothesis import strategies as st

from onread.addressing.address import (
    AccessPointAddress,
    AliasAddress,
    BucketAddress,
    ControlAddress,
    Located,
    ObjectLambdaAccessPointAddress,
    ServiceAddress,
    WriteAddress,
)
from onread.addressing.locate import locate
from onread.errors import (
    InvalidArgument,
    InvalidBucketName,
    InvalidHostHeader,
    InvalidRequest,
    InvalidURI,
    S3Error,
)

ACCOUNT = "111122223333"
OLAP = ObjectLambdaAccessPointAddress("my-olap", ACCOUNT)
ALIAS = "my-olap-1a4n8yjrb3kda96f67zwrwiiuse1a--ol-s3"


def at(host="127.0.0.1:9000", path="/", *, method="GET", service="s3", has_route=False, account=None):
    return locate(
        method=method,
        host=host,
        path=path,
        claimed_service=service,
        has_route_header=has_route,
        account_header=account,
        domains=("localhost",),
    )


def write(host, **changes):
    arguments = {"method": "POST", "service": "s3-object-lambda", "has_route": True} | changes
    return at(host, "/WriteGetObjectResponse", **arguments)


# 1. A host below a domain


def test_twelve_digits_below_a_domain_are_an_account():
    assert at(f"{ACCOUNT}.localhost:9000", "/v20180820/accesspoint/a") == Located(
        ControlAddress(ACCOUNT), "/v20180820/accesspoint/a"
    )


def test_name_and_account_below_a_domain_are_told_apart_by_the_claimed_service():
    host = f"my-olap-{ACCOUNT}.localhost"
    assert at(host, "/dir/k%20y", service="s3-object-lambda") == Located(OLAP, "/dir/k%20y")
    assert at(host, "/k", service="s3").address == AccessPointAddress("my-olap", ACCOUNT)
    assert at(host, "/k", service=None).address == AccessPointAddress("my-olap", ACCOUNT)


def test_an_access_point_may_itself_end_in_an_account():
    assert at(f"a-{ACCOUNT}-{ACCOUNT}.localhost", "/k").address == AccessPointAddress(f"a-{ACCOUNT}", ACCOUNT)


@pytest.mark.parametrize("alias", [ALIAS, "my-ap-hrzr-s3alias", "my-olap.olap"])
def test_an_alias_below_a_domain_is_an_alias(alias):
    assert at(f"{alias}.localhost", "/k") == Located(AliasAddress(alias), "/k")


def test_anything_else_below_a_domain_is_a_bucket():
    assert at("my.bucket.localhost", "/k") == Located(BucketAddress("my.bucket"), "/k")
    assert at(f"a.b-{ACCOUNT}.localhost", "/k").address == BucketAddress(f"a.b-{ACCOUNT}")


def test_T048_with_a_bucket_in_the_host_the_path_is_a_key_alone():
    assert at("one.localhost", "/two/key") == Located(BucketAddress("one"), "/two/key")


def test_a_host_below_a_domain_comes_before_the_claimed_service():
    for service in ("lambda", "iam", "sts", "onread"):
        assert at("bucket.localhost", "/", service=service).address == BucketAddress("bucket")


@pytest.mark.parametrize(
    ("host", "address"),
    [
        (f"my-olap-{ACCOUNT}.s3-object-lambda.us-east-1.amazonaws.com", OLAP),
        (f"my-ap-{ACCOUNT}.s3-accesspoint.us-east-1.amazonaws.com", AccessPointAddress("my-ap", ACCOUNT)),
        (f"{ALIAS}.s3.us-east-1.amazonaws.com", AliasAddress(ALIAS)),
        ("bucket.s3.us-east-1.amazonaws.com", BucketAddress("bucket")),
        (f"{ACCOUNT}.s3-control.us-east-1.amazonaws.com", ControlAddress(ACCOUNT)),
        ("s3-control.us-east-1.amazonaws.com", ControlAddress(None)),
        ("s3.us-east-1.amazonaws.com", ServiceAddress("s3")),
    ],
)
def test_the_host_names_of_aws_name_what_they_name_there(host, address):
    for service in ("s3", None):
        assert at(host, "/", service=service).address == address


@pytest.mark.parametrize(
    "host",
    [
        "bucket.s3-object-lambda.us-east-1.amazonaws.com",
        "bucket.s3-accesspoint.us-east-1.amazonaws.com",
        f"{ACCOUNT}.s3-accesspoint.us-east-1.amazonaws.com",
        f"{ALIAS}.s3-object-lambda.us-east-1.amazonaws.com",
        "bucket.s3-control.us-east-1.amazonaws.com",
    ],
)
def test_a_host_of_aws_that_names_nothing_there_is_refused(host):
    with pytest.raises(InvalidHostHeader):
        at(host, "/k")


# 2. WriteGetObjectResponse


def test_write_get_object_response_is_known_with_and_without_its_route_in_the_host():
    assert write("127.0.0.1:9000") == Located(WriteAddress(None), "/WriteGetObjectResponse")
    assert write("localhost").address == WriteAddress(None)
    assert write("io-use1-001.localhost").address == WriteAddress("io-use1-001")
    assert write("io-1.s3-object-lambda.us-east-1.amazonaws.com").address == WriteAddress("io-1")


@pytest.mark.parametrize(
    "change", [{"method": "PUT"}, {"service": "s3"}, {"service": None}, {"has_route": False}]
)
def test_T049_a_route_selects_nothing_but_write_get_object_response(change):
    assert write("io-1.localhost", **change).address == BucketAddress("io-1")
    assert not isinstance(write("127.0.0.1", **change).address, WriteAddress)


@pytest.mark.parametrize("route", ["a.b", "a@b", "a/b", "a%2fb", "a" * 300])
def test_T049_a_route_that_is_no_single_label_is_refused(route):
    with pytest.raises(InvalidHostHeader):
        write(f"{route}.localhost")


# 3. The claimed service


@pytest.mark.parametrize("service", ["lambda", "iam", "sts", "onread"])
def test_at_the_plain_endpoint_the_claimed_service_decides(service):
    assert at(path="/2015-03-31/functions", service=service) == Located(
        ServiceAddress(service), "/2015-03-31/functions"
    )


def test_s3control_at_the_plain_endpoint_takes_the_account_from_its_header():
    path = "/v20180820/accesspointforobjectlambda"
    assert at(path=path, account=ACCOUNT) == Located(ControlAddress(ACCOUNT), path)
    assert at(path=path) == Located(ControlAddress(None), path)
    assert at(path=path, service=None).address == BucketAddress("v20180820")
    assert at(path="/v20180820x/key").address == BucketAddress("v20180820x")


def test_two_accounts_that_disagree_are_refused():
    assert at(f"{ACCOUNT}.localhost", "/v20180820/", account=ACCOUNT).address == ControlAddress(ACCOUNT)
    for wrong in ("999999999999", "", "abc"):
        with pytest.raises(InvalidRequest):
            at(f"{ACCOUNT}.localhost", "/v20180820/", account=wrong)
    with pytest.raises(InvalidRequest):
        at(path="/v20180820/accesspoint", account="12")


# 4. Path style


def test_the_root_of_the_plain_endpoint_is_the_service():
    assert at(path="/") == Located(ServiceAddress("s3"), "/")
    assert at(path="/", service=None).address == ServiceAddress("s3")
    assert at(path="/", service="s3-object-lambda").address == ServiceAddress("s3")


@pytest.mark.parametrize(
    ("path", "address", "rest"),
    [
        ("/bucket", BucketAddress("bucket"), "/"),
        ("/bucket/", BucketAddress("bucket"), "/"),
        ("/bucket/k%20y", BucketAddress("bucket"), "/k%20y"),
        ("/buck%65t/k", BucketAddress("bucket"), "/k"),
        (f"/{ALIAS}/dir/k", AliasAddress(ALIAS), "/dir/k"),
        ("/my-olap.olap", AliasAddress("my-olap.olap"), "/"),
        ("/my-ap-abc-s3alias/k", AliasAddress("my-ap-abc-s3alias"), "/k"),
    ],
)
def test_the_first_segment_is_a_bucket_or_an_alias(path, address, rest):
    assert at(path=path) == Located(address, rest)


@pytest.mark.parametrize(
    "rest",
    ["//", "/a//b/../c", "/./", "/%2e%2e/x", "/%2F", "/\\", "/;x=y", "/%00", "/%c0%af", "/%u0041", "/%"],
)
def test_T054_what_follows_the_bucket_stays_as_it_was_sent(rest):
    assert at(path=f"/bucket{rest}") == Located(BucketAddress("bucket"), rest)
    assert at("bucket.localhost", rest) == Located(BucketAddress("bucket"), rest)


@pytest.mark.parametrize(
    "segment",
    [
        f"arn%3Aaws%3As3-object-lambda%3Aus-east-1%3A{ACCOUNT}%3Aaccesspoint%2Fmy-olap",
        f"arn%3Aaws%3As3-object-lambda%3Aus-east-1%3A{ACCOUNT}%3Aaccesspoint%3Amy-olap",
        f"arn:aws:s3-object-lambda:us-east-1:{ACCOUNT}:accesspoint:my-olap",
        f"arn:aws:s3-object-lambda:us-east-1:{ACCOUNT}:accesspoint/my-olap",
    ],
)
def test_an_arn_is_accepted_as_the_first_segment(segment):
    assert at(path=f"/{segment}/k%20y") == Located(OLAP, "/k%20y")
    assert at(path=f"/{segment}") == Located(OLAP, "/")
    supporting = segment.replace("s3-object-lambda", "s3")
    assert at(path=f"/{supporting}/k").address == AccessPointAddress("my-olap", ACCOUNT)


def test_T208_an_arn_of_something_else_is_refused():
    with pytest.raises(InvalidRequest):
        at(path="/arn:aws:s3:::bucket/k")
    with pytest.raises(InvalidRequest):
        at(path=f"/arn:aws:s3:us-east-1:{ACCOUNT}:accesspoint")
    with pytest.raises(InvalidArgument):
        at(path="/arn:aws/k")


@pytest.mark.parametrize(
    "name", ["..", "A_B", "a..b", "x", "127.0.0.1", "n" * 300, "%00", "%252F", "123456789012"]
)
def test_T231_a_name_that_no_bucket_can_bear_is_located_and_left_to_the_store(name):
    assert isinstance(at(path=f"/{name}/k").address, BucketAddress)


def test_T231_an_empty_bucket_name_is_refused():
    with pytest.raises(InvalidBucketName):
        at(path="//key")


@pytest.mark.parametrize(
    "path", ["", "*", "bucket/key", "/b%2Fc/k", "/b%zz/k", "/b%", "/%ff/k", "/b\xff/k", "/\u212a"]
)
def test_T054_a_first_segment_that_cannot_be_read_is_refused(path):
    with pytest.raises(InvalidURI):
        at(path=path)


LABELS = st.text(alphabet="ab1-._%@[]: ", max_size=40)
AWS_HOST = r"[a-z0-9-]{1,20}(-[0-9]{12})?\.(s3|s3-object-lambda|s3-control)(\.us-east-1)?\.amazonaws\.com"
HOSTS = st.one_of(
    st.text(max_size=80),
    st.builds("{}.{}".format, LABELS, st.sampled_from(["localhost", "amazonaws.com"])),
    st.from_regex(AWS_HOST, fullmatch=True),
)
PATHS = st.one_of(
    st.text(max_size=80),
    st.builds("/{}".format, st.text(alphabet="a/%2Fe.:\\;\0\xff", max_size=40)),
    st.builds("/arn%3A{}".format, st.text(alphabet="aws3:/%2F0", max_size=40)),
)


@given(
    host=HOSTS,
    path=PATHS,
    method=st.sampled_from(["GET", "POST"]),
    service=st.sampled_from(["s3", "s3-object-lambda", "lambda", "iam", "sts", "onread", None, "other"]),
    has_route=st.booleans(),
    account=st.one_of(st.none(), st.just(ACCOUNT), st.text(max_size=14)),
)
def test_T231_every_host_and_path_is_located_or_refused(host, path, method, service, has_route, account):
    try:
        located = at(host, path, method=method, service=service, has_route=has_route, account=account)
    except S3Error:
        return
    assert located.path.startswith("/")
    assert path.endswith(located.path) or located.path == "/"
