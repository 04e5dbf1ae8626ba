"""Writes what the object says: its text is the members of WriteGetObjectResponse as JSON."""

import json
from datetime import datetime

import boto3
import requests

DATES = ("LastModified", "Expires", "ObjectLockRetainUntilDate")


def handler(event, context):
    object_context = event["getObjectContext"]
    members = json.loads(requests.get(object_context["inputS3Url"]).content)
    for name in DATES:
        if name in members:
            members[name] = datetime.fromisoformat(members[name])
    boto3.client("s3").write_get_object_response(
        RequestRoute=object_context["outputRoute"], RequestToken=object_context["outputToken"], **members
    )
