"""Answers at the gateway's public address, over a new connection each time, with the key asked for."""

import os
from urllib.parse import urlparse

import boto3

s3 = boto3.client("s3", endpoint_url=os.environ["PUBLIC"])


def handler(event, context):
    object_context = event["getObjectContext"]
    s3.write_get_object_response(
        Body=urlparse(event["userRequest"]["url"]).path.rpartition("/")[2].encode(),
        RequestRoute=object_context["outputRoute"],
        RequestToken=object_context["outputToken"],
    )
    if os.environ["CLOSES"]:
        s3.close()
