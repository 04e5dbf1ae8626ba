"""Which policies lie on the way to the data, and what each of them is asked about."""

from datetime import UTC, datetime

from onread.gateway.attached_policies import AttachedPolicies
from onread.metadata.records import AccessPoint

POLICY = (
    '{"Version": "2012-10-17", "Statement": '
    '{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}}'
)


def access_point():
    return AccessPoint(
        account_id="111122223333",
        region="us-east-1",
        name="ap",
        bucket="bucket",
        alias="ap-alias-s3alias",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def asked(attached):
    return [(each.name, each.resource, each.policy is not None) for each in attached]


def test_T131_behind_an_access_point_stands_its_buckets_policy_with_a_resource_of_its_own():
    place = AttachedPolicies(policy_of_bucket={"bucket": POLICY}.get).access_point(access_point(), {})
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
    places = AttachedPolicies(policy_of_bucket={"bucket": POLICY}.get)
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
