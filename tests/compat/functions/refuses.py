"""Refuses whoever does not know the word, as AWS's sample does it."""

import boto3
import requests


def handler(event, context):
    object_context = event["getObjectContext"]
    headers = event["userRequest"]["headers"]
    s3 = boto3.client("s3")
    route = {"RequestRoute": object_context["outputRoute"], "RequestToken": object_context["outputToken"]}
    if "SuperSecretToken" not in headers:
        s3.write_get_object_response(
            **route,
            StatusCode=403,
            ErrorCode="NoSuperSecretTokenFound",
            ErrorMessage="The request was not secret enough.",
        )
        return {"status_code": 403}
    original = requests.get(object_context["inputS3Url"]).content
    s3.write_get_object_response(**route, Body=original)
    return {"status_code": 200}
