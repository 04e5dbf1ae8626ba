import pytest

from onread.addressing.host import HostParts, split_host
from onread.errors import InvalidHostHeader

DOMAINS = ("localhost", "s3.example.com", "example.com")


@pytest.mark.parametrize(
    "host",
    [
        "",
        "localhost",
        "localhost:9000",
        "LOCALHOST.",
        "127.0.0.1",
        "127.0.0.1:9000",
        "[::1]",
        "[::1]:9000",
        "gateway:9000",
        "some.internal.name",
        "s3.us-east-1.amazonaws.com",
        "s3.amazonaws.com",
        "s3-us-west-2.amazonaws.com",
        "lambda.us-east-1.amazonaws.com",
        "iam.amazonaws.com",
    ],
)
def test_an_address_a_bare_domain_and_a_foreign_name_are_the_plain_endpoint(host):
    assert split_host(host, DOMAINS) == HostParts(None)


@pytest.mark.parametrize(
    ("host", "label"),
    [
        ("bucket.localhost", "bucket"),
        ("Bucket.LocalHost.:9000", "bucket"),
        ("a.b.localhost:1", "a.b"),
        ("b.s3.example.com", "b"),
        ("b.example.com", "b"),
    ],
)
def test_the_label_is_what_stands_below_the_longest_domain(host, label):
    assert split_host(host, DOMAINS) == HostParts(label)


@pytest.mark.parametrize(
    ("host", "label", "service"),
    [
        ("ol-111122223333.s3-object-lambda.us-east-1.amazonaws.com", "ol-111122223333", "s3-object-lambda"),
        ("io-1.s3-object-lambda-fips.us-gov-west-1.amazonaws.com", "io-1", "s3-object-lambda"),
        (
            "ap-111122223333.s3-accesspoint.dualstack.eu-west-1.amazonaws.com",
            "ap-111122223333",
            "s3-accesspoint",
        ),
        ("111122223333.s3-control.us-east-1.amazonaws.com", "111122223333", "s3-control"),
        ("s3-control.us-east-1.amazonaws.com", None, "s3-control"),
        ("s3-object-lambda.us-east-1.amazonaws.com", None, "s3-object-lambda"),
        ("b.s3.us-east-1.amazonaws.com", "b", "s3"),
        ("a.b.s3.amazonaws.com", "a.b", "s3"),
        ("b.s3-us-west-2.amazonaws.com", "b", "s3"),
        ("b.s3.cn-north-1.amazonaws.com.cn", "b", "s3"),
        ("s3.s3.us-east-1.amazonaws.com", "s3", "s3"),
    ],
)
def test_the_host_names_of_aws_are_understood(host, label, service):
    assert split_host(host, DOMAINS) == HostParts(label, service)


@pytest.mark.parametrize(
    "host",
    [
        "user@localhost",
        "user:pass@localhost",
        "a_b.localhost",
        "host:80:80",
        "localhost:",
        "localhost:0",
        "localhost:65536",
        "localhost:http",
        "localhost:+1",
        "localhost..",
        ".localhost",
        "a..localhost",
        "a%2eb.localhost",
        "a b.localhost",
        "a/b.localhost",
        "a,b.localhost",
        "x" * 64 + ".localhost",
        "x." * 150 + "localhost",
        "[::1",
        "[::1]x",
        "[::1]:",
        "[::1]:80:80",
        "[fe80::1%eth0]",
        "[fe80::1%25eth0]:80",
        "[127.0.0.1]",
        "[]",
        "::1",
        "\u212a.localhost",
        "\0.localhost",
    ],
)
def test_T048_a_host_that_could_be_read_in_two_ways_is_refused(host):
    with pytest.raises(InvalidHostHeader):
        split_host(host, DOMAINS)
