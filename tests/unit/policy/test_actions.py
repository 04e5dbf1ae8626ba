import botocore.session
import pytest

from onread.errors import InvalidArgument, InvalidRequest, MethodNotAllowed, NotImplemented
from onread.policy.action_table import OBJECT_LAMBDA_ACTIONS
from onread.policy.actions import (
    access_point_object_arn,
    function_arn,
    further_actions,
    object_arn,
    object_lambda_actions,
    required_action,
    service_resource,
    source_reads,
    user_arn,
)

ACCOUNT = "111122223333"
POINT = f"arn:aws:s3:us-east-1:{ACCOUNT}:accesspoint"

# What S3 has and onread does not know an action for: directory buckets, metadata tables, annotations.
UNSUPPORTED = {
    "CreateBucketMetadataConfiguration",
    "CreateBucketMetadataTableConfiguration",
    "CreateSession",
    "DeleteBucketMetadataConfiguration",
    "DeleteBucketMetadataTableConfiguration",
    "DeleteObjectAnnotation",
    "GetObjectAnnotation",
    "ListDirectoryBuckets",
    "ListObjectAnnotations",
    "PutBucketAbac",
    "PutObjectAnnotation",
    "RenameObject",
    "UpdateBucketMetadataAnnotationTableConfiguration",
    "UpdateBucketMetadataInventoryTableConfiguration",
    "UpdateBucketMetadataJournalTableConfiguration",
    "UpdateObjectEncryption",
}
WITHOUT_VERSION_ACTION = {
    *UNSUPPORTED,
    "GetObjectLegalHold",
    "GetObjectRetention",
    "PutObjectLegalHold",
    "PutObjectRetention",
    "RestoreObject",
    "WriteGetObjectResponse",
}
SESSION = botocore.session.get_session()
S3_OPERATIONS = SESSION.get_service_model("s3").operation_names


@pytest.mark.parametrize("operation", S3_OPERATIONS)
def test_every_operation_of_s3_needs_an_action_or_is_refused(operation):
    if operation in UNSUPPORTED:
        with pytest.raises(NotImplemented):
            required_action("s3", operation, {})
        return
    service, _, name = required_action("s3", operation, {}).partition(":")
    assert service == ("s3-object-lambda" if operation == "WriteGetObjectResponse" else "s3")
    assert name.isalnum()


@pytest.mark.parametrize("operation", S3_OPERATIONS)
def test_a_version_makes_it_the_action_on_a_version(operation):
    members = SESSION.get_service_model("s3").operation_model(operation).input_shape
    if members is None or "VersionId" not in members.members or operation in WITHOUT_VERSION_ACTION:
        return
    assert "ObjectVersion" in required_action("s3", operation, {"VersionId": "v1"})
    with pytest.raises(InvalidArgument):
        required_action("s3", operation, {"VersionId": ""})


@pytest.mark.parametrize("operation", S3_OPERATIONS)
def test_an_object_lambda_access_point_asks_for_its_own_actions_only(operation):
    for params in ({}, {"VersionId": "v1"}):
        try:
            service, _, name = required_action("s3-object-lambda", operation, params).partition(":")
        except (MethodNotAllowed, NotImplemented):
            continue
        assert service == "s3-object-lambda"
        assert name in OBJECT_LAMBDA_ACTIONS


@pytest.mark.parametrize(
    ("service", "operation", "params", "action"),
    [
        ("s3", "HeadObject", {}, "s3:GetObject"),
        ("s3", "HeadObject", {"VersionId": "null"}, "s3:GetObjectVersion"),
        ("s3", "ListObjectsV2", {}, "s3:ListBucket"),
        ("s3", "HeadBucket", {}, "s3:ListBucket"),
        ("s3", "ListBuckets", {}, "s3:ListAllMyBuckets"),
        ("s3", "UploadPart", {}, "s3:PutObject"),
        ("s3", "ListParts", {}, "s3:ListMultipartUploadParts"),
        ("s3", "DeleteObjects", {}, "s3:DeleteObject"),
        ("s3", "DeleteObjects", {"VersionId": "v"}, "s3:DeleteObjectVersion"),
        ("s3", "DeleteObjectTagging", {"VersionId": "v"}, "s3:DeleteObjectVersionTagging"),
        ("s3", "GetObjectAttributes", {"VersionId": "v"}, "s3:GetObjectVersionAttributes"),
        ("s3", "GetPublicAccessBlock", {}, "s3:GetBucketPublicAccessBlock"),
        ("s3control", "GetPublicAccessBlock", {}, "s3:GetAccountPublicAccessBlock"),
        ("s3control", "CreateAccessPoint", {}, "s3:CreateAccessPoint"),
        ("s3", "PutAccessPointPolicyForObjectLambda", {}, "s3:PutAccessPointPolicyForObjectLambda"),
        ("s3-object-lambda", "GetObject", {}, "s3-object-lambda:GetObject"),
        ("s3-object-lambda", "GetObject", {"VersionId": "v"}, "s3-object-lambda:GetObjectVersion"),
        ("s3-object-lambda", "GetObjectAttributes", {"VersionId": "v"}, "s3-object-lambda:GetObjectVersion"),
        ("s3-object-lambda", "GetBucketLocation", {}, "s3-object-lambda:ListBucket"),
        ("s3-object-lambda", "WriteGetObjectResponse", {}, "s3-object-lambda:WriteGetObjectResponse"),
        ("lambda", "Invoke", {}, "lambda:InvokeFunction"),
        ("lambda", "CreateFunction", {}, "lambda:CreateFunction"),
        ("iam", "CreateUser", {}, "iam:CreateUser"),
        ("sts", "GetCallerIdentity", {}, "sts:GetCallerIdentity"),
        ("onread", "ListTraces", {}, "onread:ListTraces"),
    ],
)
def test_an_operation_needs_the_action_that_aws_names(service, operation, params, action):
    assert required_action(service, operation, params) == action


def test_every_served_operation_of_access_points_needs_the_action_of_its_name():
    served = [
        name
        for name in SESSION.get_service_model("s3control").operation_names
        if name.endswith("ForObjectLambda")
    ]
    assert len(served) == 10
    for name in served:
        assert required_action("s3control", name, {}) == f"s3:{name}"


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("s3", "MakeCoffee"),
        ("s3control", "GetObject"),
        ("lambda", "invoke *"),
        ("sqs", "SendMessage"),
        ("iam", ""),
    ],
)
def test_an_operation_without_an_action_is_refused(service, operation):
    with pytest.raises(NotImplemented):
        required_action(service, operation, {})


@pytest.mark.parametrize(
    "operation", ["SelectObjectContent", "DeleteBucket", "PutBucketPolicy", "GetObjectTorrent"]
)
def test_what_an_object_lambda_access_point_does_not_offer_is_refused(operation):
    with pytest.raises(MethodNotAllowed):
        required_action("s3-object-lambda", operation, {})


@pytest.mark.parametrize(
    ("operation", "params", "actions"),
    [
        ("PutObject", {}, ()),
        ("PutObject", {"ACL": "private"}, ("s3:PutObjectAcl",)),
        ("CopyObject", {"GrantRead": "id=1", "Tagging": "a=b"}, ("s3:PutObjectAcl", "s3:PutObjectTagging")),
        ("CreateMultipartUpload", {"ObjectLockMode": "GOVERNANCE"}, ("s3:PutObjectRetention",)),
        ("PutObject", {"ObjectLockLegalHoldStatus": "ON"}, ("s3:PutObjectLegalHold",)),
        ("DeleteObject", {"BypassGovernanceRetention": True}, ("s3:BypassGovernanceRetention",)),
        ("PutObjectTagging", {"Tagging": {}}, ()),
        ("DeleteObject", {"IfMatch": '"e"'}, ("s3:GetObject",)),
        ("DeleteObject", {"IfMatch": "*"}, ()),
        ("DeleteObject", {"IfMatch": None}, ()),
        ("CreateBucket", {"ACL": "private"}, ()),
        ("CreateBucket", {"ACL": "public-read"}, ("s3:PutBucketAcl",)),
        ("CreateBucket", {"GrantRead": "id=1"}, ("s3:PutBucketAcl",)),
        ("CreateBucket", {"ObjectOwnership": "ObjectWriter"}, ("s3:PutBucketOwnershipControls",)),
        ("CreateBucket", {"ObjectLockEnabledForBucket": False}, ()),
        (
            "CreateBucket",
            {"ObjectLockEnabledForBucket": True},
            ("s3:PutBucketObjectLockConfiguration", "s3:PutBucketVersioning"),
        ),
        ("GetObjectAttributes", {"Key": "k"}, ("s3:GetObject",)),
        ("GetObjectAttributes", {"VersionId": "v"}, ("s3:GetObjectVersion",)),
    ],
)
def test_members_of_a_write_may_need_further_actions(operation, params, actions):
    assert further_actions(operation, params) == actions


def test_an_object_lambda_access_point_is_asked_about_what_a_write_sets():
    given = {"Tagging": "a=b", "ACL": "private", "ObjectLockLegalHoldStatus": "ON"}
    actions = ["PutObject", "PutObjectAcl", "PutObjectTagging", "PutObjectLegalHold"]
    assert list(object_lambda_actions("PutObject", given)) == [f"s3-object-lambda:{each}" for each in actions]
    assert object_lambda_actions("GetObjectAttributes", {}) == ("s3-object-lambda:GetObject",)


@pytest.mark.parametrize("operation", ["CopyObject", "UploadPartCopy"])
def test_T212_a_copy_reads_its_source(operation):
    def reads(source):
        return source_reads(operation, {"CopySource": source})

    assert reads("/bucket/k%20y") == (("s3:GetObject", "arn:aws:s3:::bucket/k y", None),)
    versioned = ("s3:GetObjectVersion", "arn:aws:s3:::bucket/a/../b", "v")
    assert reads("bucket/a%2F..%2Fb?versionId=v") == (versioned,)
    assert reads(f"{POINT}/ap/object/key") == (("s3:GetObject", f"{POINT}/ap/object/key", None),)
    with pytest.raises(InvalidArgument):
        source_reads(operation, {})


def test_other_operations_read_nothing_else():
    assert source_reads("GetObject", {"Key": "k"}) == ()


def test_resources_are_named_as_policies_name_them():
    assert object_arn("bucket", "a:b") == "arn:aws:s3:::bucket/a:b"
    assert access_point_object_arn(f"{POINT}/ap", "a/b") == f"{POINT}/ap/object/a/b"
    assert user_arn(account_id=ACCOUNT, name="alice") == f"arn:aws:iam::{ACCOUNT}:user/alice"
    function = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"
    assert function_arn(region="us-east-1", account_id=ACCOUNT, name="f") == f"{function}:$LATEST"
    assert function_arn(region="us-east-1", account_id=ACCOUNT, name="f", qualifier=None) == function


@pytest.mark.parametrize(
    ("service", "operation", "params", "resource"),
    [
        ("s3", "ListBuckets", {}, "arn:aws:s3:::*"),
        ("s3control", "CreateAccessPoint", {"Name": "ap"}, f"{POINT}/ap"),
        ("s3control", "GetAccessPoint", {"Name": f"{POINT}/ap"}, f"{POINT}/ap"),
        ("s3control", "GetAccessPoint", {"Name": f"{POINT}:ap"}, f"{POINT}/ap"),
        (
            "s3control",
            "GetAccessPointForObjectLambda",
            {"Name": "o"},
            f"arn:aws:s3-object-lambda:us-east-1:{ACCOUNT}:accesspoint/o",
        ),
        ("s3control", "ListAccessPoints", {}, "*"),
        ("s3control", "TagResource", {"ResourceArn": f"{POINT}/ap"}, f"{POINT}/ap"),
        ("lambda", "ListFunctions", {}, "*"),
        ("lambda", "ListTags", {"Resource": "arn:aws:lambda:x"}, "arn:aws:lambda:x"),
        (
            "lambda",
            "GetFunction",
            {"FunctionName": "f:PROD"},
            f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f",
        ),
        (
            "lambda",
            "Invoke",
            {"FunctionName": "f:PROD"},
            f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f:PROD",
        ),
        (
            "lambda",
            "Invoke",
            {"FunctionName": "arn:aws:lambda:eu-west-1:999988887777:function:f", "Qualifier": "7"},
            "arn:aws:lambda:eu-west-1:999988887777:function:f:7",
        ),
        ("iam", "CreateUser", {"UserName": "u", "Path": "/team/"}, f"arn:aws:iam::{ACCOUNT}:user/team/u"),
        ("iam", "GetRole", {"RoleName": "r"}, f"arn:aws:iam::{ACCOUNT}:role/r"),
        ("iam", "CreatePolicy", {"PolicyName": "p"}, f"arn:aws:iam::{ACCOUNT}:policy/p"),
        ("iam", "ListUsers", {}, "*"),
        (
            "sts",
            "AssumeRole",
            {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/r"},
            f"arn:aws:iam::{ACCOUNT}:role/r",
        ),
        ("onread", "ListTraces", {}, "*"),
        (
            "onread",
            "ConfigureObjectLambdaAccessPoint",
            {"Name": "olap"},
            f"arn:aws:s3-object-lambda:us-east-1:{ACCOUNT}:accesspoint/olap",
        ),
        (
            "onread",
            "ConfigureFunction",
            {"FunctionName": "f"},
            f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f",
        ),
    ],
)
def test_an_operation_of_a_service_is_about_what_its_members_name(service, operation, params, resource):
    assert service_resource(service, operation, params, account_id=ACCOUNT, region="us-east-1") == resource


def test_a_function_that_has_no_proper_name_is_refused():
    with pytest.raises(InvalidRequest):
        service_resource("lambda", "Invoke", {"FunctionName": "../f"}, account_id=ACCOUNT, region="us-east-1")
