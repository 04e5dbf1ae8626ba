"""Unmodified clients at an Object Lambda access point: boto3, the AWS CLI, curl, requests, urllib."""

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
import requests
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from tests.compat.wire import root_key, send

pytestmark = [pytest.mark.compat, pytest.mark.slow]
ACCOUNT = "000000000000"
AWS = Path(sys.executable).with_name("aws")
CURL = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
TEXT = "Grüße"
KEY = "dir/k y+ü.txt"


@dataclass
class Place:
    bucket: str
    supporting: dict
    function: str
    name: str
    alias: str


@pytest.fixture(scope="module")
def place(world):
    bucket, function = world.bucket(), world.function("uppercase")
    world.client("s3").put_object(Bucket=bucket, Key=KEY, Body=TEXT.encode())
    supporting = world.access_point(bucket)
    return Place(bucket, supporting, function, *world.olap_over(supporting, function))


@pytest.fixture
def run(world, tmp_path):
    """Run a client with root's credentials in its environment, as text."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **world.gateway.environment()}

    def start(*command):
        done = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    return start


def names_of(place):
    return {"alias": place.alias, "plain name": f"{place.name}.olap"}


EVERY_NAME = pytest.mark.parametrize("kind", ["alias", "plain name"])


# boto3


@EVERY_NAME
def test_boto3_with_its_defaults(world, place, kind):
    root = root_key(world)
    s3 = boto3.client(
        "s3",
        endpoint_url=world.endpoint,
        region_name="us-east-1",
        aws_access_key_id=root.access_key_id,
        aws_secret_access_key=root.secret,
    )
    answer = s3.get_object(Bucket=names_of(place)[kind], Key=KEY)
    assert answer["Body"].read().decode() == TEXT.upper()
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=names_of(place)[kind])["Contents"]] == [KEY]


def test_boto3_with_virtual_hosts_at_an_address(world, place):
    """At an IP address every style becomes the path."""
    root = root_key(world)
    s3 = boto3.client(
        "s3",
        endpoint_url=world.endpoint,
        region_name="us-east-1",
        aws_access_key_id=root.access_key_id,
        aws_secret_access_key=root.secret,
        config=Config(s3={"addressing_style": "virtual"}, signature_version="s3v4"),
    )
    assert s3.get_object(Bucket=place.alias, Key=KEY)["Body"].read().decode() == TEXT.upper()
    url = s3.generate_presigned_url("get_object", Params={"Bucket": place.alias, "Key": KEY})
    assert requests.get(url, timeout=20).content.decode() == TEXT.upper()


# The AWS CLI


def test_the_cli_reads(run, place, tmp_path):
    target = tmp_path / "got"
    for name in names_of(place).values():
        told = json.loads(run(AWS, "s3api", "get-object", "--bucket", name, "--key", KEY, target))
        assert target.read_text() == TEXT.upper()
        assert told["ContentLength"] == len(TEXT.upper().encode())


@EVERY_NAME
def test_the_cli_copies_and_lists(run, place, tmp_path, kind):
    name = names_of(place)[kind]
    assert run(AWS, "s3", "cp", f"s3://{name}/{KEY}", "-") == TEXT.upper()
    assert KEY.rpartition("/")[2] in run(AWS, "s3", "ls", f"s3://{name}/dir/")
    (tmp_path / "up").write_text("up")
    run(AWS, "s3", "cp", "--only-show-errors", tmp_path / "up", f"s3://{name}/up {kind}")
    assert run(AWS, "s3", "cp", f"s3://{place.bucket}/up {kind}", "-") == "up"
    run(AWS, "s3", "rm", "--only-show-errors", f"s3://{name}/up {kind}")


def test_the_cli_presigns(run, place):
    run(AWS, "configure", "set", "default.s3.signature_version", "s3v4")
    url = run(AWS, "s3", "presign", f"s3://{place.alias}/{KEY}").strip()
    assert requests.get(url, timeout=20).content.decode() == TEXT.upper()


def test_the_cli_manages(run, world, place, tmp_path):
    user = world.unique("cli-user")
    assert json.loads(run(AWS, "iam", "create-user", "--user-name", user))["User"]["UserName"] == user
    made = json.loads(run(AWS, "iam", "create-access-key", "--user-name", user))["AccessKey"]
    assert made["Status"] == "Active"
    assert user in run(AWS, "iam", "list-users")
    assert json.loads(run(AWS, "sts", "get-caller-identity"))["Account"] == ACCOUNT
    functions = json.loads(run(AWS, "lambda", "list-functions"))["Functions"]
    assert place.function in [each["FunctionName"] for each in functions]


def test_the_cli_invokes(run, world, tmp_path):
    code = tmp_path / "greets.py"
    code.write_text("def handler(event, context):\n    return {'hello': event['name']}\n")
    function, answer = world.function(code), tmp_path / "answer"
    payload = "fileb://" + str(tmp_path / "payload")
    (tmp_path / "payload").write_text('{"name": "you"}')
    told = run(AWS, "lambda", "invoke", "--function-name", function, "--payload", payload, answer)
    assert json.loads(told)["StatusCode"] == 200
    assert json.loads(answer.read_text()) == {"hello": "you"}


def test_the_cli_controls_access_points(run, world, place):
    """Its s3control puts the account before the host; as a proxy the gateway needs no name service."""
    name = world.unique("by-cli")
    through = ["env", f"HTTP_PROXY={world.endpoint}", AWS, "--endpoint-url", "http://localhost:9000"]
    owner = ["--account-id", ACCOUNT]
    made = run(*through, "s3control", "create-access-point", *owner, "--name", name, "--bucket", place.bucket)
    assert json.loads(made)["Alias"].endswith("-s3alias")
    listed = json.loads(run(*through, "s3control", "list-access-points", *owner))["AccessPointList"]
    assert name in [each["Name"] for each in listed]
    run(*through, "s3control", "delete-access-point", *owner, "--name", name)


# curl and others that sign or do not


@CURL
@EVERY_NAME
def test_curl_signs(run, world, place, kind):
    root = root_key(world)
    url = f"{world.endpoint}/{names_of(place)[kind]}/dir/k%20y%2B%C3%BC.txt"
    signing = ["--aws-sigv4", "aws:amz:us-east-1:s3", "--user", f"{root.access_key_id}:{root.secret}"]
    header = ["-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD"]
    assert run("curl", "-sS", "--fail", *signing, *header, url) == TEXT.upper()


@CURL
@EVERY_NAME
def test_curl_with_a_presigned_url(run, world, place, kind):
    url = world.presigned(names_of(place)[kind], KEY)
    assert run("curl", "-sS", "--fail", url) == TEXT.upper()
    assert run("curl", "-sS", "--fail", "--http1.0", url) == TEXT.upper()


@EVERY_NAME
def test_requests_and_urllib_with_a_presigned_url(world, place, kind):
    url = world.presigned(names_of(place)[kind], KEY)
    answer = requests.get(url, timeout=20)
    assert (answer.status_code, answer.content.decode()) == (200, TEXT.upper())
    with urllib.request.urlopen(url, timeout=20) as plain:
        assert plain.read().decode() == TEXT.upper()


def test_a_presigned_put_through_the_olap(world, place):
    url = world.client("s3").generate_presigned_url(
        "put_object", Params={"Bucket": place.alias, "Key": "put by url"}
    )
    assert requests.put(url, data=b"abc", timeout=20).status_code == 200
    got = world.client("s3").get_object(Bucket=place.bucket, Key="put by url")
    assert got["Body"].read() == b"abc"


# Hosts: the name is in the host, the service in the signature


def by_host(world, host, service, *, path="/dir/k%20y%2B%C3%BC.txt", presigned=False):
    """A read whose host botocore signed; the connection goes to the gateway whatever the host says."""
    root = root_key(world)
    credentials = Credentials(root.access_key_id, root.secret)
    request = AWSRequest("GET", f"http://{host}{path}")
    if presigned:
        S3SigV4QueryAuth(credentials, service, "us-east-1", expires=60).add_auth(request)
        return send(world, "GET", request.url.removeprefix(f"http://{host}"), host=host)
    S3SigV4Auth(credentials, service, "us-east-1").add_auth(request)
    return send(world, "GET", path, list(request.headers.items()), host=host)


@pytest.mark.parametrize("presigned", [False, True])
@pytest.mark.parametrize(
    "form",
    [
        "{name}-000000000000.localhost",
        "{name}-000000000000.localhost:9000",
        "{name}-000000000000.s3-object-lambda.us-east-1.amazonaws.com",
    ],
)
def test_an_olap_by_the_host_of_its_arn(world, place, form, presigned):
    answer = by_host(world, form.format(name=place.name), "s3-object-lambda", presigned=presigned)
    assert (answer.status, answer.body.decode()) == (200, TEXT.upper())


@pytest.mark.parametrize("presigned", [False, True])
@pytest.mark.parametrize(
    "form",
    [
        "{name}-000000000000.localhost",
        "{name}-000000000000.s3-accesspoint.us-east-1.amazonaws.com",
    ],
)
def test_an_access_point_by_the_host_of_its_arn(world, place, form, presigned):
    answer = by_host(world, form.format(name=place.supporting["Name"]), "s3", presigned=presigned)
    assert (answer.status, answer.body.decode()) == (200, TEXT)


def test_one_host_two_access_points(world, place):
    """The credential scope alone tells an OLAP from a standard access point of the same name."""
    name, control = world.unique("twins"), world.client("s3control")
    made = control.create_access_point(AccountId=ACCOUNT, Name=name, Bucket=place.bucket)
    function = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{place.function}"
    content = {"AwsLambda": {"FunctionArn": function}}
    control.create_access_point_for_object_lambda(
        AccountId=ACCOUNT,
        Name=name,
        Configuration={
            "SupportingAccessPoint": made["AccessPointArn"],
            "TransformationConfigurations": [{"Actions": ["GetObject"], "ContentTransformation": content}],
        },
    )
    host = f"{name}-{ACCOUNT}.localhost"
    assert by_host(world, host, "s3").body.decode() == TEXT
    assert by_host(world, host, "s3-object-lambda").body.decode() == TEXT.upper()


def test_an_alias_in_the_host(world, place):
    for host in (f"{place.alias}.localhost", f"{place.alias}.s3.us-east-1.amazonaws.com"):
        assert by_host(world, host, "s3").body.decode() == TEXT.upper()
    assert by_host(world, f"{place.supporting['Alias']}.localhost", "s3").body.decode() == TEXT
    assert by_host(world, f"{place.bucket}.localhost", "s3").body.decode() == TEXT


def test_an_arn_in_the_path(world, place):
    arn = f"arn:aws:s3-object-lambda:us-east-1:{ACCOUNT}:accesspoint%2F{place.name}"
    path = f"/{arn.replace(':', '%3A')}/dir/k%20y%2B%C3%BC.txt"
    answer = by_host(world, "{}:{}".format(*world.address), "s3-object-lambda", path=path)
    assert answer.body.decode() == TEXT.upper()


def test_unknown_names_are_refused_by_their_kind(world, place):
    refusals = {
        by_host(world, f"none-{ACCOUNT}.localhost", "s3").refusal,
        by_host(world, f"none-{ACCOUNT}.localhost", "s3-object-lambda").refusal,
    }
    assert refusals == {("NoSuchAccessPoint", 404)}
    assert by_host(world, "none--ol-s3.localhost", "s3").refusal[0] in (
        "InvalidAccessPointAliasError",
        "InvalidBucketName",
    )
