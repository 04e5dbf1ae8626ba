"""Upper case, as AWS's tutorial does it."""

import boto3
import requests


def handler(event, context):
    object_context = event["getObjectContext"]
    original = requests.get(object_context["inputS3Url"]).content.decode("utf-8")
    boto3.client("s3").write_get_object_response(
        Body=original.upper(),
        RequestRoute=object_context["outputRoute"],
        RequestToken=object_context["outputToken"],
    )
    return {"status_code": 200}
