"""Does what its object says: bytes by the hundred thousand, an error, or a stop in the middle.

The bytes begin with a number that is new in every run, so that two runs can never be taken for one.
"""

import json
import secrets

import boto3
import requests
from botocore.config import Config

streaming = Config(
    signature_version="s3v4", s3={"payload_signing_enabled": False}, retries={"total_max_attempts": 1}
)
s3 = boto3.client("s3", config=streaming)


class Chunks:
    def __init__(self, chunks):
        self.chunks = chunks

    def read(self, size=-1):
        return next(self.chunks, b"")


def chunks(size, stop_after):
    run = secrets.token_bytes(16)
    sent = 0
    while sent < size:
        if stop_after is not None and sent >= stop_after:
            raise RuntimeError("as told")
        piece = (run * 8192)[: size - sent]
        sent += len(piece)
        yield piece


def handler(event, context):
    wish = json.loads(requests.get(event["getObjectContext"]["inputS3Url"]).content)
    print("slices.ran", wish["name"], sorted(event["userRequest"]["headers"]))
    answer = {
        "RequestRoute": event["getObjectContext"]["outputRoute"],
        "RequestToken": event["getObjectContext"]["outputToken"],
    }
    if "error" in wish:
        s3.write_get_object_response(
            **answer, StatusCode=403, ErrorCode="NotForYou", ErrorMessage=secrets.token_hex(8)
        )
        return
    length = {"ContentLength": wish["size"]} if wish.get("sized", True) else {}
    s3.write_get_object_response(
        **answer,
        **length,
        Body=Chunks(chunks(wish["size"], wish.get("stop_after"))),
        ContentType="text/x-slices",
        Metadata={"wish": wish["name"]},
        ETag='"the-functions-own"',
    )
