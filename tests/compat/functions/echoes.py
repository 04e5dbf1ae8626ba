"""Answers with the event that it was given."""

import json

import boto3


def handler(event, context):
    object_context = event["getObjectContext"]
    print("saw", event["xAmzRequestId"], context.aws_request_id)
    boto3.client("s3").write_get_object_response(
        Body=json.dumps(event),
        ContentType="application/json",
        RequestRoute=object_context["outputRoute"],
        RequestToken=object_context["outputToken"],
    )
