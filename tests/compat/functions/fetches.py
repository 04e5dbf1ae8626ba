"""Answers with what the input URL answered, its status included."""

import boto3
import requests


def handler(event, context):
    object_context = event["getObjectContext"]
    fetched = requests.get(object_context["inputS3Url"])
    answer = {"StatusCode": fetched.status_code, "Body": fetched.content}
    if fetched.status_code >= 400:
        code = fetched.text.partition("<Code>")[2].partition("</Code>")[0]
        answer = {"StatusCode": fetched.status_code, "ErrorCode": code, "ErrorMessage": "from the source"}
    boto3.client("s3").write_get_object_response(
        RequestRoute=object_context["outputRoute"], RequestToken=object_context["outputToken"], **answer
    )
