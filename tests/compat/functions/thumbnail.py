"""A smaller picture, as AWS's sample makes it with Pillow."""

import io

import boto3
import requests
from PIL import Image


def handler(event, context):
    object_context = event["getObjectContext"]
    image = Image.open(io.BytesIO(requests.get(object_context["inputS3Url"]).content))
    image.thumbnail((32, 32))
    transformed = io.BytesIO()
    image.save(transformed, image.format)
    boto3.client("s3").write_get_object_response(
        Body=transformed.getvalue(),
        ContentType=Image.MIME[image.format],
        RequestRoute=object_context["outputRoute"],
        RequestToken=object_context["outputToken"],
    )
