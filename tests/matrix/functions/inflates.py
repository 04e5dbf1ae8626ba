"""What is kept compressed is read plain, streaming, of a length that nobody knows before its end.

urllib fetches the URL as it stands; requests would resolve the `..` of a key, and ask for another one.
"""

import urllib.request
import zlib
from urllib.error import HTTPError

import boto3
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
    while chunk := original.read(65536):
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
    try:
        with urllib.request.urlopen(object_context["inputS3Url"], timeout=50) as original:
            s3.write_get_object_response(Body=Chunks(inflated(original)), **answer)
    except HTTPError as refused:
        code = "NoSuchKey" if refused.code == 404 else "InternalError"
        s3.write_get_object_response(
            StatusCode=refused.code, ErrorCode=code, ErrorMessage="as the store says", **answer
        )
