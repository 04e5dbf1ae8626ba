"""Which actions are asked about: of every key of a batch, of versions, of what else an operation reads."""

import asyncio
import base64
import hashlib
import json
from dataclasses import replace

import pytest
from tests.fakes.road import ACCOUNT, open_road

from onread.errors import NoSuchKey
from onread.stores.bucket_settings import BucketSettings
from onread.wire.message import Response

BUCKET = "arn:aws:s3:::bucket/*"
OLAP = f"arn:aws:s3-object-lambda:us-east-1:{ACCOUNT}:accesspoint/olap"
OPEN = {"StringEquals": {"s3:ExistingObjectTag/class": "open"}}


def statement(effect, action, resource="*", condition=None, **more):
    return {
        "Effect": effect,
        "Action": action,
        "Resource": resource,
        **({"Condition": condition} if condition else {}),
        **more,
    }


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def denies(action, condition=None):
    return policy(statement("Allow", "*"), statement("Deny", action, condition=condition))


def run(tmp_path, story, tags=None):
    async def look_up(named):
        return (tags or {}).get(named.key, {})

    async def told():
        async with asyncio.timeout(60), open_road(tmp_path / "data") as road:
            road.pipeline = replace(
                road.pipeline, authorize=replace(road.pipeline.authorize, look_up_tags=look_up)
            )
            await road.call("PUT", "/bucket")
            for key in ("open", "secret"):
                await road.call("PUT", f"/bucket/{key}", b"content")
            return await story(road)

    return asyncio.run(told())


def delete(road, bucket, *named, headers=(), etag="", **options):
    """Keys, or pairs of a key and a version."""
    pairs = [each if isinstance(each, tuple) else (each, None) for each in named]
    versions = ["" if version is None else f"<VersionId>{version}</VersionId>" for _, version in pairs]
    objects = "".join(
        f"<Object><Key>{key}</Key>{version}{etag}</Object>"
        for (key, _), version in zip(pairs, versions, strict=True)
    )
    document = f"<Delete>{objects}</Delete>".encode()
    md5 = base64.b64encode(hashlib.md5(document).digest()).decode()
    return road.call(
        "POST", f"/{bucket}?delete", document, headers=(("content-md5", md5), *headers), **options
    )


async def olap(road, its_policy=None):
    supporting = await road.access_point("point", "bucket")
    return (await road.olap("olap", supporting, await road.function("f"), policy=its_policy)).alias


def left(road):
    return set(road.store.buckets["bucket"])


@pytest.mark.parametrize("version", ["", " ", " v"])
def test_an_empty_version_is_no_version_of_a_batch(tmp_path, version):
    """A store deletes the newest object then, and the policy would have been asked about a version."""

    async def story(road):
        user = await road.user("user", denies("s3:DeleteObject"))
        answers = [
            await delete(road, "bucket", ("open", version), key=user),
            await delete(road, "bucket", ("open", version)),
            await delete(road, await olap(road), ("open", version)),
        ]
        return [(answer.status, answer.code) for answer in answers], left(road)

    refused = (400, "InvalidArgument")
    assert run(tmp_path, story) == ([refused] * 3, {"open", "secret"})


def test_versions_of_a_batch_have_their_own_action_and_condition(tmp_path):
    async def story(road):
        one = denies("s3:DeleteObjectVersion", {"StringEquals": {"s3:VersionId": "v1"}})
        keys = [await road.user("all", denies("s3:DeleteObjectVersion")), await road.user("one", one)]
        return [
            (await delete(road, "bucket", ("open", "v1"), ("open", "v2"), key=key)).body for key in keys
        ], left(road)

    (every, one), remaining = run(tmp_path, story)
    entry = b"<Error><Key>open</Key><VersionId>%s</VersionId><Code>AccessDenied</Code>"
    assert [entry % version in every for version in (b"v1", b"v2")] == [True, True]
    assert [entry % version in one for version in (b"v1", b"v2")] == [True, False]
    assert remaining == {"secret"}


def test_the_refusals_in_a_stores_own_document_name_the_version(tmp_path):
    async def story(road):
        async def raw(call, scope):
            document = b"<DeleteResult><Deleted><Key>open</Key></Deleted></DeleteResult>"
            return Response(status=200, body=document)

        road.store.execute = raw
        user = await road.user("user", denies("s3:DeleteObjectVersion"))
        return await delete(road, "bucket", "open", ("secret", "v&amp;1"), key=user)

    expected = b"<Error><Key>secret</Key><VersionId>v&amp;1</VersionId><Code>AccessDenied</Code>"
    assert expected in run(tmp_path, story).body


def test_a_batch_that_goes_round_a_retention_needs_the_right_to(tmp_path):
    bypass = (("x-amz-bypass-governance-retention", "true"),)

    async def story(road):
        user = await road.user("user", denies("s3:BypassGovernanceRetention"))
        refused = await delete(road, "bucket", ("open", "v1"), headers=bypass, key=user)
        remaining = left(road)
        await delete(road, "bucket", ("open", "v1"), key=user)
        return refused.body.count(b"<Code>AccessDenied</Code>"), remaining, left(road)

    assert run(tmp_path, story) == (1, {"open", "secret"}, {"secret"})


@pytest.mark.parametrize(
    ("action", "deleted"), [("DeleteObjectVersion", {"secret"}), ("DeleteObject", {"open"})]
)
def test_an_object_lambda_access_point_is_asked_about_versions_of_a_batch(tmp_path, action, deleted):
    its_policy = policy(statement("Deny", f"s3-object-lambda:{action}", OLAP, Principal="*"))

    async def story(road):
        answer = await delete(road, await olap(road, its_policy), "secret", ("open", "null"))
        return answer.body.count(b"<Code>AccessDenied</Code>"), left(road)

    assert run(tmp_path, story) == (1, {"open", "secret"} - deleted)


def test_an_object_lambda_access_point_is_asked_about_an_etag_of_a_batch(tmp_path):
    """As for a single delete: whether the key goes tells what it holds."""
    its_policy = policy(statement("Deny", "s3-object-lambda:GetObject", OLAP, Principal="*"))

    async def story(road):
        alias = await olap(road, its_policy)
        named = await delete(road, alias, "open", etag='<ETag>"0"</ETag>')
        plain = await delete(road, alias, "secret")
        return [b"<Code>AccessDenied</Code>" in each.body for each in (named, plain)]

    assert run(tmp_path, story) == [True, False]


@pytest.mark.parametrize(
    "its_statements",
    [
        [statement("Allow", "s3-object-lambda:DeleteObject", OLAP, OPEN)],
        [
            statement("Allow", "s3-object-lambda:DeleteObject", OLAP),
            statement(
                "Deny",
                "s3-object-lambda:DeleteObject",
                OLAP,
                {"StringNotEquals": {"s3:ExistingObjectTag/class": "open"}},
            ),
        ],
    ],
    ids=["allow", "deny"],
)
def test_each_key_of_a_batch_is_for_its_own_tags_to_say(tmp_path, its_statements):
    tags = {"open": {"class": "open"}, "secret": {"class": "secret"}}

    async def story(road):
        alias = await olap(road)
        user = await road.user("user", policy(statement("Allow", "s3:DeleteObject"), *its_statements))
        nobody = await road.user("nobody", policy(statement("Allow", "s3:DeleteObject")))
        return (
            (await delete(road, alias, "open", "secret", key=nobody)).body.count(b"AccessDenied"),
            (await delete(road, alias, "open", "secret", key=user)).body.count(b"AccessDenied"),
            left(road),
        )

    assert run(tmp_path, story, tags) == (2, 1, {"secret"})


def test_strangers_delete_nothing_at_an_object_lambda_access_point(tmp_path):
    everybody = statement("Allow", "*", [OLAP, f"{OLAP}/*"], Principal="*")

    async def story(road):
        alias = await olap(road, policy(everybody))
        signed = road.signed("POST", f"/{alias}?delete", b"<Delete/>")
        unsigned = [
            pair for pair in signed.headers if not pair[0].lower().startswith(("authorization", "x-amz"))
        ]
        headers = type(signed.headers)(unsigned)
        return (await road.send(replace(signed, headers=headers))).status, left(road)

    assert run(tmp_path, story) == (403, {"open", "secret"})


@pytest.mark.parametrize(
    ("method", "query"),
    [
        ("PUT", "versionId=OLD"),
        ("PUT", "%76ersionId=OLD"),
        ("PUT", "versionId"),
        ("PUT", "uploadId=u&partNumber=1&versionId=OLD"),
        ("POST", "uploads&versionId=OLD"),
        ("POST", "uploadId=u&versionId=OLD"),
        ("POST", "select&select-type=2&versionId=OLD"),
        ("DELETE", "uploadId=u&versionId=OLD"),
    ],
)
def test_a_version_where_none_can_be_asked_for_is_refused(tmp_path, method, query):
    async def story(road):
        road.store.calls.clear()
        return await road.call(method, f"/bucket/open?{query}", b"x"), road.store.calls

    answer, calls = run(tmp_path, story)
    assert (answer.status, answer.code, calls) == (400, "InvalidArgument", [])
    assert b"This operation does not accept a version-id." in answer.body


@pytest.mark.parametrize("version", ["", "%20", "%09v"])
@pytest.mark.parametrize(
    ("method", "query"),
    [
        ("GET", ""), ("DELETE", ""), ("GET", "tagging&"), ("GET", "acl&"), ("GET", "attributes&"),
        ("GET", "retention&"), ("GET", "legal-hold&"), ("POST", "restore&"), ("PUT", "retention&"),
    ],
)  # fmt: skip
def test_an_empty_version_is_none_anywhere(tmp_path, method, query, version):
    headers = (("x-amz-object-attributes", "ETag"),)

    async def story(road):
        road.store.calls.clear()
        target = f"/bucket/open?{query}versionId={version}"
        return (await road.call(method, target, headers=headers)).code, road.store.calls

    assert run(tmp_path, story) == ("InvalidArgument", [])


def test_attributes_of_an_object_are_told_to_its_readers(tmp_path):
    """ "You need both of the s3:GetObject and s3:GetObjectAttributes permissions." """
    secret = {"StringEquals": {"s3:ExistingObjectTag/class": "secret"}}
    first = {"StringEquals": {"s3:VersionId": "v1"}}
    bucket_policy = policy(
        statement("Deny", "s3:GetObject", BUCKET, secret, Principal="*"),
        statement("Deny", "s3:GetObjectVersion", BUCKET, first, Principal="*"),
    )

    async def story(road):
        point = (await road.access_point("other", "bucket")).alias
        places = ("bucket", point, await olap(road))
        road.store.settings["bucket"] = BucketSettings(account_id=ACCOUNT, policy=bucket_policy)
        asked = ("secret?attributes", "open?attributes", "open?attributes&versionId=v1")
        headers = (("x-amz-object-attributes", "ETag,ObjectSize"),)
        return [
            [(await road.call("GET", f"/{place}/{each}", headers=headers)).status for each in asked]
            for place in places
        ]

    # The fake store has no attributes: 501 says that it was asked.
    assert run(tmp_path, story, {"secret": {"class": "secret"}}) == [[403, 501, 403]] * 3


def test_the_version_of_a_copys_source_is_a_condition(tmp_path):
    one = denies("s3:GetObjectVersion", {"StringEquals": {"s3:VersionId": "v1"}})

    async def story(road):
        user = await road.user("user", one)
        point = (await road.access_point("other", "bucket")).arn
        sources = [
            f"{place}/open?versionId={version}"
            for place in ("bucket", f"{point}/object")
            for version in ("v1", "v2")
        ]
        return [
            (await road.call("PUT", "/bucket/new", headers=(("x-amz-copy-source", each),), key=user)).status
            for each in sources
        ]

    assert run(tmp_path, story) == [403, 501, 403, 501]


def test_a_batchs_etags_are_its_conditions_and_a_header_is_none(tmp_path):
    """ "DeleteObject and DeleteObjects requests that include the If-Match header with the ETag value." """
    deletes = statement("Allow", "s3:DeleteObject", condition={"Null": {"s3:if-match": "false"}})
    reads = statement("Allow", "s3:GetObject")

    async def story(road):
        blind, user = (
            await road.user("blind", policy(deletes)),
            await road.user("user", policy(deletes, reads)),
        )
        header, etag = (("if-match", "x"),), '<ETag>"e"</ETag>'
        answers = [
            await delete(road, "bucket", "open", headers=header, key=user),
            await delete(road, "bucket", "open", etag=etag, key=blind),
        ]
        remaining = left(road)
        await delete(road, "bucket", "open", etag=etag, key=user)
        return [answer.body.count(b"<Code>AccessDenied</Code>") for answer in answers], remaining, left(road)

    assert run(tmp_path, story) == ([1, 1], {"open", "secret"}, {"secret"})


def test_a_restore_writes_to_no_other_object(tmp_path):
    document = (
        b"<RestoreRequest><Type>SELECT</Type><OutputLocation><S3><BucketName>other</BucketName>"
        b"<Prefix>p</Prefix></S3></OutputLocation></RestoreRequest>"
    )

    async def story(road):
        road.store.calls.clear()
        return (await road.call("POST", "/bucket/open?restore", document)).code, road.store.calls

    assert run(tmp_path, story) == ("NotImplemented", [])


def test_who_may_not_list_learns_of_no_missing_key_by_its_attributes(tmp_path):
    async def story(road):
        async def missing(call, scope):
            raise NoSuchKey

        road.store.execute = missing
        users = [
            await road.user("reader", policy(statement("Allow", "s3:GetObject*"))),
            await road.user("lister", policy(statement("Allow", ["s3:GetObject*", "s3:ListBucket"]))),
        ]
        headers = (("x-amz-object-attributes", "ETag"),)
        return [
            (await road.call("GET", "/bucket/none?attributes", headers=headers, key=each)).code
            for each in users
        ]

    assert run(tmp_path, story) == ["AccessDenied", "NoSuchKey"]


@pytest.mark.parametrize(("headers", "query", "status"), [
    ((), "", 403), ((("if-none-match", "*"),), "", 200), ((("if-none-match", "*"),), "?uploads", 501),
    ((), "?uploads", 501), ((), "?uploadId=u&partNumber=1", 501), ((), "?uploadId=u", 403),
])  # fmt: skip
def test_conditional_writes_can_be_demanded(tmp_path, headers, query, status):
    """The User Guide's policy, as a deny: of what creates an object, and not of an upload's parts."""
    demanded = {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}}

    async def story(road):
        user = await road.user("user", denies("s3:PutObject", demanded))
        method = "POST" if query in ("?uploads", "?uploadId=u") else "PUT"
        body = b"<CompleteMultipartUpload/>" if query == "?uploadId=u" else b"x" * (query != "?uploads")
        return (await road.call(method, f"/bucket/new{query}", body, headers=headers, key=user)).status

    assert run(tmp_path, story) == status


def test_an_object_lambda_access_point_may_keep_tags_from_being_set(tmp_path):
    its_policy = policy(statement("Deny", "s3-object-lambda:PutObjectTagging", OLAP, Principal="*"))

    async def story(road):
        alias = await olap(road, its_policy)
        tagging = (("x-amz-tagging", "class=open"),)
        return [
            (await road.call("PUT", f"/{alias}/new", b"x", headers=each)).status for each in ((), tagging)
        ]

    assert run(tmp_path, story) == [200, 403]


@pytest.mark.parametrize("slashes", ["/", "//", "%5C"])
def test_a_slash_at_the_end_of_a_key_leads_round_no_deny(tmp_path, slashes):
    """A store may read ``secret`` then; a marker is read and written without a right to the bare name."""
    secret = statement("Deny", "s3:*", "arn:aws:s3:::bucket/secret")
    inside = statement("Allow", "s3:*", "arn:aws:s3:::bucket/folder/*")
    fence = {"Effect": "Deny", "Action": "s3:*", "NotResource": "arn:aws:s3:::bucket/folder/*"}

    async def story(road):
        authorizer = replace(road.pipeline.authorize, forwards=lambda _bucket: True)
        road.pipeline = replace(road.pipeline, authorize=authorizer)
        key = await road.user("user", policy(statement("Allow", "s3:*"), secret))
        source = (("x-amz-copy-source", f"bucket/secret{slashes}"),)
        fenced = await road.user("inside", policy(inside, fence))
        return [
            (await road.call("PUT", "/bucket/new", headers=source, key=key)).status,
            (await road.call("GET", f"/bucket/secret{slashes}?tagging", key=key)).status,
            (await road.call("PUT", "/bucket/folder/", key=fenced)).status,
            (await road.call("GET", "/bucket/folder/", key=fenced)).status,
        ]

    assert run(tmp_path, story) == [403, 403, 200, 200]
