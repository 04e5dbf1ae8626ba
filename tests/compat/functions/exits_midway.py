"""Ends its process in the middle of the body."""

import os

import boto3
from botocore.config import Config


class Chunks:
    """What boto3 takes for a file: it has no length and cannot be rewound."""

    def __init__(self, chunks):
        self.chunks = chunks

    def read(self, size=-1):
        return next(self.chunks, b"")


def body():
    yield b"x" * 300_000
    os._exit(1)


def handler(event, context):
    object_context = event["getObjectContext"]
    streaming = Config(signature_version="s3v4", s3={"payload_signing_enabled": False})
    boto3.client("s3", config=streaming).write_get_object_response(
        Body=Chunks(body()),
        RequestRoute=object_context["outputRoute"],
        RequestToken=object_context["outputToken"],
    )
