"""Policies that name the tags of objects: who makes the gateway ask a store for them, when, and how often."""

import asyncio
import base64
import hashlib
import json
from dataclasses import replace

import pytest
from tests.fakes.road import ACCOUNT, HOST, open_road, request

from onread.errors import AccessDenied, SlowDown
from onread.gateway.known_tags import TaggedObject
from onread.stores.bucket_settings import BucketSettings
from onread.wire.message import BytesBody, IteratorBody

OPEN, SECRET = {"class": "open"}, {"class": "secret"}
KEYS = {"open": OPEN, "secret": SECRET, "bare": {}}


def tagged(value, key="s3:ExistingObjectTag/class"):
    return {"Condition": {"StringEquals": {key: value}}}


def statement(effect, action, resource="*", **more):
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


DENY_SECRETS = policy(statement("Allow", "*"), statement("Deny", "*", **tagged("secret")))
ALLOW_OPEN = policy(statement("Allow", "*", **tagged("open")))


class Tags:
    """The store's, by key; or what it fails with."""

    def __init__(self):
        self.of = dict(KEYS)
        self.looks = []

    async def __call__(self, named):
        self.looks.append(named)
        found = self.of.get(named.key, {})
        if isinstance(found, Exception):
            raise found
        return found


def run(tmp_path, story):
    async def told():
        async with asyncio.timeout(60), open_road(tmp_path / "data") as road:
            tags = Tags()
            authorizer = replace(road.pipeline.authorize, look_up_tags=tags)
            road.pipeline = replace(road.pipeline, authorize=authorizer)
            await road.call("PUT", "/bucket")
            for key in KEYS:
                await road.call("PUT", f"/bucket/{key}", b"content")
            road.store.calls.clear()
            return await story(road, tags)

    return asyncio.run(told())


def delete(road, bucket, keys, **options):
    objects = "".join(f"<Object><Key>{key}</Key></Object>" for key in keys)
    document = f"<Delete>{objects}</Delete>".encode()
    md5 = base64.b64encode(hashlib.md5(document).digest()).decode()
    return road.call("POST", f"/{bucket}?delete", document, headers=(("content-md5", md5),), **options)


def looked(*keys):
    return [TaggedObject("bucket", key, None) for key in keys]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
def test_tags_decide_whether_they_allow_or_deny(tmp_path, method):
    async def story(road, tags):
        keys = [
            await road.user("careful", DENY_SECRETS),
            await road.user("narrow", ALLOW_OPEN),
        ]
        found = {}
        for key in (*KEYS, "none"):
            found[key] = [(await road.call(method, f"/bucket/{key}", key=each)).status for each in keys]
        return found, tags.looks

    found, looks = run(tmp_path, story)
    missing = {"GET": 404, "HEAD": 404, "PUT": 200}[method]
    # Who may not list learns nothing of a key that is not there, as without tags.
    assert found == {"open": [200, 200], "secret": [403, 403], "bare": [200, 403], "none": [missing, 403]}
    # An upload that was let in is asked about again at its end.
    expected = []
    for key, statuses in found.items():
        for status in statuses:
            expected += [key] * (2 if method == "PUT" and status == 200 else 1)
    assert looks == looked(*expected)


def test_no_store_is_asked_for_who_is_refused_or_allowed_without_it(tmp_path):
    """Neither strangers nor those whom no policy allows anything reach the store."""
    other = f"arn:aws:iam::{ACCOUNT}:user/somebody"
    about_another = {"Effect": "Deny", "Principal": {"AWS": other}, **tagged("secret")}
    bucket_policy = policy(
        {**about_another, "Action": "s3:*", "Resource": "arn:aws:s3:::bucket/*"},
        statement("Deny", "s3:DeleteObject", "arn:aws:s3:::bucket/*", Principal="*", **tagged("secret")),
        statement("Deny", "s3:GetObjectAcl", "arn:aws:s3:::bucket/*", Principal="*", **tagged("secret")),
    )
    conditions = {"StringEquals": {"s3:ExistingObjectTag/class": "open", "aws:UserAgent": "none of these"}}
    never = statement("Allow", "s3:PutObject", Condition=conditions)

    async def story(road, tags):
        road.store.settings["bucket"] = BucketSettings(account_id=ACCOUNT, policy=bucket_policy)
        root = await road.call("GET", "/bucket/secret")
        user = await road.user("reader", policy(statement("Allow", "s3:GetObject"), never))
        answers = [
            root.status,
            (await road.call("GET", "/bucket/secret", key=user)).status,
            (await road.call("DELETE", "/bucket/secret", key=user)).status,
            (await road.call("PUT", "/bucket/open", b"x", key=user)).status,
            (await road.send(request("GET", "/bucket/secret", BytesBody(b""), [("Host", HOST)]))).status,
        ]
        return answers, tags.looks

    assert run(tmp_path, story) == ([200, 200, 403, 403, 403], [])


UNTOLD = [AccessDenied(), SlowDown("The store of this bucket does not answer.")]


@pytest.mark.parametrize("untold", UNTOLD)
def test_who_is_allowed_whatever_the_tags_are_needs_no_store(tmp_path, untold):
    """An Allow by tag takes nothing from those whom another statement allows, wherever it stands."""
    allows = statement("Allow", "s3:GetObject", "arn:aws:s3:::bucket/*", Principal="*", **tagged("open"))

    async def story(road, tags):
        tags.of = dict.fromkeys(KEYS, untold)
        road.store.settings["bucket"] = BucketSettings(account_id=ACCOUNT, policy=policy(allows))
        everything, by_tag = statement("Allow", "*"), statement("Allow", "*", **tagged("open"))
        answers = [(await road.call("GET", "/bucket/open")).status]
        for name, statements in {
            "a": [everything],
            "b": [by_tag, everything],
            "c": [everything, by_tag],
        }.items():
            user = await road.user(name, policy(*statements))
            answers.append((await road.call("GET", "/bucket/open", key=user)).status)
        return answers, tags.looks

    assert run(tmp_path, story) == ([200] * 4, [])


def test_whatever_cannot_be_found_out_is_refused(tmp_path):
    async def story(road, tags):
        tags.of = {"open": AccessDenied(), "secret": SlowDown("The store of this bucket does not answer.")}
        found = []
        for each in (await road.user("careful", DENY_SECRETS), await road.user("narrow", ALLOW_OPEN)):
            for key in ("open", "secret"):
                answer = await road.call("GET", f"/bucket/{key}", key=each)
                found.append((answer.status, answer.code))
        return found, road.store.calls

    refused = [(403, "AccessDenied"), (503, "SlowDown")]
    assert run(tmp_path, story) == (refused * 2, [])


def test_a_batch_deletes_what_its_tags_allow(tmp_path):
    async def story(road, tags):
        tags.of["hidden"] = AccessDenied()
        user = await road.user("careful", DENY_SECRETS)
        answer = await delete(road, "bucket", [*KEYS, "hidden", "secret"], key=user)
        return answer, tags.looks, road.store.buckets["bucket"]

    answer, looks, left = run(tmp_path, story)
    assert answer.status == 200
    assert sorted(looks, key=str) == sorted(looked(*KEYS, "hidden"), key=str), "each of them once"
    assert set(left) == {"secret"}
    assert answer.body.count(b"<Code>AccessDenied</Code>") == 3


def test_a_batch_is_not_begun_while_its_store_does_not_answer(tmp_path):
    async def story(road, tags):
        tags.of["open"] = SlowDown()
        user = await road.user("careful", DENY_SECRETS)
        answer = await delete(road, "bucket", ["bare", "open"], key=user)
        return answer.code, set(road.store.buckets["bucket"])

    assert run(tmp_path, story) == ("SlowDown", set(KEYS))


def test_a_copys_source_and_its_version_are_asked_about(tmp_path):
    async def story(road, tags):
        user = await road.user("careful", DENY_SECRETS)
        codes = []
        for source in ("bucket/secret", "bucket/secret?versionId=v1", "bucket/open?versionId=v2"):
            headers = (("x-amz-copy-source", source),)
            codes.append((await road.call("PUT", "/bucket/new", headers=headers, key=user)).status)
        return codes, tags.looks

    codes, looks = run(tmp_path, story)
    assert codes == [403, 403, 501], "the fake store copies nothing"
    new = TaggedObject("bucket", "new", None)
    sources = [("secret", None), ("secret", "v1"), ("open", "v2")]
    assert looks == [each for key, version in sources for each in (new, TaggedObject("bucket", key, version))]


def test_a_version_is_asked_about_by_its_own_tags(tmp_path):
    async def story(road, tags):
        user = await road.user("careful", DENY_SECRETS)
        await road.call("GET", "/bucket/open?versionId=v1", key=user)
        return tags.looks

    assert run(tmp_path, story) == [TaggedObject("bucket", "open", "v1")]


def test_a_key_that_a_store_may_read_otherwise_is_asked_about_in_both_spellings(tmp_path):
    async def story(road, tags):
        authorizer = replace(road.pipeline.authorize, forwards=lambda _bucket: True)
        road.pipeline = replace(road.pipeline, authorize=authorizer)
        user = await road.user("careful", DENY_SECRETS)
        return (await road.call("GET", "/bucket//secret", key=user)).status, tags.looks

    assert run(tmp_path, story) == (403, looked("/secret", "secret"))


@pytest.mark.parametrize("where", ["bucket", "point"])
@pytest.mark.parametrize("key", ["s3:ExistingObjectTag/class", "s3:Existing\\u004fbjectTag/Class"])
def test_policies_of_resources_may_name_them_in_any_writing(tmp_path, where, key):
    resources = ["arn:aws:s3:::bucket/*", f"arn:aws:s3:us-east-1:{ACCOUNT}:accesspoint/point/object/*"]
    denies = policy(
        statement("Deny", "s3:GetObject", resources[where != "bucket"], Principal="*", **tagged("secret"))
    )
    denies = denies.replace("s3:ExistingObjectTag/class", key)
    assert key in denies

    async def story(road, tags):
        point = await road.access_point("point", "bucket", denies if where == "point" else None)
        if where == "bucket":
            road.store.settings["bucket"] = BucketSettings(account_id=ACCOUNT, policy=denies)
        return [(await road.call("GET", f"/{point.alias}/{key}")).status for key in KEYS], tags.looks

    assert run(tmp_path, story) == ([200, 403, 200], looked(*KEYS))


def test_an_object_lambda_access_point_asks_by_the_tags_of_the_original(tmp_path):
    olap = f"arn:aws:s3-object-lambda:us-east-1:{ACCOUNT}:accesspoint/olap"
    denies = policy(statement("Deny", "s3-object-lambda:*", olap, Principal="*", **tagged("secret")))

    async def story(road, tags):
        supporting = await road.access_point("point", "bucket")
        made = await road.olap("olap", supporting, await road.function("f"), policy=denies)
        refused = await road.call("GET", f"/{made.alias}/secret")
        invoked = len(road.invoker.runs)
        await road.call("GET", f"/{made.alias}/open")
        deleted = await delete(road, made.alias, ["bare", "secret"])
        return (refused.status, invoked, len(road.invoker.runs)), deleted, set(road.store.buckets["bucket"])

    found, deleted, left = run(tmp_path, story)
    assert found == (403, 0, 1)
    assert deleted.status == 200
    assert left == {"open", "secret"}


async def put(road, key, user, while_it_comes):
    """Upload to ``key``; ``while_it_comes`` is done when its first bytes have."""

    async def content():
        yield b"new"
        await while_it_comes()

    body = IteratorBody(content(), 3)
    sent = road.signed("PUT", f"/bucket/{key}", key=user, payload=body, payload_hash="UNSIGNED-PAYLOAD")
    return (await road.send(sent)).status


def test_T038_what_has_arrived_is_asked_about_by_the_tags_that_policies_name_then(tmp_path):
    async def story(road, tags):
        user = await road.user("careful", policy(statement("Allow", "*")))

        async def changes_the_policy():
            await road.records.put_user_policy(ACCOUNT, "careful", "test", DENY_SECRETS)

        answers = [await put(road, key, user, changes_the_policy) for key in ("secret", "open")]
        return answers, tags.looks, road.store.buckets["bucket"]["secret"]

    assert run(tmp_path, story) == ([403, 200], looked("secret", "open", "open"), b"content")


def test_T038_what_has_arrived_is_asked_about_by_the_tags_that_the_object_has_then(tmp_path):
    async def story(road, tags):
        user = await road.user("careful", DENY_SECRETS)

        async def becomes_secret():
            tags.of["open"] = SECRET

        status = await put(road, "open", user, becomes_secret)
        return status, tags.looks, road.store.buckets["bucket"]["open"]

    assert run(tmp_path, story) == (403, looked("open", "open"), b"content")


@pytest.mark.parametrize(("method", "look"), [("GET", 1), ("PUT", 2)])
def test_T038_policies_that_change_while_tags_are_looked_up_count(tmp_path, method, look):
    """The caller's own as well: before a request begins, and before an upload is kept."""

    async def story(road, tags):
        user = await road.user("careful", DENY_SECRETS)

        async def look_up(named):
            found = await tags(named)
            if len(tags.looks) == look:
                await road.records.put_user_policy(ACCOUNT, "careful", "test", policy(statement("Deny", "*")))
            return found

        authorizer = replace(road.pipeline.authorize, look_up_tags=look_up)
        road.pipeline = replace(road.pipeline, authorize=authorizer)
        status = (await road.call(method, "/bucket/open", b"new", key=user)).status
        return status, len(tags.looks), road.store.buckets["bucket"]["open"]

    assert run(tmp_path, story) == (403, look, b"content")
