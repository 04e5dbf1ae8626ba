"""Readers without a name at an Object Lambda access point: nobody, unless its owner says so."""

import json

import pytest
from tests.compat.callers import fetch, presign
from tests.compat.policy_documents import ACCOUNT, allow, document, make_place

pytestmark = [pytest.mark.compat, pytest.mark.slow]


@pytest.fixture(scope="module")
def place(world):
    return make_place(world)


def configure(world, place, anonymous):
    world.client("onread").configure_object_lambda_access_point(Name=place.olap, Anonymous=anonymous)


@pytest.fixture
def opened(world, place):
    configure(world, place, "on")
    yield f"{world.endpoint}/{place.alias}"
    configure(world, place, "off")


def refusal(url, **more):
    answer = fetch(url, **more)
    return answer.status, answer.code


def test_T001_strangers_stay_out_until_they_are_let_in(world, place):
    url = f"{world.endpoint}/{place.alias}/k"
    assert refusal(url) == (403, "MissingAuthenticationToken")
    configure(world, place, "on")
    assert fetch(url).body == b"data"
    assert fetch(f"{world.endpoint}/{place.olap}.olap/k").body == b"data"
    assert refusal(f"{world.endpoint}/{place.bucket}/k") == (403, "AccessDenied")
    assert refusal(f"{world.endpoint}/{place.point}/k") == (403, "AccessDenied")
    configure(world, place, "off")
    assert refusal(url) == (403, "MissingAuthenticationToken")


def test_strangers_read_what_the_function_makes_and_do_nothing_else(opened):
    for method, target in (
        ("PUT", "/k"),
        ("DELETE", "/k"),
        ("GET", ""),
        ("GET", "?list-type=2"),
        ("GET", "/k?tagging"),
        ("GET", "/k?acl"),
        ("HEAD", "/k"),  # this one the configuration does not transform
    ):
        assert fetch(opened + target, method=method).status == 403, (method, target)


def test_strangers_name_a_version_only_where_that_is_granted(world, place, opened):
    control, named = world.client("s3control"), {"AccountId": ACCOUNT, "Name": place.olap}
    assert refusal(f"{opened}/k?versionId=null") == (403, "AccessDenied")
    grants = allow("s3-object-lambda:GetObjectVersion", place.olap_arn, principal="*")
    control.put_access_point_policy_for_object_lambda(**named, Policy=document(grants))
    assert fetch(f"{opened}/k?versionId=null").body == b"data"
    control.delete_access_point_policy_for_object_lambda(**named)


def test_an_explicit_deny_keeps_strangers_out_too(world, place, opened):
    control, s3 = world.client("s3control"), world.client("s3")
    denies = allow("s3-object-lambda:GetObject", place.olap_arn, effect="Deny", principal="*")
    named = {"AccountId": ACCOUNT, "Name": place.olap}
    control.put_access_point_policy_for_object_lambda(**named, Policy=document(denies))
    assert refusal(f"{opened}/k") == (403, "AccessDenied")
    control.delete_access_point_policy_for_object_lambda(**named)
    closed = allow("s3:GetObject", f"arn:aws:s3:::{place.bucket}/closed/*", effect="Deny", principal="*")
    s3.put_bucket_policy(Bucket=place.bucket, Policy=document(closed))
    assert fetch(f"{opened}/open/k").body == b"data"
    assert fetch(f"{opened}/closed/k").status >= 400
    s3.delete_bucket_policy(Bucket=place.bucket)


def test_a_function_is_told_that_its_reader_has_no_name(world, place):
    olap, alias = world.olap_over(place.supporting, world.function("echoes"))
    world.client("onread").configure_object_lambda_access_point(Name=olap, Anonymous="on")
    event = json.loads(fetch(f"{world.endpoint}/{alias}/k").body)
    assert event["userIdentity"] == {
        "type": "AWSAccount",
        "principalId": "",
        "accountId": "ANONYMOUS_PRINCIPAL",
    }


def test_a_forged_signature_is_not_taken_for_none(world, place, opened):
    url = presign(world, place.alias, "k")
    assert refusal(url[:-4] + "0000") == (403, "SignatureDoesNotMatch")
    assert refusal(f"{opened}/k", headers={"Authorization": "AWS4-HMAC-SHA256 x"})[0] in (400, 403)


def test_the_command_says_and_shows_it(world, place):
    onread = world.client("onread")
    settings = onread.get_object_lambda_access_point_settings(Name=place.olap)
    assert settings["Anonymous"] == "off"
    onread.configure_object_lambda_access_point(Name=place.olap, Range="function")
    assert onread.get_object_lambda_access_point_settings(Name=place.olap)["Anonymous"] == "off"
