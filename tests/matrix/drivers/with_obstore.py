"""One action of obstore (the Rust crate object_store)."""

import json
import os
from datetime import timedelta

import obstore
from obstore.store import S3Store
from words import said


def opened(bucket):
    return S3Store(
        bucket,
        endpoint=os.environ["AWS_ENDPOINT_URL"],
        region="us-east-1",
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )


def get(bucket, key, target):
    with open(target, "wb") as file:
        file.writelines(obstore.get(opened(bucket), key))


def size(bucket, key):
    print(obstore.head(opened(bucket), key)["size"])


def range(bucket, key, first, last, target):
    with open(target, "wb") as file:
        file.write(obstore.get_range(opened(bucket), key, start=int(first), end=int(last) + 1))


def keys(bucket, prefix):
    pages = obstore.list(opened(bucket), prefix=prefix)
    print(json.dumps([each["path"] for page in pages for each in page]))


def presigned(bucket, key):
    print(obstore.sign(opened(bucket), "GET", key, timedelta(hours=1)))


def put(bucket, key, source):
    with open(source, "rb") as file:
        obstore.put(opened(bucket), key, file)


said(globals())
