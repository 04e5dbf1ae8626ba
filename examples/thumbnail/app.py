"""A small JPEG of any image that Pillow can read.

Pillow is not part of the runtime: put it beside this file (``pip install --target . pillow``).
"""

import io

import boto3
import requests
from PIL import Image

s3 = boto3.client("s3")
LONGEST_SIDE = 128


def handler(event, context):
    object_context = event["getObjectContext"]
    original = requests.get(object_context["inputS3Url"], timeout=30)
    original.raise_for_status()
    picture = Image.open(io.BytesIO(original.content)).convert("RGB")
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    small = io.BytesIO()
    picture.save(small, format="JPEG", quality=80)
    s3.write_get_object_response(
        RequestRoute=object_context["outputRoute"],
        RequestToken=object_context["outputToken"],
        Body=small.getvalue(),
        ContentType="image/jpeg",
        Metadata={"original-size": str(len(original.content))},
    )
