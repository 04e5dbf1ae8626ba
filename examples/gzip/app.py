"""The object, compressed on its way: read, compressed and written in pieces, whatever its size.

The length is not known before the end, so the answer is written chunk by chunk; the reader's first byte
leaves long before this handler returns.
"""

import zlib

import boto3
import requests
from botocore.config import Config

# A body that cannot be read twice cannot be hashed before it is sent: it goes out with an unsigned payload.
STREAMING = Config(
    signature_version="s3v4", s3={"payload_signing_enabled": False}, retries={"total_max_attempts": 1}
)
s3 = boto3.client("s3", config=STREAMING)
PIECE_BYTES = 256 * 1024


class Pieces:
    """What boto3 takes for a file without length or rewind: each read gives the next piece."""

    def __init__(self, pieces):
        self.pieces = pieces

    def read(self, size=-1):
        return next(self.pieces, b"")


def compressed(response):
    gzip = zlib.compressobj(wbits=31)
    for piece in response.iter_content(PIECE_BYTES):
        if ready := gzip.compress(piece):  # an empty piece would say that this is the end
            yield ready
    yield gzip.flush()


def handler(event, context):
    object_context = event["getObjectContext"]
    with requests.get(object_context["inputS3Url"], stream=True, timeout=30) as original:
        original.raise_for_status()
        s3.write_get_object_response(
            RequestRoute=object_context["outputRoute"],
            RequestToken=object_context["outputToken"],
            Body=Pieces(compressed(original)),
            ContentType=original.headers.get("Content-Type", "application/octet-stream"),
            ContentEncoding="gzip",
        )
