"""Upper case: the smallest function there is. The client is made once, outside the handler."""

import boto3
import requests

s3 = boto3.client("s3")


def handler(event, context):
    object_context = event["getObjectContext"]
    original = requests.get(object_context["inputS3Url"], timeout=30)
    s3.write_get_object_response(
        RequestRoute=object_context["outputRoute"],
        RequestToken=object_context["outputToken"],
        Body=original.text.upper().encode(),
        ContentType="text/plain; charset=utf-8",
    )
    return {"status_code": 200}
