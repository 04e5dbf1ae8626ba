"""One action of minio-py."""

import json
import os

from minio import Minio
from words import said

client = Minio(
    os.environ["AWS_ENDPOINT_URL"].removeprefix("http://"),
    access_key=os.environ["AWS_ACCESS_KEY_ID"],
    secret_key=os.environ["AWS_SECRET_ACCESS_KEY"],
    secure=False,
    region="us-east-1",
)


def get(bucket, key, target):
    client.fget_object(bucket_name=bucket, object_name=key, file_path=target)


def size(bucket, key):
    print(client.stat_object(bucket_name=bucket, object_name=key).size)


def range(bucket, key, first, last, target):
    first, last = int(first), int(last)
    answer = client.get_object(bucket_name=bucket, object_name=key, offset=first, length=last - first + 1)
    with open(target, "wb") as file:
        file.write(answer.read())
    answer.close()


def keys(bucket, prefix):
    found = client.list_objects(bucket_name=bucket, prefix=prefix, recursive=True)
    print(json.dumps([each.object_name for each in found]))


def presigned(bucket, key):
    print(client.presigned_get_object(bucket_name=bucket, object_name=key))


def put(bucket, key, source):
    client.fput_object(bucket_name=bucket, object_name=key, file_path=source)


said(globals())
