"""Answers with which version of it ran: one of two that differ by their letter alone."""

import os

import boto3

LETTER = "a"
s3 = boto3.client("s3")


def handler(event, context):
    told = "|".join(
        (
            LETTER,
            os.environ.get("MODE", "-"),
            os.environ["AWS_LAMBDA_FUNCTION_VERSION"],
            context.function_version,
            context.invoked_function_arn.partition(":function:")[2],
            str(os.getpid()),
        )
    )
    if "getObjectContext" in event:
        context = event["getObjectContext"]
        s3.write_get_object_response(
            RequestRoute=context["outputRoute"], RequestToken=context["outputToken"], Body=told
        )
    return told
