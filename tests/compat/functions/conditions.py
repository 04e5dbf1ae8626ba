"""Forwards signed and conditional headers, and S3's refusals, as AWS's sample does it."""

from urllib.parse import parse_qs, urlparse

import boto3
import requests

CONDITIONAL = ("If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since")


def headers_to_forward(event):
    url = urlparse(event["getObjectContext"]["inputS3Url"])
    signed = parse_qs(url.query)["X-Amz-SignedHeaders"][0].split(";")
    wanted = {name.lower() for name in (*signed, *CONDITIONAL)} - {"host"}
    return {k: v for k, v in event["userRequest"]["headers"].items() if k.lower() in wanted}


def handler(event, context):
    object_context = event["getObjectContext"]
    route = {"RequestRoute": object_context["outputRoute"], "RequestToken": object_context["outputToken"]}
    s3 = boto3.client("s3")
    answer = requests.get(object_context["inputS3Url"], headers=headers_to_forward(event))
    if answer.status_code == 304:
        s3.write_get_object_response(StatusCode=304, **route)
    elif answer.status_code >= 400:
        code = answer.text.partition("<Code>")[2].partition("</Code>")[0]
        s3.write_get_object_response(
            StatusCode=answer.status_code, ErrorCode=code, ErrorMessage="S3 refused.", **route
        )
    else:
        s3.write_get_object_response(Body=answer.content, ETag=answer.headers["ETag"], **route)
