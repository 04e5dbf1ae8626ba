"""A table read by DuckDB through its httpfs extension."""

import json
import os

import duckdb
import duckdb_extensions
from words import said


def table(bucket, key):
    duckdb_extensions.import_extension("httpfs")
    connection = duckdb.connect()
    connection.execute("LOAD httpfs")
    connection.execute(
        f"""CREATE SECRET (TYPE s3, URL_STYLE 'path', USE_SSL false, REGION 'us-east-1',
            ENDPOINT '{os.environ["AWS_ENDPOINT_URL"].removeprefix("http://")}',
            KEY_ID '{os.environ["AWS_ACCESS_KEY_ID"]}', SECRET '{os.environ["AWS_SECRET_ACCESS_KEY"]}')"""
    )
    row = connection.execute(f"SELECT count(*), sum(number) FROM 's3://{bucket}/{key}'").fetchone()
    print(json.dumps([int(value) for value in row]))


said(globals())
