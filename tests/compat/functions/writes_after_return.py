"""Returns first; what a thread of it writes then comes too late."""

import threading

import boto3
from botocore.exceptions import ClientError


def write(route):
    threading.Event().wait(0.6)
    try:
        boto3.client("s3").write_get_object_response(Body="late", **route)
        print("late: accepted")
    except ClientError as error:
        print("late:", error.response["Error"]["Code"], error.response["Error"]["Message"])


def handler(event, context):
    object_context = event["getObjectContext"]
    route = {"RequestRoute": object_context["outputRoute"], "RequestToken": object_context["outputToken"]}
    threading.Thread(target=write, args=(route,)).start()
