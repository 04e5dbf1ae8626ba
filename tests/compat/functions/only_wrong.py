"""Writes with a status that is none, and leaves it at that."""

import boto3
from botocore.exceptions import ClientError


def handler(event, context):
    object_context = event["getObjectContext"]
    try:
        boto3.client("s3").write_get_object_response(
            StatusCode=299,
            RequestRoute=object_context["outputRoute"],
            RequestToken=object_context["outputToken"],
        )
    except ClientError as error:
        print("refused:", error.response["Error"]["Code"], error.response["Error"]["Message"])
