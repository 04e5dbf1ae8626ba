import pytest

from onread.addressing.arn import (
    AccessPointArn,
    Arn,
    FunctionReference,
    parse_access_point_arn,
    parse_arn,
    parse_function_reference,
)
from onread.errors import InvalidArgument, InvalidRequest


def test_an_arn_has_six_parts_and_is_written_as_it_was_read():
    text = "arn:aws:lambda:us-east-1:111122223333:function:f:PROD"
    assert parse_arn(text) == Arn(
        partition="aws",
        service="lambda",
        region="us-east-1",
        account_id="111122223333",
        resource="function:f:PROD",
    )
    assert str(parse_arn(text)) == text


def test_T208_region_and_account_may_be_empty_and_a_key_keeps_its_colons():
    arn = parse_arn("arn:aws-cn:s3:::b/a:b:c")
    assert (arn.partition, arn.region, arn.account_id, arn.resource) == ("aws-cn", "", "", "b/a:b:c")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "arn",
        "arn:aws:s3:::",
        "arn::s3:::b",
        "arn:aws::::b",
        "arm:aws:s3:::b",
        "arn:aws:s3:us-east-1",
        "arn:aws:s3:us-east-1:12:accesspoint/a",
        "arn:aws:s3:us-east-1:११११२२२२३३३३:accesspoint/a",
        "arn:aws:s3:::" + "a" * 2048,
    ],
)
def test_T208_what_is_no_arn_is_refused(text):
    with pytest.raises(InvalidArgument):
        parse_arn(text)


@pytest.mark.parametrize("separator", ["/", ":"])
@pytest.mark.parametrize("service", ["s3", "s3-object-lambda"])
def test_an_access_point_arn_is_written_with_a_slash_or_a_colon(service, separator):
    text = f"arn:aws:{service}:us-east-1:111122223333:accesspoint{separator}my-ap"
    assert parse_access_point_arn(text) == AccessPointArn(
        service=service, region="us-east-1", account_id="111122223333", name="my-ap"
    )


@pytest.mark.parametrize(
    "text",
    [
        "arn:aws:s3:::bucket",
        "arn:aws:s3:us-east-1:111122223333:accesspoint/",
        "arn:aws:s3:us-east-1:111122223333:accesspoint/a/object/k",
        "arn:aws:s3:us-east-1:111122223333:accesspoint-a",
        "arn:aws:s3:us-east-1::accesspoint/a",
        "arn:aws:sqs:us-east-1:111122223333:accesspoint/a",
    ],
)
def test_the_arn_of_something_else_is_no_access_point(text):
    with pytest.raises(InvalidRequest):
        parse_access_point_arn(text)


@pytest.mark.parametrize(
    ("text", "region", "account_id", "name", "qualifier"),
    [
        ("f", None, None, "f", None),
        ("f:PROD", None, None, "f", "PROD"),
        ("f:$LATEST", None, None, "f", "$LATEST"),
        ("function:f", None, None, "f", None),
        ("111122223333:function:f:7", None, "111122223333", "f", "7"),
        ("arn:aws:lambda:us-east-1:111122223333:function:f", "us-east-1", "111122223333", "f", None),
        (
            "arn:aws-us-gov:lambda:us-gov-west-1:111122223333:f:v_1",
            "us-gov-west-1",
            "111122223333",
            "f",
            "v_1",
        ),
    ],
)
def test_a_function_is_named_in_every_form_of_the_model(text, region, account_id, name, qualifier):
    assert parse_function_reference(text) == FunctionReference(
        region=region, account_id=account_id, name=name, qualifier=qualifier
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "arn:aws:lambda:us-east-1:111122223333:function/compress",
        "f:",
        "f:$latest",
        "a b",
        "f:a:b:c",
        "../f",
        "a" * 1025,
    ],
)
def test_what_the_model_does_not_match_is_no_function(text):
    with pytest.raises(InvalidRequest):
        parse_function_reference(text)
