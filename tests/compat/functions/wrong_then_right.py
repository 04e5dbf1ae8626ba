"""Writes with an error code that is none, and then properly."""

import boto3
from botocore.exceptions import ClientError


def handler(event, context):
    object_context = event["getObjectContext"]
    route = {"RequestRoute": object_context["outputRoute"], "RequestToken": object_context["outputToken"]}
    s3 = boto3.client("s3")
    try:
        s3.write_get_object_response(StatusCode=403, ErrorCode="not_a_code", **route)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        s3.write_get_object_response(Body=f"right after {code}", **route)
