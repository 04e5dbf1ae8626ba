import orjson
import pytest
from tests.fakes.object_lambda import ACCOUNT, FUNCTION, REGION, SUPPORTING, structure

from onread.errors import InvalidRequest
from onread.objectlambda.configuration import (
    ALLOWED_FEATURES,
    TransformationConfiguration,
    parse_configuration,
    parse_function_arn,
    read_configuration,
)


def transformation(actions=("GetObject",), **aws_lambda):
    return {
        "Actions": list(actions),
        "ContentTransformation": {"AwsLambda": {"FunctionArn": FUNCTION.arn, **aws_lambda}},
    }


def test_a_configuration_is_read_whole():
    read = read_configuration(structure(AllowedFeatures=["GetObject-Range"], CloudWatchMetricsEnabled=True))
    assert read.supporting_access_point == SUPPORTING.arn
    assert read.allowed_features == {"GetObject-Range"}
    assert read.cloud_watch_metrics_enabled is True
    assert read.transformation_configurations == (
        TransformationConfiguration(
            actions=("GetObject",), function_arn=FUNCTION.arn, function_payload='{"res-x": "100"}'
        ),
    )


def test_absent_members_have_awss_defaults():
    read = read_configuration(structure(TransformationConfigurations=[transformation()]))
    assert read.allowed_features == frozenset()
    assert read.cloud_watch_metrics_enabled is False
    assert read.transformation_configurations[0].function_payload == ""


def test_the_stored_text_reads_back_as_the_same_configuration():
    read = read_configuration(structure(AllowedFeatures=list(ALLOWED_FEATURES)))
    assert parse_configuration(read.text()) == read
    assert parse_configuration(read.text()) is parse_configuration(read.text())


def test_the_structure_holds_only_members_that_were_given():
    read = read_configuration(structure(TransformationConfigurations=[transformation()]))
    assert read.structure()["TransformationConfigurations"][0]["ContentTransformation"] == {
        "AwsLambda": {"FunctionArn": FUNCTION.arn}
    }


def test_T139_a_payload_is_kept_word_for_word():
    payload = '"quotes" ${template} \n<xml>&amp; \N{SNOWMAN}'
    read = read_configuration(
        structure(TransformationConfigurations=[transformation(FunctionPayload=payload)])
    )
    assert parse_configuration(read.text()).transformation_configurations[0].function_payload == payload


def test_each_action_finds_its_own_function():
    other = FUNCTION.arn.replace("upper", "lister")
    read = read_configuration(
        structure(
            TransformationConfigurations=[
                transformation(["GetObject", "HeadObject"]),
                transformation(["ListObjectsV2"], FunctionArn=other),
            ]
        )
    )
    found = {
        action: read.transformation_for(action) for action in ("GetObject", "HeadObject", "ListObjectsV2")
    }
    assert [one and one.function_arn for one in found.values()] == [FUNCTION.arn, FUNCTION.arn, other]
    assert read.transformation_for("ListObjects") is None


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"SupportingAccessPoint": None}, "SupportingAccessPoint"),
        ({"SupportingAccessPoint": "my-ap"}, "arn:aws:s3:REGION"),
        ({"SupportingAccessPoint": "arn:aws:s3-object-lambda:us-east-1:111122223333:accesspoint/a-b"}, "ARN"),
        ({"SupportingAccessPoint": SUPPORTING.arn + "\n"}, "ARN"),
        ({"AllowedFeatures": ["GetObject-Everything"]}, "GetObject-Range, GetObject-PartNumber"),
        ({"TransformationConfigurations": []}, "TransformationConfigurations must hold"),
        ({"TransformationConfigurations": None}, "TransformationConfigurations must hold"),
        ({"TransformationConfigurations": [transformation([])]}, "Actions must hold"),
        ({"TransformationConfigurations": [transformation(["PutObject"])]}, "GetObject, HeadObject"),
        ({"TransformationConfigurations": [transformation(), transformation()]}, "GetObject appears twice"),
        ({"TransformationConfigurations": [transformation(["HeadObject"] * 2)]}, "HeadObject appears twice"),
        ({"TransformationConfigurations": [{"Actions": ["GetObject"]}]}, "exactly one member"),
        (
            {"TransformationConfigurations": [{**transformation(), "ContentTransformation": {}}]},
            "exactly one member",
        ),
        (
            {
                "TransformationConfigurations": [
                    {**transformation(), "ContentTransformation": {"AwsLambda": {}, "Other": {}}}
                ]
            },
            "exactly one member",
        ),
        (
            {
                "TransformationConfigurations": [
                    {**transformation(), "ContentTransformation": {"AwsLambda": None}}
                ]
            },
            "needs a FunctionArn",
        ),
        ({"TransformationConfigurations": [transformation(FunctionArn=None)]}, "needs a FunctionArn"),
        ({"TransformationConfigurations": [transformation(FunctionArn="function/compress")]}, "not valid"),
    ],
)
def test_a_broken_rule_is_refused_and_the_message_says_what_to_do(changes, says):
    with pytest.raises(InvalidRequest) as refused:
        read_configuration(structure(**changes))
    assert says in refused.value.text


@pytest.mark.parametrize("text", ["", "[1]", "{"])
def test_a_stored_text_that_is_no_configuration_is_refused(text):
    with pytest.raises(InvalidRequest, match="stored configuration"):
        parse_configuration(text)


def test_the_stored_text_is_awss_structure():
    assert orjson.loads(read_configuration(structure()).text())["SupportingAccessPoint"] == SUPPORTING.arn


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f", ("f", None, None, None)),
        ("f:PROD", ("f", None, None, "PROD")),
        ("function:f", ("f", None, None, None)),
        ("111122223333:function:f", ("f", "111122223333", None, None)),
        ("us-east-1:111122223333:function:f", ("f", "111122223333", "us-east-1", None)),
        ("us-gov-west-1:111122223333:f", ("f", "111122223333", "us-gov-west-1", None)),
        ("arn:aws:lambda:us-east-1:111122223333:function:f_-1", ("f_-1", "111122223333", "us-east-1", None)),
        (
            "arn:aws-cn:lambda:us-east-1:111122223333:function:f:$LATEST",
            ("f", "111122223333", "us-east-1", "$LATEST"),
        ),
    ],
)
def test_every_form_of_function_arn_is_read(text, expected):
    reference = parse_function_arn(text)
    assert (reference.name, reference.account_id, reference.region, reference.qualifier) == expected


@pytest.mark.parametrize(
    "text", ["", "f" * 1025, "function/compress", "f f", "arn:aws:s3:us-east-1:111122223333:f", "f\n"]
)
def test_what_is_no_function_arn_is_refused(text):
    with pytest.raises(InvalidRequest, match="FunctionArn is not valid"):
        parse_function_arn(text)


def test_everything_named_must_lie_in_the_access_points_account_and_region():
    read = read_configuration(structure())
    read.check_place(account_id=ACCOUNT, region=REGION)
    for place in (
        {"account_id": "999999999999", "region": REGION},
        {"account_id": ACCOUNT, "region": "eu-west-1"},
    ):
        with pytest.raises(InvalidRequest, match="SupportingAccessPoint must be in"):
            read.check_place(**place)


@pytest.mark.parametrize(
    "arn",
    ["arn:aws:lambda:us-east-1:999999999999:function:f", "arn:aws:lambda:eu-west-1:111122223333:function:f"],
)
def test_T132_a_function_of_another_account_or_region_is_refused(arn):
    read = read_configuration(structure(TransformationConfigurations=[transformation(FunctionArn=arn)]))
    with pytest.raises(InvalidRequest, match="FunctionArn must be in"):
        read.check_place(account_id=ACCOUNT, region=REGION)


def test_a_bare_function_name_lies_where_the_access_point_lies():
    read = read_configuration(structure(TransformationConfigurations=[transformation(FunctionArn="upper")]))
    read.check_place(account_id=ACCOUNT, region=REGION)
