"""The Lambda API through a real gateway with boto3: layers, concurrency, permissions, code in S3, waiters."""

import base64
import io
import json
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest
import urllib3
from botocore.exceptions import ClientError
from tests.compat.callers import fetch, presign, stage
from tests.compat.conftest import ACCOUNT, FUNCTIONS, REGION, wait_until

from onread.functions.packaging import zip_path

pytestmark = [pytest.mark.compat, pytest.mark.slow]


def zipped(**files):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name.replace("__", "/"))
            entry.external_attr = 0o755 << 16
            archive.writestr(entry, text)
    return content.getvalue()


def code_of(error):
    return error.value.response["Error"]["Code"]


def test_a_function_finds_what_its_layers_hold(world):
    api = world.client("lambda")
    first = zipped(**{"python__shared.py": "SAYS = 'first'", "python__only_here.py": "SAYS = 'first'"})
    second = zipped(
        **{
            "python__lib__python3.11__site-packages__shared.py": "SAYS = 'second'",
            "bin__layer-tool": "#!/bin/sh\necho from the layer\n",
            "share__data.txt": "data",
        }
    )
    arns = [
        api.publish_layer_version(
            LayerName=world.unique("layer"), Content={"ZipFile": content}, CompatibleRuntimes=["python3.11"]
        )["LayerVersionArn"]
        for content in (first, second)
    ]
    name = world.function("layered", Layers=arns)
    api.delete_layer_version(LayerName=arns[0].rpartition(":")[0], VersionNumber=1)
    context = base64.b64encode(b'{"custom": {"k": "v"}}').decode()
    answer = api.invoke(FunctionName=name, ClientContext=context)
    assert json.loads(answer["Payload"].read()) == {
        "shared": "second",
        "only_here": "first",
        "tool": "from the layer",
        "file": True,
        "context": {"k": "v"},
    }
    assert [each["Arn"] for each in api.get_function(FunctionName=name)["Configuration"]["Layers"]] == arns


def test_reserved_concurrency_throttles_callers_and_readers(world):
    api = world.client("lambda")
    with stage(world) as made:
        name = made.function("obeys")
        alias = world.olap_over(made.supporting, name)[1]
        api.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
        call = made.threads.submit(fetch, presign(world, alias, "key"))
        puppet = made.puppets.next()
        refused = fetch(presign(world, alias, "key"))
        assert (refused.status, refused.code) == (503, "SlowDown")
        with pytest.raises(ClientError) as error:
            api.invoke(FunctionName=name)
        assert code_of(error) == "TooManyRequestsException"
        assert error.value.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
        puppet.writes(Body="good")
        puppet.returns()
        assert call.result(20).body == b"good"
        api.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
        assert fetch(presign(world, alias, "key")).code == "SlowDown"
        api.delete_function_concurrency(FunctionName=name)
        call = made.threads.submit(fetch, presign(world, alias, "key"))
        puppet = made.puppets.next()
        puppet.writes(Body="again")
        puppet.returns()
        assert call.result(20).body == b"again"


def test_a_permission_lets_a_user_invoke_and_no_more(world):
    api, name = world.client("lambda"), world.function("version_a", Publish=True)
    user, key, secret = world.user()
    theirs = world.client_as("lambda", key, secret)
    with pytest.raises(ClientError) as error:
        theirs.invoke(FunctionName=name)
    assert code_of(error) == "AccessDeniedException"
    principal = f"arn:aws:iam::{ACCOUNT}:user/{user}"
    grant = {"Action": "lambda:InvokeFunction", "Principal": principal, "StatementId": "user"}
    api.add_permission(FunctionName=name, **grant)
    assert theirs.invoke(FunctionName=name)["StatusCode"] == 200
    with pytest.raises(ClientError) as error:
        theirs.invoke(FunctionName=name, Qualifier="1")
    assert code_of(error) == "AccessDeniedException"
    with pytest.raises(ClientError) as error:
        theirs.delete_function(FunctionName=name)
    assert code_of(error) == "AccessDeniedException"
    api.add_permission(FunctionName=name, Qualifier="1", **grant)
    assert theirs.invoke(FunctionName=f"{name}:1")["ExecutedVersion"] == "1"
    api.remove_permission(FunctionName=name, StatementId="user")
    with pytest.raises(ClientError) as error:
        theirs.invoke(FunctionName=name)
    assert code_of(error) == "AccessDeniedException"


def test_code_comes_from_a_bucket_with_the_callers_rights(world):
    s3, bucket = world.client("s3"), world.bucket()
    s3.put_object(Bucket=bucket, Key="f.zip", Body=zip_path(FUNCTIONS / "version_a.py"))
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": ["lambda:*", "iam:PassRole"], "Resource": "*"},
            {
                "Effect": "Allow",
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{bucket}/allowed/*",
                # Those of whoever creates the function, for whose read it is.
                "Condition": {
                    "IpAddress": {"aws:SourceIp": "127.0.0.0/8"},
                    "Bool": {"aws:SecureTransport": "false"},
                },
            },
        ],
    }
    _, key, secret = world.user(json.dumps(policy))
    theirs = world.client_as("lambda", key, secret)
    params = {
        "FunctionName": world.unique("function"),
        "Runtime": "python3.11",
        "Handler": "version_a.handler",
        "Role": f"arn:aws:iam::{ACCOUNT}:role/r",
    }
    with pytest.raises(ClientError) as error:
        theirs.create_function(**params, Code={"S3Bucket": bucket, "S3Key": "f.zip"})
    assert code_of(error) == "AccessDeniedException"
    s3.copy_object(Bucket=bucket, Key="allowed/f.zip", CopySource=f"{bucket}/f.zip")
    theirs.create_function(**params, Code={"S3Bucket": bucket, "S3Key": "allowed/f.zip"})
    assert theirs.invoke(FunctionName=params["FunctionName"])["ExecutedVersion"] == "$LATEST"
    with pytest.raises(ClientError) as error:
        world.client("lambda").update_function_code(
            FunctionName=params["FunctionName"], S3Bucket=bucket, S3Key="not-there"
        )
    assert code_of(error) == "InvalidParameterValueException"
    assert "NoSuchKey" in str(error.value)


def test_a_layer_is_given_by_who_may_read_it(world):
    layer = world.client("lambda").publish_layer_version(
        LayerName=world.unique("layer"), Content={"ZipFile": zipped(**{"x.py": ""})}
    )["LayerVersionArn"]
    every = {"Effect": "Allow", "Action": "lambda:*", "Resource": "*"}
    deny = {"Effect": "Deny", "Action": "lambda:GetLayerVersion", "Resource": layer}
    for statements, allowed in (([every, deny], False), ([every], True)):
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        _, key, secret = world.user(policy)
        theirs = world.client_as("lambda", key, secret)
        name = world.function("version_a")
        settings = {"FunctionName": name, "Layers": [layer]}
        if allowed:
            assert theirs.update_function_configuration(**settings)["Layers"][0]["Arn"] == layer
            continue
        with pytest.raises(ClientError) as error:
            theirs.update_function_configuration(**settings)
        assert code_of(error) == "AccessDeniedException"
        assert "lambda:GetLayerVersion" in str(error.value)


def test_a_response_stream_is_read_by_boto3(world):
    name = world.function("version_a")
    answer = world.client("lambda").invoke_with_response_stream(FunctionName=name, LogType="Tail")
    assert answer["ExecutedVersion"] == "$LATEST"
    events = list(answer["EventStream"])
    assert json.loads(events[0]["PayloadChunk"]["Payload"]).startswith("a|")
    assert b"REPORT" in base64.b64decode(events[-1]["InvokeComplete"]["LogResult"])
    broken = world.function("raises")
    events = list(world.client("lambda").invoke_with_response_stream(FunctionName=broken)["EventStream"])
    assert events[-1]["InvokeComplete"]["ErrorCode"] == "Unhandled"


def test_events_run_after_their_answer(world):
    api, name = world.client("lambda"), world.function("version_a")
    assert api.invoke(FunctionName=name, InvocationType="Event")["StatusCode"] == 202
    wait_until(lambda: world.log().count("invoke.event_done") >= 1)
    assert api.invoke_async(FunctionName=name, InvokeArgs=b"{}")["Status"] == 202
    assert api.invoke(FunctionName=name, InvocationType="DryRun")["StatusCode"] == 204
    with pytest.raises(ClientError) as error:
        api.invoke(FunctionName=name, Payload=b"{")
    assert code_of(error) == "InvalidRequestContentException"
    with pytest.raises(ClientError) as error:
        api.invoke(FunctionName=name, Payload=b'"' + b"x" * (6 << 20) + b'"')
    assert code_of(error) == "RequestTooLargeException"


def test_every_waiter_ends_and_every_list_has_its_paginator(world):
    api = world.client("lambda")
    name = world.function("version_a", Publish=True, Tags={"a": "b"})
    for waiter in (
        "function_exists",
        "function_active",
        "function_active_v2",
        "function_updated",
        "function_updated_v2",
    ):
        api.get_waiter(waiter).wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 1})
    api.get_waiter("published_version_active").wait(FunctionName=name, Qualifier="1")
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
    api.tag_resource(Resource=arn, Tags={"c": "d"})
    api.untag_resource(Resource=arn, TagKeys=["a"])
    assert api.list_tags(Resource=arn)["Tags"] == {"c": "d"}
    for paginator, wanted in {
        "list_versions_by_function": {"FunctionName": name},
        "list_aliases": {"FunctionName": name},
        "list_functions": {"FunctionVersion": "ALL"},
        "list_layers": {},
        "list_function_event_invoke_configs": {"FunctionName": name},
        "list_event_source_mappings": {},
    }.items():
        pages = api.get_paginator(paginator).paginate(**wanted, PaginationConfig={"PageSize": 1})
        assert all(page["ResponseMetadata"]["HTTPStatusCode"] == 200 for page in pages)
    with pytest.raises(ClientError) as error:
        api.create_function_url_config(FunctionName=name, AuthType="NONE")
    assert code_of(error) == "NotImplementedException"
    assert "CreateFunctionUrlConfig" in str(error.value)


def test_two_creates_at_once_give_one_function(world):
    api, name = world.client("lambda"), world.unique("function")
    start = threading.Barrier(4)

    def create(_):
        start.wait(10)
        try:
            api.create_function(
                FunctionName=name,
                Runtime="python3.11",
                Handler="version_a.handler",
                Role=f"arn:aws:iam::{ACCOUNT}:role/r",
                Code={"ZipFile": zip_path(FUNCTIONS / "version_a.py")},
            )
        except ClientError as error:
            return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]
        return 201, ""

    with ThreadPoolExecutor(4) as threads:
        ended = sorted(threads.map(create, range(4)))
    assert ended == [(201, "")] + [(409, "ResourceConflictException")] * 3


def test_code_is_downloaded_with_nothing_but_its_url(world):
    api = world.client("lambda")
    name = world.function("version_a", Publish=True)
    first = zip_path(FUNCTIONS / "version_a.py")
    api.update_function_code(FunctionName=name, ZipFile=zip_path(FUNCTIONS / "raises.py"))
    url = api.get_function(FunctionName=name, Qualifier="1")["Code"]["Location"]
    answer = urllib3.request("GET", url)
    assert (answer.status, answer.data, answer.headers["Content-Type"]) == (200, first, "application/zip")
    other = world.function("echoes")
    for changed in (
        url.replace(name, other),
        url.replace("Qualifier=1", "Qualifier=%24LATEST"),
        url.partition("?")[0],
    ):
        assert urllib3.request("GET", changed, retries=False).status == 403
    layer = api.publish_layer_version(LayerName=world.unique("layer"), Content={"ZipFile": first})
    assert urllib3.request("GET", layer["Content"]["Location"]).data == first
    assert (
        world.client("onread").get_function_code(FunctionName=name, Qualifier="1")["Content"].read() == first
    )

    allowed = {
        "Effect": "Allow",
        "Action": "lambda:GetFunction",
        "Resource": f"arn:aws:lambda:*:*:function:{name}",
    }
    user, key, secret = world.user(json.dumps({"Version": "2012-10-17", "Statement": allowed}))
    url = world.client_as("lambda", key, secret).get_function(FunctionName=name)["Code"]["Location"]
    assert urllib3.request("GET", url, retries=False).status == 200
    world.client("iam").delete_user_policy(UserName=user, PolicyName="test")
    assert urllib3.request("GET", url, retries=False).status == 403
