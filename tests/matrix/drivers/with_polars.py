"""A table read by polars."""

import json
import os

import polars as pl
from words import said


def table(bucket, key):
    options = {
        "aws_endpoint_url": os.environ["AWS_ENDPOINT_URL"],
        "aws_region": "us-east-1",
        "aws_access_key_id": os.environ["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": os.environ["AWS_SECRET_ACCESS_KEY"],
        "aws_allow_http": "true",
        "aws_virtual_hosted_style_request": "false",
    }
    numbers = pl.scan_parquet(f"s3://{bucket}/{key}", storage_options=options).select("number").collect()
    print(json.dumps([numbers.height, numbers["number"].sum()]))


said(globals())
