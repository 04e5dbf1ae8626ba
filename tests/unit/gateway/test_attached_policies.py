"""Which policies lie on the way to the data, and what each of them is asked about."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from onread.errors import AccessDenied
from onread.gateway.attached_policies import AttachedPolicies, bucket_and_key
from onread.metadata.records import AccessPoint
from onread.policy.principal import Principal, PrincipalKind
from onread.stores.bucket_settings import BucketSettings

POLICY = (
    '{"Version": "2012-10-17", "Statement": '
    '{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}}'
)
PUBLIC = POLICY
NOT_PUBLIC = (
    '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", '
    '"Resource": "*", "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}}'
)
SETTINGS = {"bucket": BucketSettings(account_id="111122223333", policy=POLICY)}
STRANGER = Principal(kind=PrincipalKind.ANONYMOUS, account_id="", arn="anonymous", principal_id="anonymous")


def access_point(**settings):
    return AccessPoint(
        account_id="111122223333",
        region="us-east-1",
        name="ap",
        bucket="bucket",
        alias="ap-alias-s3alias",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        **settings,
    )


def asked(attached):
    return [(each.name, each.resource, each.policy is not None) for each in attached]


def test_T131_behind_an_access_point_stands_its_buckets_policy_with_a_resource_of_its_own():
    place = AttachedPolicies(bucket_settings=SETTINGS.get).access_point(access_point(), {})
    arn = "arn:aws:s3:us-east-1:111122223333:accesspoint/ap"
    assert asked(place.attached_at("a/b")) == [
        ("access point policy", f"{arn}/object/a/b", False),
        ("bucket policy", "arn:aws:s3:::bucket/a/b", True),
    ]
    assert asked(place.attached_at(None)) == [
        ("access point policy", arn, False),
        ("bucket policy", "arn:aws:s3:::bucket", True),
    ]


def test_a_bucket_without_a_policy_has_no_say():
    places = AttachedPolicies(bucket_settings=SETTINGS.get)
    assert places.bucket("other").attached == ()
    assert asked(places.bucket("bucket").attached_at("k")) == [
        ("bucket policy", "arn:aws:s3:::bucket/k", True)
    ]


def test_T138_a_functions_policy_is_found_by_account_name_and_qualifier():
    def policies(account_id, name, qualifier):
        return POLICY if (account_id, name, qualifier) == ("111122223333", "f", "live") else None

    places = AttachedPolicies(policy_of_function=policies)
    arn = "arn:aws:lambda:us-east-1:111122223333:function:f:live"
    assert asked(places.function("111122223333", "f", "live", arn)) == [("function policy", arn, True)]
    assert places.function("111122223333", "f", "$LATEST", arn) == ()


RESTRICT = frozenset({"RestrictPublicBuckets"})


@pytest.mark.parametrize(
    ("bucket_policy", "blocks", "point_policy", "point_restricts", "let_in"),
    [
        (PUBLIC, frozenset(), None, False, True),
        (PUBLIC, RESTRICT, None, False, False),
        (NOT_PUBLIC, RESTRICT, None, False, True),
        (None, frozenset(), None, False, False),
        (None, frozenset(), PUBLIC, False, False),
        (PUBLIC, frozenset(), PUBLIC, False, True),
        (PUBLIC, frozenset(), PUBLIC, True, False),
        (PUBLIC, frozenset(), NOT_PUBLIC, True, True),
        (
            PUBLIC,
            frozenset({"BlockPublicPolicy", "BlockPublicAcls", "IgnorePublicAcls"}),
            PUBLIC,
            False,
            True,
        ),
    ],
)
def test_T214_strangers_come_in_where_no_switch_keeps_them_out(
    bucket_policy, blocks, point_policy, point_restricts, let_in
):
    settings = BucketSettings(account_id="111122223333", policy=bucket_policy, blocks=blocks)
    places = AttachedPolicies(bucket_settings={"bucket": settings}.get)
    point = access_point(policy=point_policy, public_access_block={"RestrictPublicBuckets": point_restricts})
    known = replace(STRANGER, kind=PrincipalKind.USER)
    for way in ((), (point,) if point_policy else ()):
        places.refuse_strangers(known, "bucket", *way)
    if let_in:
        places.refuse_strangers(STRANGER, "bucket", point)
        return
    with pytest.raises(AccessDenied):
        places.refuse_strangers(STRANGER, "bucket", point)


@pytest.mark.parametrize(
    ("arn", "named"),
    [
        ("arn:aws:s3:::bucket/a/b", ("bucket", "a/b")),
        ("arn:aws:s3:::bucket", ("bucket", "")),
        ("arn:aws:s3:us-east-1:111122223333:accesspoint/ap/object/k", ("", "")),
        ("*", ("", "")),
    ],
)
def test_an_object_is_named_by_its_bucket(arn, named):
    assert bucket_and_key(arn) == named
    places = AttachedPolicies(bucket_settings=SETTINGS.get)
    assert [each.resource for each in places.of_object(arn)] == (
        [arn + ("" if "/" in arn else "/")] if named[0] else []
    )
