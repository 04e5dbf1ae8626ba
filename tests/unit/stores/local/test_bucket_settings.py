import json
import sqlite3
from contextlib import closing

import pytest

from onread import errors
from onread.stores.bucket_settings import PUBLIC_ACCESS_BLOCK
from onread.stores.local.schema import MIGRATIONS, migrate
from onread.stores.local.settings_rows import MOST_REMEMBERED
from onread.stores.local.store import LocalStore

from .opened import ACCOUNT, BUCKET, FakeClock, with_store

ALL_ON = dict.fromkeys(PUBLIC_ACCESS_BLOCK, True)


def policy(bucket=BUCKET, principal="*", action="s3:GetObject", resource=None):
    statement = {
        "Effect": "Allow",
        "Principal": principal,
        "Action": action,
        "Resource": resource or f"arn:aws:s3:::{bucket}/*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


PRIVATE = policy(principal={"AWS": f"arn:aws:iam::{ACCOUNT}:user/reader"})
RULE = {"AllowedOrigins": ["https://*.example.com"], "AllowedMethods": ["GET"], "AllowedHeaders": ["X-*"]}


def test_a_new_bucket_has_the_settings_of_aws(tmp_path):
    async def scenario(client):
        assert (await client("GetPublicAccessBlock"))["PublicAccessBlockConfiguration"] == ALL_ON
        owned = (await client("GetBucketOwnershipControls"))["OwnershipControls"]
        assert owned == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        for operation, refusal in (
            ("GetBucketPolicy", errors.NoSuchBucketPolicy),
            ("GetBucketPolicyStatus", errors.NoSuchBucketPolicy),
            ("GetBucketCors", errors.NoSuchCORSConfiguration),
            ("GetBucketTagging", errors.NoSuchTagSet),
        ):
            with pytest.raises(refusal):
                await client(operation)

    with_store(tmp_path, scenario)


def test_a_bucket_that_was_looked_for_is_found_once_it_is_made(tmp_path):
    async def scenario(client):
        assert client.store.bucket_settings("later") is None
        assert client.store.bucket_owner("later") is None
        await client("CreateBucket", "later")
        assert client.store.bucket_owner("later") == ACCOUNT
        await client("DeleteBucket", "later")
        assert client.store.bucket_owner("later") is None

    with_store(tmp_path, scenario)


def test_what_create_bucket_says_is_set(tmp_path):
    async def scenario(client):
        tags = [{"Key": "team", "Value": "data"}]
        await client(
            "CreateBucket",
            "second",
            ObjectOwnership="ObjectWriter",
            CreateBucketConfiguration={"Tags": tags},
        )
        assert (await client("GetBucketTagging", "second"))["TagSet"] == tags
        owned = (await client("GetBucketOwnershipControls", "second"))["OwnershipControls"]
        assert owned["Rules"][0]["ObjectOwnership"] == "ObjectWriter"
        with pytest.raises(errors.MalformedXML):
            await client("CreateBucket", "third", ObjectOwnership="Nobody")
        with pytest.raises(errors.InvalidBucketAclWithObjectOwnership):
            await client("CreateBucket", "third", ACL="public-read")

    with_store(tmp_path, scenario)


@pytest.mark.parametrize(
    ("kind", "params", "answer", "missing"),
    [
        ("BucketPolicy", {"Policy": PRIVATE}, {"Policy": PRIVATE}, errors.NoSuchBucketPolicy),
        (
            "PublicAccessBlock",
            {"PublicAccessBlockConfiguration": {"BlockPublicAcls": True}},
            {"PublicAccessBlockConfiguration": {**dict.fromkeys(ALL_ON, False), "BlockPublicAcls": True}},
            errors.NoSuchPublicAccessBlockConfiguration,
        ),
        (
            "BucketCors",
            {"CORSConfiguration": {"CORSRules": [RULE]}},
            {"CORSRules": [RULE]},
            errors.NoSuchCORSConfiguration,
        ),
        (
            "BucketTagging",
            {"Tagging": {"TagSet": [{"Key": "a", "Value": ""}]}},
            {"TagSet": [{"Key": "a", "Value": ""}]},
            errors.NoSuchTagSet,
        ),
        (
            "BucketOwnershipControls",
            {"OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}},
            {"OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}},
            errors.OwnershipControlsNotFoundError,
        ),
    ],
)
def test_put_then_get_then_delete(tmp_path, kind, params, answer, missing):
    deletion = f"Delete{kind}"

    async def first(client):
        await client(f"Put{kind}", **params)
        assert (await client(f"Get{kind}")).members == answer

    async def after_a_restart(client):
        assert (await client(f"Get{kind}")).members == answer
        for _ in range(2):
            await client(deletion)
        with pytest.raises(missing):
            await client(f"Get{kind}")
        for operation in (f"Put{kind}", f"Get{kind}", deletion):
            with pytest.raises(errors.NoSuchBucket):
                await client(operation, "nowhere-at-all", **params)

    with_store(tmp_path, first)
    with_store(tmp_path, after_a_restart)


def test_T214_a_public_policy_is_refused_until_the_block_is_lifted(tmp_path):
    async def scenario(client):
        with pytest.raises(errors.AccessDenied, match="BlockPublicPolicy"):
            await client("PutBucketPolicy", Policy=policy())
        await client("PutBucketPolicy", Policy=PRIVATE)
        assert (await client("GetBucketPolicyStatus"))["PolicyStatus"] == {"IsPublic": False}
        await client(
            "PutPublicAccessBlock", PublicAccessBlockConfiguration={**ALL_ON, "BlockPublicPolicy": False}
        )
        await client("PutBucketPolicy", Policy=policy())
        assert (await client("GetBucketPolicyStatus"))["PolicyStatus"] == {"IsPublic": True}

    with_store(tmp_path, scenario)


@pytest.mark.parametrize(
    "document",
    [
        "",
        "{",
        policy(principal={"AWS": "*"}, resource="arn:aws:s3:::another/*"),
        policy(resource=f"arn:aws:s3:::{BUCKET}x/*"),
        policy(resource=f"arn:aws:s3:us-east-1:{ACCOUNT}:accesspoint/a"),
        policy(action="lambda:InvokeFunction"),
        policy(action=["s3:GetObject", "iam:*"]),
        policy() + " " * 20 * 1024,
        '{"Version":"2012-10-17","Version":"2012-10-17","Statement":[]}',
    ],
)
def test_T209_a_policy_that_is_none_or_of_something_else_is_refused(tmp_path, document):
    async def scenario(client):
        with pytest.raises(errors.MalformedPolicy):
            await client("PutBucketPolicy", Policy=document)
        with pytest.raises(errors.NoSuchBucketPolicy):
            await client("GetBucketPolicy")

    with_store(tmp_path, scenario)


@pytest.mark.parametrize(
    "resource", ["*", "arn:aws:s3:::bucket-*", f"arn:aws:s3:::{BUCKET}", "arn:aws:s3:::*/a"]
)
def test_a_policy_may_name_the_bucket_by_a_pattern(tmp_path, resource):
    async def scenario(client):
        document = policy(principal={"AWS": ACCOUNT}, resource=resource, action="S3:*")
        await client("PutBucketPolicy", Policy=document)
        assert (await client("GetBucketPolicy"))["Policy"] == document

    with_store(tmp_path, scenario)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"AllowedMethods": ["PATCH"]}, errors.InvalidRequest),
        ({"AllowedMethods": ["get"]}, errors.InvalidRequest),
        ({"AllowedMethods": []}, errors.MalformedXML),
        ({"AllowedOrigins": []}, errors.MalformedXML),
        ({"AllowedOrigins": ["https://*.*"]}, errors.InvalidRequest),
        ({"AllowedOrigins": ["https://a\r\nX: y"]}, errors.InvalidRequest),
        ({"AllowedOrigins": ["https://é"]}, errors.InvalidRequest),
        ({"AllowedHeaders": ["x-*-*"]}, errors.InvalidRequest),
        ({"AllowedHeaders": ["x\n"]}, errors.InvalidRequest),
        ({"ExposeHeaders": ["*"]}, errors.InvalidRequest),
        ({"ExposeHeaders": ["ETag\r\nSet-Cookie: a=b"]}, errors.InvalidRequest),
        ({"MaxAgeSeconds": -1}, errors.InvalidRequest),
        ({"ID": "x" * 256}, errors.MalformedXML),
    ],
)
def test_T060_a_rule_that_could_be_no_header_is_refused(tmp_path, change, refusal):
    async def scenario(client):
        with pytest.raises(refusal):
            await client("PutBucketCors", CORSConfiguration={"CORSRules": [RULE, {**RULE, **change}]})
        with pytest.raises(errors.NoSuchCORSConfiguration):
            await client("GetBucketCors")

    with_store(tmp_path, scenario)


@pytest.mark.parametrize(("count", "is_kept"), [(0, False), (1, True), (100, True), (101, False)])
def test_a_hundred_rules_are_the_limit(tmp_path, count, is_kept):
    async def scenario(client):
        wanted = {"CORSRules": [RULE] * count}
        if is_kept:
            await client("PutBucketCors", CORSConfiguration=wanted)
            assert (await client("GetBucketCors")).members == wanted
            return
        with pytest.raises(errors.MalformedXML):
            await client("PutBucketCors", CORSConfiguration=wanted)

    with_store(tmp_path, scenario)


# What requests ask


def test_requests_see_what_is_set_at_once(tmp_path):
    async def scenario(client):
        settings = client.store.bucket_settings
        assert settings(BUCKET).account_id == ACCOUNT
        assert settings(BUCKET).blocks == frozenset(ALL_ON)
        assert settings("nowhere-at-all") is None
        await client("PutBucketPolicy", Policy=PRIVATE)
        assert settings(BUCKET).policy == PRIVATE
        await client("PutBucketCors", CORSConfiguration={"CORSRules": [RULE]})
        (rule,) = settings(BUCKET).cors
        assert (rule.origins, rule.methods, rule.headers) == (("https://*.example.com",), ("GET",), ("x-*",))
        await client("DeleteBucketPolicy")
        await client("DeletePublicAccessBlock")
        assert (settings(BUCKET).policy, settings(BUCKET).blocks) == (None, frozenset())

    with_store(tmp_path, scenario)


def test_T210_what_another_process_sets_is_seen_at_once(tmp_path):
    async def scenario(client):
        other = await LocalStore.open(tmp_path, clock=FakeClock(), joined=True)
        try:
            assert other.bucket_settings(BUCKET).policy is None
            await client("PutBucketPolicy", Policy=PRIVATE)
            assert other.bucket_settings(BUCKET).policy == PRIVATE
            await client("DeleteBucket")
            assert other.bucket_settings(BUCKET) is None
            await client("CreateBucket")
            assert other.bucket_settings(BUCKET).policy is None
        finally:
            await other.close()

    with_store(tmp_path, scenario)


def test_settings_are_read_once_and_then_remembered(tmp_path):
    async def scenario(client):
        asked = []
        client.store._engine.index.connection.set_trace_callback(asked.append)
        settings = client.store.bucket_settings
        settings(BUCKET)
        del asked[:]
        for _ in range(3):
            settings(BUCKET)
        assert asked == []
        await client.put("an-object", b"")
        del asked[:]
        settings(BUCKET)
        settings(BUCKET)
        assert len(asked) == 1, "a write that changes no setting costs one number"

    with_store(tmp_path, scenario)


def test_no_more_buckets_are_remembered_than_there_is_room_for(tmp_path):
    async def scenario(client):
        for number in range(MOST_REMEMBERED + 5):
            await client("CreateBucket", f"bucket-{number:04}")
        for number in range(MOST_REMEMBERED + 5):
            assert client.store.bucket_settings(f"bucket-{number:04}") is not None
        assert len(client.store._settings._known) == MOST_REMEMBERED

    with_store(tmp_path, scenario)


def test_the_settings_go_with_the_bucket(tmp_path):
    async def scenario(client):
        await client("PutBucketPolicy", Policy=PRIVATE)
        await client("DeleteBucket")
        with client.store._engine.index.reading() as connection:
            assert connection.execute("SELECT count(*) FROM bucket_settings").fetchone() == (0,)
        await client("CreateBucket")
        with pytest.raises(errors.NoSuchBucketPolicy):
            await client("GetBucketPolicy")

    with_store(tmp_path, scenario)


def test_buckets_of_an_older_file_stay_private(tmp_path):
    with closing(sqlite3.connect(tmp_path / "old.sqlite", isolation_level=None)) as connection:
        connection.executescript(f"BEGIN; {MIGRATIONS[0]} PRAGMA user_version = 1; COMMIT;")
        connection.execute("INSERT INTO buckets VALUES (1, 'old', '111122223333', 0)")
        migrate(connection)
        rows = dict(connection.execute("SELECT name, document FROM bucket_settings WHERE bucket_id = 1"))
    assert json.loads(rows["public_access_block"]) == ALL_ON
    assert json.loads(rows["ownership"]) == "BucketOwnerEnforced"


def test_a_failed_change_leaves_the_settings_as_they_were(tmp_path):
    async def scenario(client):
        await client("PutBucketPolicy", Policy=PRIVATE)
        with pytest.raises(errors.AccessDenied):
            await client("PutBucketPolicy", Policy=policy())
        assert client.store.bucket_settings(BUCKET).policy == PRIVATE

    with_store(tmp_path, scenario)


# What cannot be configured

NOT_CONFIGURED = {
    "GetBucketLifecycleConfiguration": ("NoSuchLifecycleConfiguration", 404),
    "GetBucketWebsite": ("NoSuchWebsiteConfiguration", 404),
    "GetBucketReplication": ("ReplicationConfigurationNotFoundError", 404),
    "GetObjectLockConfiguration": ("ObjectLockConfigurationNotFoundError", 404),
    "GetBucketAnalyticsConfiguration": ("NoSuchConfiguration", 404),
    "GetBucketInventoryConfiguration": ("NoSuchConfiguration", 404),
    "GetBucketMetricsConfiguration": ("NoSuchConfiguration", 404),
    "GetBucketIntelligentTieringConfiguration": ("NoSuchConfiguration", 404),
    "GetObjectRetention": ("InvalidRequest", 400),
    "GetObjectLegalHold": ("InvalidRequest", 400),
}
EMPTY = {
    "GetBucketAccelerateConfiguration": {},
    "GetBucketLogging": {},
    "GetBucketNotificationConfiguration": {},
    "GetBucketRequestPayment": {"Payer": "BucketOwner"},
    "GetBucketVersioning": {},
    "ListBucketAnalyticsConfigurations": {"IsTruncated": False},
    "DeleteBucketLifecycle": {},
    "DeleteBucketWebsite": {},
}


def test_what_cannot_be_configured_is_not_configured(tmp_path):
    async def scenario(client):
        for operation, expected in NOT_CONFIGURED.items():
            with pytest.raises(errors.S3Error) as caught:
                await client(operation, Key="k", Id="i")
            assert (caught.value.code, caught.value.status) == expected, operation
        for operation, expected in EMPTY.items():
            assert (await client(operation)).members == expected, operation
        for operation in (*NOT_CONFIGURED, *EMPTY):
            with pytest.raises(errors.NoSuchBucket):
                await client(operation, "nowhere-at-all", Key="k", Id="i")

    with_store(tmp_path, scenario)


def test_access_control_lists_say_that_the_owner_owns_everything(tmp_path):
    async def scenario(client):
        await client.put("a", b"")
        grant = {"Grantee": {"ID": ACCOUNT, "Type": "CanonicalUser"}, "Permission": "FULL_CONTROL"}
        full = {"Owner": {"ID": ACCOUNT}, "Grants": [grant]}
        assert (await client("GetBucketAcl")).members == full
        assert (await client("GetObjectAcl", Key="a")).members == full
        with pytest.raises(errors.NoSuchKey):
            await client("GetObjectAcl", Key="b")
        for operation, params in (("PutBucketAcl", {}), ("PutObjectAcl", {"Key": "a"})):
            await client(operation, ACL="private", **params)
            await client(operation, AccessControlPolicy=full, **params)
            others = {**full, "Grants": [{**grant, "Grantee": {"URI": "http://x/AllUsers", "Type": "Group"}}]}
            for given in (
                {"ACL": "public-read"},
                {"ACL": "authenticated-read"},
                {"GrantRead": "id=1"},
                {"AccessControlPolicy": others},
            ):
                with pytest.raises(errors.AccessControlListNotSupported):
                    await client(operation, **given, **params)

    with_store(tmp_path, scenario)
