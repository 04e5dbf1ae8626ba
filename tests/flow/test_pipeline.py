"""The road from bytes to answer: who is let through, who is not, and what is left of a refusal."""

import asyncio
import base64
import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import orjson
import pytest
import structlog
from sqlalchemy import event as database_event
from tests.fakes.road import ACCOUNT, HOST, REGION, ROOT, open_road, request

from onread.stores.bucket_settings import BucketSettings
from onread.wire.message import BytesBody, IteratorBody


def run(tmp_path, story, **options):
    async def told():
        async with open_road(tmp_path / "data", **options) as road:
            await road.call("PUT", "/bucket")
            await road.call("PUT", "/bucket/key", b"content")
            road.store.calls.clear()
            return await story(road)

    return asyncio.run(told())


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action, resource="*", **condition):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **condition}


VIA = {"Condition": {"ForAnyValue:StringEquals": {"aws:CalledVia": ["s3-object-lambda.amazonaws.com"]}}}


def test_a_signed_read_is_answered_and_carries_our_request_id(tmp_path):
    async def story(road):
        return await road.call("GET", "/bucket/key", headers=(("x-amz-request-id", "mine"),))

    answer = run(tmp_path, story)
    assert (answer.status, answer.body) == (200, b"content")
    assert len(answer.headers.get_all("x-amz-request-id")) == 1
    assert len(answer.headers.get("x-amz-request-id")) == 36


@pytest.mark.parametrize("path", ["/bucket/key", "/bucket/none"])
def test_T064_no_answer_may_be_sniffed(tmp_path, path):
    async def story(road):
        return await road.call("GET", path)

    assert run(tmp_path, story).headers.get("x-content-type-options") == "nosniff"


def test_T001_an_unsigned_request_reads_nothing(tmp_path):
    async def story(road):
        answer = await road.send(request("GET", "/bucket/key", BytesBody(b""), [("Host", HOST)]))
        return answer, road.store.calls

    answer, calls = run(tmp_path, story)
    assert (answer.status, answer.code, calls) == (403, "AccessDenied", [])


def test_T001_an_unsigned_request_manages_nothing(tmp_path):
    target = "/v20180820/accesspoint"
    headers = [("Host", f"{ACCOUNT}.localhost"), ("x-amz-account-id", ACCOUNT)]

    async def story(road):
        return await road.send(request("GET", target, BytesBody(b""), headers, host=f"{ACCOUNT}.localhost"))

    answer = run(tmp_path, story)
    assert (answer.status, answer.code) == (403, "MissingAuthenticationToken")


def test_T002_an_invented_signature_writes_nothing(tmp_path):
    async def story(road):
        answer = await road.call("PUT", "/bucket/other", b"x", key=(ROOT[0], "not the secret"))
        return answer, road.store.calls

    answer, calls = run(tmp_path, story)
    assert (answer.status, answer.code, calls) == (403, "SignatureDoesNotMatch", [])


def test_an_unknown_key_is_refused(tmp_path):
    async def story(road):
        return await road.call("GET", "/bucket/key", key=("AKIANOBODYNOBODYNOBO", "x"))

    assert run(tmp_path, story).code == "InvalidAccessKeyId"


def test_T005_an_old_signature_is_refused(tmp_path):
    async def story(road):
        return await road.call("GET", "/bucket/key", age=timedelta(minutes=16))

    assert run(tmp_path, story).code == "RequestTimeTooSkewed"


def test_T011_a_body_that_is_not_the_declared_one_is_not_kept(tmp_path):
    async def story(road):
        answer = await road.call("PUT", "/bucket/other", b"x", payload_hash=sha256(b"y").hexdigest())
        return answer, road.store.buckets["bucket"]

    answer, objects = run(tmp_path, story)
    assert (answer.code, "other" in objects) == ("XAmzContentSHA256Mismatch", False)


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (("x-amz-checksum-crc32", "AAAAAA=="), "BadDigest"),
        (("x-amz-checksum-crc32", "short"), "InvalidRequest"),
        (("content-md5", "short"), "InvalidDigest"),
        (("content-md5", base64.b64encode(bytes(16)).decode()), "BadDigest"),
    ],
)
def test_T032_a_wrong_checksum_keeps_nothing(tmp_path, header, code):
    async def story(road):
        answer = await road.call("PUT", "/bucket/other", b"content", headers=(header,))
        return answer, road.store.buckets["bucket"]

    answer, objects = run(tmp_path, story)
    assert (answer.code, "other" in objects) == (code, False)


def test_T036_a_chunked_encoding_without_its_marker_is_refused(tmp_path):
    async def story(road):
        return await road.call("PUT", "/bucket/o", b"x", headers=(("content-encoding", "aws-chunked"),))

    assert run(tmp_path, story).code == "InvalidRequest"


def test_an_unsigned_trailer_upload_is_decoded_and_its_checksum_compared(tmp_path):
    body = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"
    headers = (
        ("content-encoding", "aws-chunked"),
        ("x-amz-decoded-content-length", "5"),
        ("x-amz-trailer", "x-amz-checksum-crc32"),
    )

    async def story(road):
        options = {"headers": headers, "payload_hash": "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}
        good = await road.call("PUT", "/bucket/good", body, **options)
        bad = await road.call("PUT", "/bucket/bad", body.replace(b"hello", b"jello"), **options)
        return good, bad, road.store.buckets["bucket"]

    good, bad, objects = run(tmp_path, story)
    assert (good.status, objects["good"]) == (200, b"hello")
    assert (bad.code, "bad" in objects) == ("BadDigest", False)


def test_a_write_without_a_length_is_refused(tmp_path):
    async def story(road):
        sent = road.signed("PUT", "/bucket/o", payload=IteratorBody(_chunks(b"x")))
        return await road.send(sent)

    assert run(tmp_path, story).code == "MissingContentLength"


async def _chunks(*chunks):
    for chunk in chunks:
        yield chunk


def test_T215_another_owner_than_expected_is_refused(tmp_path):
    async def story(road):
        wrong = (("x-amz-expected-bucket-owner", "111111111111"),)
        odd = (("x-amz-expected-bucket-owner", "me"),)
        right = (("x-amz-expected-bucket-owner", ACCOUNT),)
        return [(await road.call("GET", "/bucket/key", headers=h)).code for h in (wrong, odd, right)]

    assert run(tmp_path, story) == ["AccessDenied", "InvalidBucketOwnerAWSAccountID", ""]


def test_a_user_without_policy_may_do_nothing(tmp_path):
    async def story(road):
        key = await road.user("ann")
        return (await road.call("GET", "/bucket/key", key=key)).code

    assert run(tmp_path, story) == "AccessDenied"


def test_T211_who_may_not_list_does_not_learn_which_keys_are_missing(tmp_path):
    async def story(road):
        reader = await road.user("ann", policy(allow("s3:GetObject")))
        lister = await road.user("bob", policy(allow(["s3:GetObject", "s3:ListBucket"])))
        return [(await road.call("GET", "/bucket/none", key=key)).code for key in (reader, lister)]

    assert run(tmp_path, story) == ["AccessDenied", "NoSuchKey"]


def test_T213_a_batch_delete_checks_every_key(tmp_path):
    document = b"<Delete><Object><Key>mine</Key></Object><Object><Key>key</Key></Object></Delete>"
    md5 = base64.b64encode(__import__("hashlib").md5(document).digest()).decode()

    async def story(road):
        await road.call("PUT", "/bucket/mine", b"x")
        key = await road.user("ann", policy(allow("s3:DeleteObject", "arn:aws:s3:::bucket/mine")))
        answer = await road.call("POST", "/bucket?delete", document, key=key, headers=(("content-md5", md5),))
        return answer, sorted(road.store.buckets["bucket"])

    answer, left = run(tmp_path, story)
    assert left == ["key"]
    assert b"<Deleted><Key>mine</Key>" in answer.body
    assert b"<Error><Key>key</Key><Code>AccessDenied</Code>" in answer.body


def delete_document(keys):
    document = b"".join(b"<Object><Key>%b</Key></Object>" % key.encode() for key in keys)
    return b"<Delete>" + document + b"</Delete>"


def delete_keys(road, keys, **options):
    document = delete_document(keys)
    md5 = base64.b64encode(hashlib.md5(document).digest()).decode()
    return road.call("POST", "/bucket?delete", document, headers=(("content-md5", md5),), **options)


def test_a_batch_delete_of_which_nothing_is_allowed_names_every_key(tmp_path):
    async def story(road):
        return await delete_keys(road, ["key", "other"], key=await road.user("ann"))

    answer = run(tmp_path, story)
    assert (answer.status, answer.body.count(b"<Code>AccessDenied</Code>")) == (200, 2)


def test_a_batch_delete_of_too_many_keys_asks_no_policy(tmp_path):
    async def story(road):
        with structlog.testing.capture_logs() as logs:
            answer = await delete_keys(road, map(str, range(1001)), key=await road.user("ann"))
        return answer, [entry for entry in logs if entry["event"] == "access.denied"]

    answer, asked = run(tmp_path, story)
    assert (answer.status, answer.code, asked) == (400, "MalformedXML", [])


def test_a_bucket_with_access_points_is_not_deleted(tmp_path):
    async def story(road):
        await road.access_point("point", "bucket")
        return (await road.call("DELETE", "/bucket")).code

    assert run(tmp_path, story) == "BucketHasAccessPointsAttached"


def test_an_access_point_offers_no_bucket_management(tmp_path):
    async def story(road):
        point = await road.access_point("point", "bucket")
        return await road.call("DELETE", f"/{point.alias}")

    assert run(tmp_path, story).status == 405


def test_an_unknown_alias_is_refused(tmp_path):
    async def story(road):
        return (await road.call("GET", f"/none-{'b' * 29}--ol-s3/key")).code

    assert run(tmp_path, story) == "InvalidAccessPointAliasError"


def test_T131_a_deny_at_the_access_point_holds_for_what_passes_through(tmp_path):
    denied = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}],
        }
    )

    async def story(road):
        point = await road.access_point("point", "bucket", policy=denied)
        olap = await road.olap("reader", point, await road.function("f"))
        return (await road.call("PUT", f"/{olap.alias}/other", b"x")).code

    assert run(tmp_path, story) == "AccessDenied"


@pytest.mark.parametrize(("restricted", "status"), [(False, 200), (True, 403)])
def test_a_public_policy_opens_nothing_while_public_access_is_restricted(tmp_path, restricted, status):
    async def story(road):
        everyone = policy({"Principal": "*", **allow("s3:GetObject")})
        block = {"RestrictPublicBuckets": restricted}
        road.store.settings["bucket"] = BucketSettings(account_id=ACCOUNT, policy=everyone)
        point = await road.access_point("point", "bucket", everyone, public_access_block=block)
        return await road.send(request("GET", f"/{point.alias}/key", BytesBody(b""), [("Host", HOST)]))

    assert run(tmp_path, story).status == status


def test_a_stranger_whose_payload_hash_is_none_is_told_so(tmp_path):
    async def story(road):
        everyone = policy({"Principal": "*", **allow("s3:PutObject")})
        road.store.settings["bucket"] = BucketSettings(account_id=ACCOUNT, policy=everyone)
        point = await road.access_point("point", "bucket", everyone)
        headers = [("Host", HOST), ("x-amz-content-sha256", "zz")]
        return await road.send(request("PUT", f"/{point.alias}/new", BytesBody(b"x"), headers))

    answer = run(tmp_path, story)
    assert (answer.status, answer.code) == (400, "InvalidArgument")


def test_T138_a_reader_who_may_not_invoke_is_told_so_before_anything_runs(tmp_path):
    async def story(road):
        point = await road.access_point("point", "bucket")
        olap = await road.olap("reader", point, await road.function("f"))
        key = await road.user("ann", policy(allow("s3-object-lambda:*"), allow("s3:*")))
        return (await road.call("GET", f"/{olap.alias}/key", key=key)).code, road.invoker.runs

    assert run(tmp_path, story) == ("LambdaPermissionError", [])


def test_data_can_be_made_readable_only_through_its_transformation(tmp_path):
    """The standard pattern: s3:Get* on the access point with aws:CalledVia, and not otherwise."""

    async def story(road):
        point = await road.access_point("point", "bucket")
        olap = await road.olap("reader", point, await road.function("f"))
        statements = (
            allow("s3-object-lambda:*"),
            allow("lambda:InvokeFunction", "*", **VIA),
            allow("s3:*", "*", **VIA),
        )
        key = await road.user("ann", policy(*statements))
        straight = await road.call("GET", f"/{point.alias}/key", key=key)
        head = await road.call("HEAD", f"/{olap.alias}/key", key=key)
        read = await road.call("GET", f"/{olap.alias}/key", key=key)
        return straight.code, head.status, read.code

    assert run(tmp_path, story) == ("AccessDenied", 200, "LambdaResponseNotReceived")


def test_a_function_reads_and_writes_by_the_same_road_which_asks_no_database(tmp_path, database_location):
    """One door: the input URL and the answer are ordinary requests with their own signatures."""
    statements = []
    seen = {}

    async def function(event):
        context = event["getObjectContext"]
        url = context["inputS3Url"].removeprefix(f"http://{HOST}")
        original = await seen["road"].send(request("GET", url, BytesBody(b""), [("Host", HOST)]))
        headers = (
            ("x-amz-request-route", context["outputRoute"]),
            ("x-amz-request-token", context["outputToken"]),
        )
        written = seen["road"].signed(
            "POST",
            "/WriteGetObjectResponse",
            original.body.upper(),
            headers=headers,
            key=seen["keys"][:2],
            session_token=seen["keys"][2],
            service="s3-object-lambda",
        )
        seen["written"] = await seen["road"].send(written)

    async def story(road):
        point = await road.access_point("point", "bucket")
        made = await road.function("f")
        olap = await road.olap("reader", point, made)
        road.live.add("environment-1")
        seen["road"] = road
        seen["keys"] = road.function_keys(made, "environment-1")
        reader = await road.user("reader", policy(allow(["s3:*", "s3-object-lambda:*", "lambda:*"])))
        road.pipeline = replace(road.pipeline, catch_up=road.records.catch_up)
        await road.records.catch_up()  # over SQLite, once after each change, our own too
        engine = road.records._database.engine
        database_event.listen(engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
        plain = await road.call("GET", "/bucket/key", key=reader)
        answer = await road.call("GET", f"/{olap.alias}/key", key=reader)
        await asyncio.wait([run.finished for run in road.invoker.runs])
        assert statements == []
        await road.user("another")
        assert statements  # they were counted
        return plain, answer

    plain, answer = run(tmp_path, story, function=function, location=database_location)
    assert (plain.status, plain.body) == (200, b"content")
    assert (answer.status, answer.body) == (200, b"CONTENT")
    assert seen["written"].status == 200


def test_T136_an_input_url_ends_with_the_run_it_was_made_for(tmp_path):
    seen = {}

    async def read(road):
        return await road.send(request("GET", seen["url"], BytesBody(b""), [("Host", HOST)]))

    async def function(event):
        seen["url"] = event["getObjectContext"]["inputS3Url"].removeprefix(f"http://{HOST}")
        seen["during"] = await read(seen["road"])

    async def story(road):
        seen["road"] = road
        point = await road.access_point("point", "bucket")
        olap = await road.olap("reader", point, await road.function("f"))
        await road.call("GET", f"/{olap.alias}/key")
        return await read(road)

    after = run(tmp_path, story, function=function)
    assert (seen["during"].status, seen["during"].body) == (200, b"content")
    assert (after.status, after.code) == (403, "AccessDenied")


@pytest.mark.parametrize("status", ["OK", "2e2", "200 OK"])
def test_T062_a_status_that_cannot_be_read_is_told_to_both_sides(tmp_path, status):
    seen = {}

    async def function(event):
        context = event["getObjectContext"]
        headers = (
            ("x-amz-request-route", context["outputRoute"]),
            ("x-amz-request-token", context["outputToken"]),
            ("x-amz-fwd-status", status),
        )
        write = seen["road"].signed(
            "POST", "/WriteGetObjectResponse", headers=headers, service="s3-object-lambda"
        )
        seen["written"] = await seen["road"].send(write)

    async def story(road):
        seen["road"] = road
        point = await road.access_point("point", "bucket")
        olap = await road.olap("reader", point, await road.function("f"))
        return await road.call("GET", f"/{olap.alias}/key")

    answer = run(tmp_path, story, function=function)
    assert (answer.status, answer.code) == (400, "LambdaInvalidResponse")
    assert (seen["written"].status, seen["written"].code) == (400, "ValidationError")


@pytest.mark.parametrize("target", ["/bucket/key", "/"])
def test_T141_a_functions_keys_are_good_for_nothing_else(tmp_path, target):
    async def story(road):
        keys = road.function_keys(await road.function("f"), "environment-1")
        road.live.add("environment-1")
        while_alive = await road.call("GET", target, key=keys[:2], session_token=keys[2])
        road.live.clear()
        afterwards = await road.call("GET", target, key=keys[:2], session_token=keys[2])
        return while_alive.code, afterwards.code

    assert run(tmp_path, story) == ("AccessDenied", "InvalidToken")


def test_a_wrong_signature_for_object_lambda_is_told_in_its_own_words(tmp_path):
    async def story(road):
        point = await road.access_point("point", "bucket")
        await road.olap("reader", point, await road.function("f"))
        host = f"reader-{ACCOUNT}.localhost"
        return await road.call("GET", "/key", key=(ROOT[0], "wrong"), service="s3-object-lambda", host=host)

    answer = run(tmp_path, story)
    assert (answer.status, answer.code) == (400, "InvalidSignature")


def test_an_unsigned_read_of_an_object_lambda_access_point_names_what_is_missing(tmp_path):
    async def story(road):
        host = f"reader-{ACCOUNT}.s3-object-lambda.{REGION}.amazonaws.com"
        return await road.send(request("GET", "/key", BytesBody(b""), [("Host", host)], host=host))

    assert run(tmp_path, story).code == "MissingAuthenticationToken"


def test_an_operation_that_nothing_answers_is_refused_by_its_name(tmp_path):
    async def story(road):
        return await road.call("GET", "/bucket?versions")

    answer = run(tmp_path, story)
    assert (answer.status, answer.code) == (501, "NotImplemented")
    assert b"ListObjectVersions" in answer.body


def test_a_bug_is_logged_whole_and_answered_without_detail(tmp_path):
    async def story(road):
        road.store.buckets = None
        with structlog.testing.capture_logs() as logs:
            return await road.call("GET", "/bucket/key"), logs

    answer, logs = run(tmp_path, story)
    assert (answer.status, answer.code) == (500, "InternalError")
    assert b"NoneType" not in answer.body
    (bug,) = [entry for entry in logs if entry["event"] == "request.bug"]
    assert bug["request_id"] == answer.headers.get("x-amz-request-id")


def test_one_line_tells_of_each_request(tmp_path):
    async def story(road):
        with structlog.testing.capture_logs() as logs:
            answer = await road.call("GET", "/bucket/key")
            return answer, [entry for entry in logs if entry["event"] == "request.done"]

    answer, (line,) = run(tmp_path, story)
    assert line["request_id"] == answer.headers.get("x-amz-request-id")
    assert line | {"operation": "GetObject", "status": 200, "outcome": "complete", "bytes_sent": 7} == line


def test_a_caller_who_leaves_is_told_as_cut(tmp_path):
    async def story(road):
        with structlog.testing.capture_logs() as logs:
            with pytest.raises(asyncio.CancelledError):
                async with road.pipeline.handle(road.signed("GET", "/bucket/key")):
                    raise asyncio.CancelledError
            return [entry["outcome"] for entry in logs if entry["event"] == "request.done"]

    assert run(tmp_path, story) == ["cut"]


def test_metrics_count_by_operation_and_status(tmp_path):
    async def story(road):
        await road.call("GET", "/bucket/key")
        await road.call("GET", "/bucket/none")
        return road.metrics.exposition().decode()

    text = run(tmp_path, story)
    assert 'onread_requests_total{operation="GetObject",service="s3",status="200"} 1.0' in text
    assert 'onread_requests_total{operation="GetObject",service="s3",status="404"} 1.0' in text


def test_an_error_of_a_head_has_no_body(tmp_path):
    async def story(road):
        return await road.call("HEAD", "/bucket/none")

    answer = run(tmp_path, story)
    assert (answer.status, answer.body) == (404, b"")


def test_iam_reads_its_action_from_the_form(tmp_path):
    async def story(road):
        body = b"Action=CreateUser&Version=2010-05-08&UserName=x"
        kind = (("content-type", "application/x-www-form-urlencoded"),)
        return await road.call("POST", "/", body, headers=kind, service="iam")

    answer = run(tmp_path, story)
    assert (answer.status, answer.code) == (400, "InvalidAction")
    assert b"CreateUser" in answer.body


@pytest.mark.parametrize(
    "declared", [sha256(b"Action=GetCallerIdentity&Version=2011-06-15").hexdigest(), "UNSIGNED-PAYLOAD"]
)
@pytest.mark.parametrize("service", ["iam", "sts"])
def test_T011_a_form_that_is_not_the_signed_one_is_refused(tmp_path, service, declared):
    async def story(road):
        body = b"Action=CreateUser&Version=2010-05-08&UserName=x"
        if service == "sts":
            body = b"Action=GetCallerIdentity&Version=2011-06-15&Other=1"
        kind = (("content-type", "application/x-www-form-urlencoded"),)
        return await road.call("POST", "/", body, headers=kind, service=service, payload_hash=declared)

    answer = run(tmp_path, story)
    assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")


def test_json_errors_are_json(tmp_path):
    async def story(road):
        return await road.call("GET", "/2015-03-31/functions", service="lambda", key=(ROOT[0], "wrong"))

    answer = run(tmp_path, story)
    assert answer.code == "InvalidSignatureException"
    assert orjson.loads(answer.body)["Type"] == "User"


def test_T209_a_stored_policy_that_cannot_be_read_any_more_denies_everything(tmp_path):
    async def story(road):
        key = await road.user("ann", policy(allow("*")) + "spoiled")
        with structlog.testing.capture_logs() as logs:
            answer = await road.call("GET", "/bucket/key", key=key)
        return answer.code, [entry["event"] for entry in logs if entry["log_level"] == "error"]

    assert run(tmp_path, story) == ("AccessDenied", ["policy.unreadable"])
