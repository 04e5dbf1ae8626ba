"""Streams as many MiB as the reader's URL asks for, and logs how many have gone."""

from urllib.parse import parse_qs, urlparse

import boto3
from botocore.config import Config

MIB = b"m" * (1 << 20)


class Chunks:
    """What boto3 takes for a file: it has no length and cannot be rewound."""

    def __init__(self, chunks):
        self.chunks = chunks

    def read(self, size=-1):
        return next(self.chunks, b"")


def body(count):
    for _ in range(count):
        yield MIB


def handler(event, context):
    object_context = event["getObjectContext"]
    count = int(parse_qs(urlparse(event["userRequest"]["url"]).query)["mib"][0])
    streaming = Config(
        signature_version="s3v4", s3={"payload_signing_enabled": False}, retries={"total_max_attempts": 1}
    )
    boto3.client("s3", config=streaming).write_get_object_response(
        Body=Chunks(body(count)),
        RequestRoute=object_context["outputRoute"],
        RequestToken=object_context["outputToken"],
    )
