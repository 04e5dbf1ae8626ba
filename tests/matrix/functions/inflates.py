"""What is kept compressed is read plain, streaming, of a length that nobody knows before its end."""

import zlib

import boto3
import requests
from botocore.config import Config

s3 = boto3.client("s3", config=Config(signature_version="s3v4", s3={"payload_signing_enabled": False}))


class Chunks:
    """What boto3 takes for a file: it has no length and cannot be rewound."""

    def __init__(self, chunks):
        self.chunks = chunks

    def read(self, size=-1):
        return next(self.chunks, b"")


def inflated(original):
    inflater = zlib.decompressobj(wbits=31)
    for chunk in original.iter_content(65536):
        if piece := inflater.decompress(chunk):
            yield piece
    if rest := inflater.flush():
        yield rest


def handler(event, context):
    object_context = event["getObjectContext"]
    answer = {
        "RequestRoute": object_context["outputRoute"],
        "RequestToken": object_context["outputToken"],
    }
    with requests.get(object_context["inputS3Url"], stream=True, timeout=50) as original:
        if original.status_code != 200:
            code = "NoSuchKey" if original.status_code == 404 else "InternalError"
            s3.write_get_object_response(
                StatusCode=original.status_code, ErrorCode=code, ErrorMessage="as the store says", **answer
            )
            return
        s3.write_get_object_response(Body=Chunks(inflated(original)), **answer)
