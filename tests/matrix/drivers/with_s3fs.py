"""One action of s3fs (aiobotocore)."""

import json
import os

import s3fs
from words import said

files = s3fs.S3FileSystem(
    client_kwargs={"endpoint_url": os.environ["AWS_ENDPOINT_URL"]},
    config_kwargs={"signature_version": "s3v4"},  # for the URLs that it signs
)


def get(bucket, key, target):
    files.get_file(f"{bucket}/{key}", target)


def size(bucket, key):
    print(files.info(f"{bucket}/{key}")["size"])


def range(bucket, key, first, last, target):
    with open(target, "wb") as file:
        file.write(files.cat_file(f"{bucket}/{key}", start=int(first), end=int(last) + 1))


def keys(bucket, prefix):
    print(json.dumps([path.partition("/")[2] for path in files.find(f"{bucket}/{prefix}")]))


def presigned(bucket, key):
    print(files.url(f"{bucket}/{key}"))


def put(bucket, key, source):
    files.put_file(source, f"{bucket}/{key}")


said(globals())
