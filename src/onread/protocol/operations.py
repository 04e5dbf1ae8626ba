"""The operations that onread answers, by service: what an installed botocore must describe.

A model that lacks one of them is too old, and the start says so. Every other operation of the models
is still routed to its right name, so that a refusal names what was asked for.
"""

from collections.abc import Mapping

SERVED: Mapping[str, frozenset[str]] = {
    "s3": frozenset(
        (
            "AbortMultipartUpload",
            "CompleteMultipartUpload",
            "CopyObject",
            "CreateBucket",
            "CreateMultipartUpload",
            "DeleteBucket",
            "DeleteObject",
            "DeleteObjects",
            "GetBucketLocation",
            "GetObject",
            "HeadBucket",
            "HeadObject",
            "ListBuckets",
            "ListMultipartUploads",
            "ListObjects",
            "ListObjectsV2",
            "ListParts",
            "PutObject",
            "UploadPart",
            "UploadPartCopy",
            "WriteGetObjectResponse",
        )
    ),
    "s3control": frozenset(
        (
            "CreateAccessPoint",
            "CreateAccessPointForObjectLambda",
            "DeleteAccessPoint",
            "DeleteAccessPointForObjectLambda",
            "DeleteAccessPointPolicy",
            "DeleteAccessPointPolicyForObjectLambda",
            "GetAccessPoint",
            "GetAccessPointConfigurationForObjectLambda",
            "GetAccessPointForObjectLambda",
            "GetAccessPointPolicy",
            "GetAccessPointPolicyForObjectLambda",
            "GetAccessPointPolicyStatus",
            "GetAccessPointPolicyStatusForObjectLambda",
            "ListAccessPoints",
            "ListAccessPointsForObjectLambda",
            "PutAccessPointConfigurationForObjectLambda",
            "PutAccessPointPolicy",
            "PutAccessPointPolicyForObjectLambda",
        )
    ),
    "lambda": frozenset(
        (
            "CreateFunction",
            "DeleteFunction",
            "DeleteFunctionConcurrency",
            "GetFunction",
            "GetFunctionConcurrency",
            "GetFunctionConfiguration",
            "Invoke",
            "ListFunctions",
            "PutFunctionConcurrency",
            "UpdateFunctionCode",
            "UpdateFunctionConfiguration",
        )
    ),
    "iam": frozenset(
        (
            "CreateAccessKey",
            "CreateUser",
            "DeleteAccessKey",
            "DeleteUser",
            "DeleteUserPolicy",
            "GetUser",
            "GetUserPolicy",
            "ListAccessKeys",
            "ListUserPolicies",
            "ListUsers",
            "PutUserPolicy",
            "UpdateAccessKey",
        )
    ),
    "sts": frozenset(("GetCallerIdentity",)),
    "onread": frozenset(
        (
            "ConfigureFunction",
            "ConfigureObjectLambdaAccessPoint",
            "GetFunctionLogs",
            "GetObjectLambdaAccessPointSettings",
        )
    ),
}
