"""Writes twice, and tells in the log what the second write was told."""

import boto3
from botocore.exceptions import ClientError


def handler(event, context):
    object_context = event["getObjectContext"]
    route = {"RequestRoute": object_context["outputRoute"], "RequestToken": object_context["outputToken"]}
    s3 = boto3.client("s3")
    s3.write_get_object_response(Body="first", **route)
    try:
        s3.write_get_object_response(Body="second", **route)
    except ClientError as error:
        print("second:", error.response["Error"]["Code"], error.response["Error"]["Message"])
