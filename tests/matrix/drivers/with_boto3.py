"""One action of boto3. It reads the endpoint from AWS_ENDPOINT_URL."""

import json

import boto3
from botocore.config import Config
from words import said

# Without it boto3 signs URLs as AWS did long ago.
s3 = boto3.client("s3", config=Config(signature_version="s3v4"))


def get(bucket, key, target):
    s3.download_file(bucket, key, target)


def size(bucket, key):
    print(s3.head_object(Bucket=bucket, Key=key)["ContentLength"])


def range(bucket, key, first, last, target):
    with open(target, "wb") as file:
        file.write(s3.get_object(Bucket=bucket, Key=key, Range=f"bytes={first}-{last}")["Body"].read())


def keys(bucket, prefix):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    print(json.dumps([each["Key"] for page in pages for each in page.get("Contents", [])]))


def presigned(bucket, key):
    print(s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key}))


def put(bucket, key, source):
    s3.upload_file(source, bucket, key)


said(globals())
