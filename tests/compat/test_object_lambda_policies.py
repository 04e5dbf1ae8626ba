"""Who may read through an Object Lambda access point: every policy on the way counts."""

import pytest
from tests.compat.policy_documents import (
    ACCOUNT,
    DENIED,
    VIA_OBJECT_LAMBDA,
    allow,
    document,
    make_place,
    read,
)
from tests.compat.wire import refused

pytestmark = [pytest.mark.compat, pytest.mark.slow]


@pytest.fixture(scope="module")
def place(world):
    return make_place(world)


@pytest.fixture
def as_user(world):
    """A client of a user with these statements."""

    def make(*statements, service="s3"):
        _, access_key_id, secret = world.user(document(*statements))
        return world.client_as(service, access_key_id, secret)

    return make


# Through an Object Lambda access point


def test_T130_data_is_reached_only_through_the_function(place, as_user):
    user = as_user(*place.only_through())
    assert read(user, place.alias) == b"data"
    assert read(user, f"{place.olap}.olap") == b"data"
    for name in (place.bucket, place.point):
        assert refused(user.get_object, Bucket=name, Key="k") == DENIED
    assert refused(user.head_object, Bucket=place.bucket, Key="k") == ("403", 403)
    assert refused(user.put_object, Bucket=place.alias, Key="k", Body=b"") == DENIED
    assert refused(user.list_objects_v2, Bucket=place.alias) == DENIED


def test_without_the_right_to_invoke_there_is_no_function(place, as_user):
    through, _, source = place.only_through()
    user = as_user(through, source)
    assert refused(user.get_object, Bucket=place.alias, Key="k") == ("LambdaPermissionError", 403)
    direct = as_user(through, source, allow("lambda:InvokeFunction", "arn:aws:lambda:*:*:function:other:*"))
    assert refused(direct.get_object, Bucket=place.alias, Key="k") == ("LambdaPermissionError", 403)


def test_the_right_to_invoke_through_is_none_to_invoke(place, as_user):
    functions = as_user(*place.only_through(), service="lambda")
    assert refused(functions.invoke, FunctionName=place.function) == ("AccessDeniedException", 403)


def test_T131_the_input_url_has_its_callers_rights_and_no_more(place, as_user):
    through, invoke, _ = place.only_through()
    user = as_user(through, invoke)
    assert refused(user.get_object, Bucket=place.alias, Key="k") == DENIED
    some = as_user(
        through, invoke, allow("s3:GetObject", f"{place.point_arn}/object/open/*", VIA_OBJECT_LAMBDA)
    )
    assert read(some, place.alias, "open/k") == b"data"
    assert refused(some.get_object, Bucket=place.alias, Key="closed/k") == DENIED


def test_T131_a_deny_of_the_supporting_access_point_counts(world, place):
    supporting = world.access_point(place.bucket)
    _, alias = world.olap_over(supporting, place.function)
    name, access_key_id, secret = world.user(document(allow("*", "*")))
    user = world.client_as("s3", access_key_id, secret)
    assert read(user, alias) == b"data"
    deny = allow(
        "s3:GetObject",
        f"{supporting['AccessPointArn']}/object/*",
        effect="Deny",
        principal={"AWS": f"arn:aws:iam::{ACCOUNT}:user/{name}"},
    )
    control = world.client("s3control")
    control.put_access_point_policy(AccountId=ACCOUNT, Name=supporting["Name"], Policy=document(deny))
    assert refused(user.get_object, Bucket=alias, Key="k") == DENIED
    assert refused(user.get_object, Bucket=supporting["Alias"], Key="k") == DENIED
    assert refused(user.head_object, Bucket=alias, Key="k") == ("403", 403)
    assert read(world.client("s3"), alias) == b"data"
    control.delete_access_point_policy(AccountId=ACCOUNT, Name=supporting["Name"])
    assert read(user, alias) == b"data"


def test_the_policy_of_the_olap_itself_counts(world, place):
    olap, alias = world.olap_over(place.supporting, place.function)
    arn = f"arn:aws:s3-object-lambda:us-east-1:{ACCOUNT}:accesspoint/{olap}"
    _, invoke, source = place.only_through()
    name, access_key_id, secret = world.user(document(invoke, source))
    user, control = world.client_as("s3", access_key_id, secret), world.client("s3control")
    assert refused(user.get_object, Bucket=alias, Key="k") == DENIED
    principal = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/{name}"}
    for effect in ("Allow", "Deny"):
        statement = allow("s3-object-lambda:GetObject", arn, effect=effect, principal=principal)
        control.put_access_point_policy_for_object_lambda(
            AccountId=ACCOUNT, Name=olap, Policy=document(statement)
        )
        if effect == "Allow":
            assert read(user, alias) == b"data"
        else:
            assert refused(user.get_object, Bucket=alias, Key="k") == DENIED


def test_passing_through_needs_both_rights(place, as_user):
    through = allow("s3-object-lambda:PutObject", place.olap_arn)
    below = allow("s3:PutObject", f"{place.point_arn}/object/*", VIA_OBJECT_LAMBDA)
    for statements in ((through,), (below,)):
        user = as_user(*statements)
        assert refused(user.put_object, Bucket=place.alias, Key="passed", Body=b"") == DENIED
    both = as_user(through, below)
    both.put_object(Bucket=place.alias, Key="passed", Body=b"")
    assert refused(both.put_object, Bucket=place.point, Key="passed", Body=b"") == DENIED


def test_T211_through_an_olap_too(place, as_user):
    reader = as_user(*place.only_through())
    assert refused(reader.get_object, Bucket=place.alias, Key="missing") == DENIED
    lister = as_user(*place.only_through(), allow("s3:ListBucket", place.point_arn, VIA_OBJECT_LAMBDA))
    assert refused(lister.get_object, Bucket=place.alias, Key="missing") == ("NoSuchKey", 404)
