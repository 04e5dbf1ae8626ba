"""Who may reach the buckets of a store that is not ours: policies, strangers and browsers, kept by onread."""

import pytest
from tests.compat.callers import fetch
from tests.compat.conftest import ACCOUNT, World
from tests.compat.policy_documents import allow, document
from tests.compat.store_probe import outcome

from onread.cli.spawn import gateway

pytestmark = pytest.mark.compat

SITE = "https://site.example.com"
RULES = {"CORSRules": [{"AllowedOrigins": [SITE], "AllowedMethods": ["GET"], "AllowedHeaders": ["x-*"]}]}


def code(call, **params):
    return outcome(lambda: call(**params))[2]


@pytest.fixture
def bucket(over_store):
    name = over_store.bucket()
    over_store.client("s3").put_object(Bucket=name, Key="k", Body=b"data")
    return name


def test_a_bucket_policy_decides_and_the_store_never_hears_of_it(over_store, store, bucket):
    s3 = over_store.client("s3")
    name, *keys = over_store.user()
    reader, arn = over_store.client_as("s3", *keys), f"arn:aws:iam::{ACCOUNT}:user/{name}"
    read = {"Bucket": bucket, "Key": "k"}
    assert code(reader.get_object, **read) == "AccessDenied"
    objects = f"arn:aws:s3:::{bucket}/*"
    s3.put_bucket_policy(
        Bucket=bucket, Policy=document(allow("s3:GetObject", objects, principal={"AWS": arn}))
    )
    assert reader.get_object(**read)["Body"].read() == b"data"
    assert code(reader.put_object, **read, Body=b"x") == "AccessDenied"
    assert code(store.client().get_bucket_policy, Bucket=bucket) == "NoSuchBucketPolicy"
    denies = allow("s3:GetObject", objects, effect="Deny", principal="*")
    s3.put_bucket_policy(Bucket=bucket, Policy=document(denies))
    assert code(s3.get_object, **read) == "AccessDenied"  # the root, too
    s3.delete_bucket_policy(Bucket=bucket)
    assert s3.get_object(**read)["Body"].read() == b"data"
    assert code(s3.put_bucket_policy, Bucket="not-there-at-all", Policy=document(denies)) == "NoSuchBucket"


def test_T214_strangers_read_a_public_bucket_and_nothing_before(over_store, bucket):
    s3, url = over_store.client("s3"), f"{over_store.endpoint}/{bucket}/k"
    public = document(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*", principal="*"))
    assert fetch(url).status == 403
    assert code(s3.put_bucket_policy, Bucket=bucket, Policy=public) == "AccessDenied"
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"][
        "RestrictPublicBuckets"
    ]
    s3.delete_public_access_block(Bucket=bucket)
    assert code(s3.get_public_access_block, Bucket=bucket) == "NoSuchPublicAccessBlockConfiguration"
    s3.put_bucket_policy(Bucket=bucket, Policy=public)
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"]
    assert fetch(url).body == b"data"
    assert fetch(url, method="HEAD").status == 200
    assert fetch(url, method="DELETE").status == 403
    assert fetch(f"{over_store.endpoint}/{bucket}").status == 403
    restricted = {"RestrictPublicBuckets": True}
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=restricted)
    assert fetch(url).status == 403


def test_T279_browsers_are_told_by_our_rules(over_store, store, bucket):
    s3, url = over_store.client("s3"), over_store.presigned(bucket, "k")
    asks = {"Origin": SITE, "Access-Control-Request-Method": "GET"}
    assert fetch(url, method="OPTIONS", headers=asks).code == "AccessForbidden"
    theirs = {"CORSRules": [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}]}
    store.client().put_bucket_cors(Bucket=bucket, CORSConfiguration=theirs)
    answer = fetch(url, headers={"Origin": "https://evil.example"})
    assert answer.body == b"data"
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration=RULES)
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == RULES["CORSRules"]
    assert fetch(url, method="OPTIONS", headers=asks).headers["Access-Control-Allow-Origin"] == SITE
    assert fetch(url, headers={"Origin": SITE}).headers.get_all("Access-Control-Allow-Origin") == [SITE]
    s3.delete_bucket_cors(Bucket=bucket)
    assert code(s3.get_bucket_cors, Bucket=bucket) == "NoSuchCORSConfiguration"


def test_a_bucket_made_again_begins_anew(over_store, bucket):
    s3 = over_store.client("s3")
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration=RULES)
    s3.delete_object(Bucket=bucket, Key="k")
    s3.delete_bucket(Bucket=bucket)
    assert code(s3.get_bucket_cors, Bucket=bucket) == "NoSuchBucket"
    s3.create_bucket(Bucket=bucket)
    assert code(s3.get_bucket_cors, Bucket=bucket) == "NoSuchCORSConfiguration"


def test_the_operator_may_leave_these_settings_to_the_store(store, tmp_path):
    config = tmp_path / "onread.toml"
    config.write_text(store.settings(more='access_settings = "store"'))
    with gateway(tmp_path / "data", "--config", str(config)) as spawned:
        world = World(spawned)
        s3 = world.client("s3")
        s3.create_bucket(Bucket="left-to-the-store")
        s3.put_bucket_cors(Bucket="left-to-the-store", CORSConfiguration=RULES)
        assert store.client().get_bucket_cors(Bucket="left-to-the-store")["CORSRules"]
        secret = {"StringEquals": {"s3:ExistingObjectTag/class": "secret"}}
        user = world.user(document(allow("*", "*"), allow("*", "*", secret, effect="Deny")))
        s3.put_object(Bucket="left-to-the-store", Key="secret", Body=b"x", Tagging="class=secret")
        reader = world.client_as("s3", *user[1:])
        assert code(reader.get_object, Bucket="left-to-the-store", Key="secret") == "AccessDenied"
        assert code(reader.get_object, Bucket="left-to-the-store", Key="none") == "NoSuchKey"
        asks = {"Origin": SITE, "Access-Control-Request-Method": "GET"}
        url = world.presigned("left-to-the-store", "k")
        assert fetch(url, method="OPTIONS", headers=asks).code == "AccessForbidden"
        assert fetch(f"{world.endpoint}/left-to-the-store/k").status == 403
