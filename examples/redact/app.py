"""E-mail addresses become ``***``; whatever the store refuses, the reader is refused as well."""

import re

import boto3
import requests

s3 = boto3.client("s3")
ADDRESS = re.compile(rb"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}")


def handler(event, context):
    object_context = event["getObjectContext"]
    answer = {
        "RequestRoute": object_context["outputRoute"],
        "RequestToken": object_context["outputToken"],
    }
    original = requests.get(object_context["inputS3Url"], timeout=30)
    if original.status_code != 200:
        # Without this a missing object would come back as a transformed error document.
        refusal = re.search(r"<Code>(\w+)</Code>", original.text)
        s3.write_get_object_response(
            **answer,
            StatusCode=original.status_code,
            ErrorCode=refusal[1] if refusal else "InternalError",
            ErrorMessage="The original could not be read.",
        )
        return
    mark = event["configuration"]["payload"] or "***"
    s3.write_get_object_response(
        **answer,
        Body=ADDRESS.sub(mark.encode(), original.content),
        ContentType=original.headers.get("Content-Type", "text/plain"),
    )
