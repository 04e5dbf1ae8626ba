"""URLs signed by everybody's tools, sent by curl; and what a refused one tells."""

import html
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.compat.callers import fetch, presign
from tests.compat.policy_documents import make_place

pytestmark = [pytest.mark.compat, pytest.mark.slow]
KEY = "dir/k y+ü.txt"
BIN = Path(sys.executable).parent
PACKAGES = ("@aws-sdk/client-s3@3", "@aws-sdk/s3-request-presigner@3")
_PATIENCE_SECONDS = 120


@pytest.fixture(scope="module")
def place(world):
    made = make_place(world)
    world.client("s3").put_object(Bucket=made.bucket, Key=KEY, Body=b"data")
    return made


@pytest.fixture(scope="module")
def environment(world):
    return {
        **os.environ,
        "AWS_ACCESS_KEY_ID": world.gateway.access_key_id,
        "AWS_SECRET_ACCESS_KEY": world.gateway.secret_access_key,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "ONREAD_ENDPOINT": world.endpoint,
    }


def run(command, environment, **more):
    done = subprocess.run(
        [str(part) for part in command],
        env=environment,
        capture_output=True,
        text=True,
        timeout=_PATIENCE_SECONDS,
        check=False,
        **more,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def by_boto3(world, environment, bucket, tmp_path):
    operations = {"GET": "get_object", "HEAD": "head_object", "PUT": "put_object"}
    sign = world.client("s3").generate_presigned_url
    return {method: sign(name, Params={"Bucket": bucket, "Key": KEY}) for method, name in operations.items()}


def by_onread(world, environment, bucket, tmp_path):
    command = [BIN / "onread", "presign", bucket, KEY, "--expires", "60", "--method"]
    return {method: run([*command, method], environment).strip() for method in ("GET", "HEAD", "PUT")}


def by_aws_cli(world, environment, bucket, tmp_path):
    config = tmp_path / "config"
    config.write_text("[default]\ns3 =\n    signature_version = s3v4\n")
    environment = {**environment, "AWS_CONFIG_FILE": str(config)}
    command = [BIN / "aws", "--endpoint-url", world.endpoint, "s3", "presign", f"s3://{bucket}/{KEY}"]
    return {"GET": run(command, environment).strip()}


def by_javascript(world, environment, bucket, tmp_path):
    if shutil.which("npm") is None:
        pytest.skip("no npm on this machine")
    shutil.copy(Path(__file__).parent / "presign.mjs", tmp_path)
    (tmp_path / "package.json").write_text('{"private": true}')
    install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", *PACKAGES]
    installed = subprocess.run(
        install, cwd=tmp_path, capture_output=True, text=True, timeout=_PATIENCE_SECONDS, check=False
    )
    if installed.returncode != 0:
        pytest.skip(f"npm cannot install the AWS SDK for JavaScript here: {installed.stderr[-300:]}")
    command = ["node", "presign.mjs", world.endpoint, bucket, KEY]
    urls: dict[str, str] = json.loads(run(command, environment, cwd=tmp_path))
    return urls


@pytest.mark.parametrize("sign", [by_boto3, by_onread, by_aws_cli, by_javascript])
def test_a_url_does_what_it_was_signed_for_and_nothing_else(world, place, environment, tmp_path, sign):
    urls = sign(world, environment, place.alias, tmp_path)
    curl = ["curl", "--silent", "--show-error", "--fail-with-body"]
    assert run([*curl, urls["GET"]], environment) == "data"
    if "HEAD" in urls:
        assert "Content-Length: 4" in run([*curl, "--head", urls["HEAD"]], environment)
    if "PUT" in urls:
        written = tmp_path / "written"
        written.write_text("new")
        run([*curl, "--upload-file", written, urls["PUT"]], environment)
        assert world.client("s3").get_object(Bucket=place.bucket, Key=KEY)["Body"].read() == b"new"
        world.client("s3").put_object(Bucket=place.bucket, Key=KEY, Body=b"data")
    for method in ("PUT", "DELETE", "POST"):
        answer = fetch(urls["GET"], method=method)
        assert answer.status in (403, 405), method
    assert world.client("s3").get_object(Bucket=place.bucket, Key=KEY)["Body"].read() == b"data"


@pytest.mark.parametrize(
    ("spoil", "shows"),
    [
        (lambda url: (url, "DELETE"), "DELETE\n/"),
        (lambda url: (url.replace("/dir/", "/other/"), "GET"), "/other/"),
        (
            lambda url: (url + "&response-content-type=text%2Fplain", "GET"),
            "response-content-type=text%2Fplain",
        ),
        (lambda url: (url.replace("X-Amz-Expires=60", "X-Amz-Expires=61"), "GET"), "X-Amz-Expires=61"),
    ],
)
def test_a_refused_signature_says_which_part_differed(world, place, spoil, shows):
    url, method = spoil(presign(world, place.bucket, KEY))
    answer = fetch(url, method=method)
    assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")
    assert answer.element("AWSAccessKeyId") == world.gateway.access_key_id
    canonical = html.unescape(answer.element("CanonicalRequest"))
    assert shows in canonical
    assert bytes.fromhex(answer.element("CanonicalRequestBytes")).decode() == canonical
    to_sign = html.unescape(answer.element("StringToSign"))
    assert to_sign.startswith("AWS4-HMAC-SHA256\n")
    assert bytes.fromhex(answer.element("StringToSignBytes")).decode() == to_sign
    # What would still be good with the right method is not given back whole.
    assert answer.element("SignatureProvided").endswith("...")
    assert world.gateway.secret_access_key not in answer.body.decode()
