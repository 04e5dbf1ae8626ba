"""What a developer writes for AWS, its client and its session made once: the recommended form."""

import boto3
import requests

s3 = boto3.client("s3")
session = requests.Session()


def handler(event, context):
    object_context = event["getObjectContext"]
    original = session.get(object_context["inputS3Url"], timeout=10)
    s3.write_get_object_response(
        Body=original.content.upper(),
        RequestRoute=object_context["outputRoute"],
        RequestToken=object_context["outputToken"],
    )
    return {"status_code": 200}
