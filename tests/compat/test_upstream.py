"""A store that is not ours behind the gateway: SeaweedFS, real clients, a real function."""

import itertools
import json
import subprocess
import sys
from urllib.error import HTTPError
from urllib.request import urlopen

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from onread.cli.spawn import DidNotStart, gateway
from onread.objectlambda.slices.listed import page_token

from .conftest import ACCOUNT, World
from .seaweed import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from .store_probe import READS, REAL, ask_everything, outcome

pytestmark = pytest.mark.compat
NUMBERS = itertools.count()


def test_the_main_job_over_a_store_that_is_not_ours(over_store, store):
    bucket = over_store.bucket()
    store.client().put_object(Bucket=bucket, Key="a", Body=b"hello")
    olap = over_store.olap(bucket, over_store.function("uppercase"))
    assert over_store.client("s3").get_object(Bucket=olap, Key="a")["Body"].read() == b"HELLO"
    over_store.client("s3").put_object(Bucket=olap, Key="b", Body=b"through")
    assert store.client().get_object(Bucket=bucket, Key="b")["Body"].read() == b"through"


def test_the_answers_are_the_stores_own(over_store, store):
    """Asked of the store itself, through the gateway's bucket, and through an access point."""
    direct = ask_everything(store.client(), store_bucket(store))
    bucket = over_store.bucket()
    by_bucket = ask_everything(over_store.client("s3"), bucket)
    behind = over_store.bucket()
    alias = over_store.access_point(behind)["Alias"]
    REAL[alias] = behind
    by_access_point = ask_everything(over_store.client("s3"), alias)
    for name, answer in direct.items():
        assert by_bucket[name] == answer, name
        assert by_access_point[name] == answer, name
    assert len(direct) > 25


def test_a_stores_refusal_names_the_request_as_its_header_does(over_store):
    with pytest.raises(HTTPError) as refused:
        urlopen(over_store.presigned(over_store.bucket(), "nowhere"), timeout=60)
    document = refused.value.read().decode()
    assert "<Code>NoSuchKey</Code>" in document
    assert f"<RequestId>{refused.value.headers['x-amz-request-id']}</RequestId>" in document


def store_bucket(store):
    name = f"direct-{next(NUMBERS)}"
    store.client().create_bucket(Bucket=name)
    return name


def test_versions_and_locks_work_as_they_do_at_the_store(over_store, store):
    s3, bucket = over_store.client("s3"), over_store.unique("versions-bucket")
    s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    alias = over_store.access_point(bucket)["Alias"]
    versions = [s3.put_object(Bucket=alias, Key="k", Body=body)["VersionId"] for body in (b"1", b"2")]
    for version, body in zip(versions, (b"1", b"2"), strict=True):
        assert s3.get_object(Bucket=alias, Key="k", VersionId=version)["Body"].read() == body
    listed = s3.list_object_versions(Bucket=alias)["Versions"]
    assert {entry["VersionId"] for entry in listed} == set(versions)
    marker = s3.delete_object(Bucket=alias, Key="k")
    assert marker["DeleteMarker"]
    s3.delete_object(Bucket=alias, Key="k", VersionId=marker["VersionId"])
    s3.put_object_legal_hold(Bucket=alias, Key="k", LegalHold={"Status": "ON"})
    assert s3.get_object_legal_hold(Bucket=alias, Key="k")["LegalHold"]["Status"] == "ON"
    with pytest.raises(ClientError):
        s3.delete_object(Bucket=alias, Key="k", VersionId=versions[1])
    s3.put_object_legal_hold(Bucket=alias, Key="k", LegalHold={"Status": "OFF"})


def test_what_an_object_lambda_access_point_does_not_transform_goes_through(over_store, store):
    bucket = over_store.bucket()
    olap = over_store.olap(bucket, over_store.function("uppercase"))
    REAL[olap] = bucket
    through = ask_everything(over_store.client("s3"), olap, leave_out=READS)
    direct = ask_everything(store.client(), store_bucket(store), leave_out=READS)
    assert through == direct
    assert len(direct) > 8


def test_sizes_of_results_in_lists_of_another_store(over_store):
    bucket, s3 = over_store.bucket(), over_store.client("s3")
    sizes = {"a b+c": 3, "z": 4, "ключ/1": 5}
    for key, size in sizes.items():
        wish = json.dumps({"name": "n", "size": size})
        s3.put_object(Bucket=bucket, Key=key, Body=wish)
    name, alias = over_store.olap_over(over_store.access_point(bucket), over_store.function("slices"))
    over_store.client("onread").configure_object_lambda_access_point(
        Name=name, Range="slice", ListSizes="transformed"
    )
    for key in sizes:
        s3.head_object(Bucket=alias, Key=key)  # a list waits less long for a function that only starts
    for operation in ("list_objects_v2", "list_objects"):
        listed = getattr(s3, operation)(Bucket=alias)
        assert {item["Key"]: item["Size"] for item in listed["Contents"]} == sizes
        etags = [item["ETag"] for item in listed["Contents"]]
        assert etags == [s3.head_object(Bucket=alias, Key=key)["ETag"] for key in sizes]
    assert s3.list_objects_v2(Bucket=alias, StartAfter="a b+c", MaxKeys=1)["Contents"][0]["Size"] == 4
    # A page that ended before its time goes on behind its last key, whatever the store's own tokens are.
    rest = s3.list_objects_v2(Bucket=alias, ContinuationToken=page_token("a b+c"))
    assert [item["Key"] for item in rest["Contents"]] == ["z", "ключ/1"]
    assert rest["ContinuationToken"] == page_token("a b+c")


def test_what_an_object_lambda_access_point_refuses(over_store):
    bucket = over_store.bucket()
    s3, olap = over_store.client("s3"), over_store.olap(bucket, over_store.function("uppercase"))
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    refused = [
        lambda: s3.copy_object(Bucket=bucket, Key="c", CopySource={"Bucket": olap, "Key": "k"}),
        lambda: s3.put_bucket_versioning(Bucket=olap, VersioningConfiguration={"Status": "Enabled"}),
        lambda: s3.select_object_content(
            Bucket=olap, Key="k", Expression="select 1", ExpressionType="SQL",
            InputSerialization={"CSV": {}}, OutputSerialization={"CSV": {}},
        ),
    ]  # fmt: skip
    codes = [outcome(each)[1:3] for each in refused]
    assert codes == [(501, "NotImplemented"), (405, "MethodNotAllowed"), (405, "MethodNotAllowed")]


def test_a_copy_reads_through_an_access_point_as_its_caller_may(over_store):
    bucket, s3 = over_store.bucket(), over_store.client("s3")
    s3.put_object(Bucket=bucket, Key="from here", Body=b"copied")
    access_point = over_store.access_point(bucket)
    for source in (access_point["Alias"], access_point["AccessPointArn"]):
        s3.copy_object(Bucket=bucket, Key="to", CopySource={"Bucket": source, "Key": "from here"})
        assert s3.get_object(Bucket=bucket, Key="to")["Body"].read() == b"copied"
    writes = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
            ],
        }
    )
    _, key, secret = over_store.user(writes)
    writer = over_store.client_as("s3", key, secret)
    for source in (bucket, access_point["Alias"], access_point["AccessPointArn"]):
        refused = outcome(
            lambda source=source: writer.copy_object(
                Bucket=bucket, Key="stolen", CopySource={"Bucket": source, "Key": "from here"}
            )
        )
        assert refused[1:3] == (403, "AccessDenied")


def test_one_refused_key_does_not_carry_the_others(over_store):
    bucket, s3 = over_store.bucket(), over_store.client("s3")
    for key in ("mine/1", "mine/&<2>", "others/3"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    own = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "s3:DeleteObject", "Resource": f"arn:aws:s3:::{bucket}/mine/*"}
            ],
        }
    )
    _, key, secret = over_store.user(own)
    named = [{"Key": key} for key in ("mine/1", "mine/&<2>", "others/3")]
    answer = over_store.client_as("s3", key, secret).delete_objects(Bucket=bucket, Delete={"Objects": named})
    assert [(entry["Key"], entry["Code"]) for entry in answer["Errors"]] == [("others/3", "AccessDenied")]
    left = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert [entry["Key"] for entry in left] == ["others/3"]


def test_a_body_that_is_not_what_was_signed_never_reaches_the_store_whole(over_store, store):
    bucket = over_store.bucket()
    url = over_store.client("s3").generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k"})
    target, host = "/" + url.split("/", 3)[3], url.split("/")[2]
    head = f"PUT {target} HTTP/1.1\r\nHost: {host}\r\nContent-MD5: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    answer = over_store.raw(f"{head}Content-Length: 5\r\nConnection: close\r\n\r\nhello".encode())
    assert b"BadDigest" in answer
    assert outcome(lambda: store.client().head_object(Bucket=bucket, Key="k"))[1] == 404


def test_buckets_of_all_stores_are_one_list(over_store, store):
    s3 = over_store.client("s3")
    s3.create_bucket(Bucket="kept-here", CreateBucketConfiguration={"LocationConstraint": ":local"})
    store.client().create_bucket(Bucket="made-there")
    names = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    assert names == sorted(names)
    assert {"kept-here", "made-there"} <= set(names)
    assert outcome(lambda: store.client().head_bucket(Bucket="kept-here"))[1] == 404
    paged = [
        page["Buckets"]
        for page in s3.get_paginator("list_buckets").paginate(PaginationConfig={"PageSize": 2})
    ]
    assert [bucket["Name"] for page in paged for bucket in page] == names
    again = outcome(
        lambda: s3.create_bucket(
            Bucket="made-there", CreateBucketConfiguration={"LocationConstraint": ":local"}
        )
    )
    assert again[1:3] == (409, "BucketAlreadyOwnedByYou")


def test_aws_own_host_names_lead_here_when_dns_says_so(over_store):
    """An unmodified client of AWS, sent here by an HTTP proxy setting instead of DNS."""
    bucket = over_store.bucket()
    access_point = over_store.access_point(bucket)
    name, alias = over_store.olap_over(access_point, over_store.function("uppercase"))
    spawned = over_store.gateway
    aws = boto3.client(
        "s3",
        aws_access_key_id=spawned.access_key_id,
        aws_secret_access_key=spawned.secret_access_key,
        region_name="us-east-1",
        use_ssl=False,
        config=Config(proxies={"http": spawned.endpoint}, retries={"total_max_attempts": 1}),
    )
    aws.put_object(Bucket=bucket, Key="a b+c", Body=b"hello")
    olap_arn = f"arn:aws:s3-object-lambda:us-east-1:{ACCOUNT}:accesspoint/{name}"
    for source, body in (
        (bucket, b"hello"), (access_point["AccessPointArn"], b"hello"), (access_point["Alias"], b"hello"),
        (olap_arn, b"HELLO"), (alias, b"HELLO"),
    ):  # fmt: skip
        assert aws.get_object(Bucket=source, Key="a b+c")["Body"].read() == body, source


def test_functions_may_read_from_the_store_itself_when_its_operator_says_so(store, tmp_path):
    config = tmp_path / "onread.toml"
    config.write_text(store.settings(more="direct_input_url = true"))
    with gateway(tmp_path / "data", "--config", str(config)) as spawned:
        world = World(spawned)
        bucket = "read-directly"
        world.client("s3").create_bucket(Bucket=bucket)
        store.client().put_object(Bucket=bucket, Key="a b", Body=b"hello")
        url_of = world.olap(bucket, world.function("tells_its_url"))
        url = world.client("s3").get_object(Bucket=url_of, Key="a b")["Body"].read().decode()
        assert url.startswith(f"{store.endpoint}/{bucket}/a%20b?X-Amz-Algorithm=")
        assert "X-Amz-Expires=61&" in url
        upper = world.olap(bucket, world.function("uppercase"))
        assert world.client("s3").get_object(Bucket=upper, Key="a b")["Body"].read() == b"HELLO"
        # Who may call, and not read or not list: the usual URL, which refuses, and hides what is missing.
        allowed = ["s3-object-lambda:GetObject", "lambda:InvokeFunction"]
        for more, is_direct in ([], False), (["s3:GetObject"], False), (["s3:GetObject", "s3:List*"], True):
            statement = {"Effect": "Allow", "Action": [*allowed, *more], "Resource": "*"}
            _, *keys = world.user(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
            told = world.client_as("s3", *keys).get_object(Bucket=url_of, Key="a b")["Body"].read().decode()
            assert told.startswith(store.endpoint) is is_direct, more


def test_the_doctor_looks_at_stores(store, tmp_path):
    config = tmp_path / "onread.toml"
    store.client().create_bucket(Bucket="for-the-doctor")
    config.write_text(
        store.settings('["for-the-doctor", "not-there"]')
        + store.settings('["x-y"]', name="gone", endpoint="http://127.0.0.1:1")
        + store.settings('"*"', name="wrong").replace(SECRET_ACCESS_KEY, "not-the-secret")
    )
    command = [sys.executable, "-m", "onread", "doctor", "--json", "--config", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    found = {(each["subject"], each["state"], each["detail"]) for each in json.loads(done.stdout)}
    assert ("store weed", "ok", "bucket for-the-doctor is there") in found
    assert ("store weed", "warning", "bucket not-there is not there") in found
    assert any(subject == "store gone" and "does not answer" in detail for subject, _, detail in found)
    assert any(
        subject == "store wrong" and "refuses the credentials" in detail for subject, _, detail in found
    )
    assert ("clock", "ok", "agrees with that of store weed") in found
    assert "not-the-secret" not in done.stdout + done.stderr


def test_a_bucket_in_two_stores_keeps_the_gateway_from_starting(store, tmp_path):
    with gateway(tmp_path / "data") as spawned:
        World(spawned).client("s3").create_bucket(Bucket="taken-here")
    config = tmp_path / "onread.toml"
    config.write_text(store.settings('["taken-here"]'))
    with pytest.raises(DidNotStart) as refused, gateway(tmp_path / "data", "--config", str(config)):
        pytest.fail("it started")
    assert 'bucket "taken-here" is in the embedded store already' in str(refused.value)


def test_the_stores_credentials_never_show(over_store):
    for secret in (ACCESS_KEY_ID, SECRET_ACCESS_KEY):
        assert secret not in over_store.log()


@pytest.mark.parametrize("key", ["/closed/k", "closed//k", "closed\\k", "//closed/k"])
def test_no_other_spelling_of_a_key_gets_past_a_deny(over_store, store, key):
    """SeaweedFS reads all of them as ``closed/k``."""
    bucket = over_store.bucket()
    root = over_store.client("s3")
    root.put_object(Bucket=bucket, Key="closed/k", Body=b"closed")
    root.put_object(Bucket=bucket, Key="open/k", Body=b"open")
    assert root.get_object(Bucket=bucket, Key=key)["Body"].read() == b"closed"
    statements = [
        {"Effect": "Allow", "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}/*"},
        {"Effect": "Deny", "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}/closed/*"},
    ]
    _, *keys = over_store.user(json.dumps({"Version": "2012-10-17", "Statement": statements}))
    s3 = over_store.client_as("s3", *keys)
    assert s3.get_object(Bucket=bucket, Key="open//k")["Body"].read() == b"open"
    for refused in (
        lambda: s3.get_object(Bucket=bucket, Key=key),
        lambda: s3.put_object(Bucket=bucket, Key=key, Body=b"mine"),
        lambda: s3.copy_object(Bucket=bucket, Key="open/c", CopySource={"Bucket": bucket, "Key": key}),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            refused()
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key}]})
    assert root.get_object(Bucket=bucket, Key="closed/k")["Body"].read() == b"closed"
