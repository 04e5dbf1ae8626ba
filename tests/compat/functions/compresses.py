"""Gzip on the way, of a length that nobody knows before its end."""

import zlib

import boto3
import requests
from botocore.config import Config


class Chunks:
    """What boto3 takes for a file: it has no length and cannot be rewound."""

    def __init__(self, chunks):
        self.chunks = chunks

    def read(self, size=-1):
        return next(self.chunks, b"")


def compressed(url):
    compressor = zlib.compressobj(wbits=31)
    with requests.get(url, stream=True) as original:
        for chunk in original.iter_content(65536):
            if piece := compressor.compress(chunk):
                yield piece
    yield compressor.flush()


def handler(event, context):
    object_context = event["getObjectContext"]
    streaming = Config(signature_version="s3v4", s3={"payload_signing_enabled": False})
    boto3.client("s3", config=streaming).write_get_object_response(
        Body=Chunks(compressed(object_context["inputS3Url"])),
        ContentEncoding="gzip",
        ContentType="text/plain",
        RequestRoute=object_context["outputRoute"],
        RequestToken=object_context["outputToken"],
    )
