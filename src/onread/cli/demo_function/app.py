"""An S3 Object Lambda function as AWS documents it: nothing in it knows onread."""

import boto3
import requests


def handler(event, context):
    object_context = event["getObjectContext"]
    original = requests.get(object_context["inputS3Url"], timeout=10)

    s3 = boto3.client("s3")
    s3.write_get_object_response(
        Body=original.content.decode("utf-8").upper(),
        RequestRoute=object_context["outputRoute"],
        RequestToken=object_context["outputToken"],
        ContentType="text/plain",
    )
    return {"status_code": 200}
