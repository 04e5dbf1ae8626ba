"""Writes as many bytes as the key says: ``sized-N`` with a declared length, ``chunked-N`` without.

The first bytes are the moment of the first write, on the machine's monotonic clock.
"""

import time
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

s3 = boto3.client("s3", config=Config(s3={"payload_signing_enabled": False}))
PIECE = b"x" * (1 << 20)


class Flood:
    """A file of so many bytes that exist only while they are read."""

    def __init__(self, size_bytes):
        self.left = size_bytes
        self.began = False

    def read(self, size_bytes=-1):
        wanted = min(self.left, len(PIECE) if size_bytes < 0 else min(size_bytes, len(PIECE)))
        self.left -= wanted
        if self.began or not wanted:
            return PIECE[:wanted]
        self.began = True
        return f"{time.monotonic():032.9f}".encode() + PIECE[: wanted - 32]

    def __iter__(self):
        while piece := self.read():
            yield piece


def handler(event, context):
    object_context = event["getObjectContext"]
    key = urlsplit(object_context["inputS3Url"]).path.rpartition("/")[2]
    form, _, size_bytes = key.partition("-")
    declared = {"ContentLength": int(size_bytes)} if form == "sized" else {}
    s3.write_get_object_response(
        Body=Flood(int(size_bytes)),
        RequestRoute=object_context["outputRoute"],
        RequestToken=object_context["outputToken"],
        **declared,
    )
    return {"status_code": 200}
