"""Answers with the key that was asked for, many times over, and the digest of all that."""

import hashlib
from urllib.parse import urlparse

import boto3

s3 = boto3.client("s3")


def handler(event, context):
    object_context = event["getObjectContext"]
    name = urlparse(event["userRequest"]["url"]).path.rpartition("/")[2]
    body = (name + "|").encode() * (1 + len(name) * 97 % 400)
    s3.write_get_object_response(
        Body=hashlib.sha256(body).hexdigest().encode() + b" " + body,
        RequestRoute=object_context["outputRoute"],
        RequestToken=object_context["outputToken"],
    )
