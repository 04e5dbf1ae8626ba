"""One action of Apache Arrow's S3 file system (AWS's SDK for C++)."""

import json
import os

import pyarrow as pa
from pyarrow import compute, fs, parquet
from words import said

files = fs.S3FileSystem(
    endpoint_override=os.environ["AWS_ENDPOINT_URL"].removeprefix("http://"),
    scheme="http",
    region="us-east-1",
    force_virtual_addressing=False,
)


def get(bucket, key, target):
    with files.open_input_stream(f"{bucket}/{key}") as source, open(target, "wb") as file:
        file.write(source.read())


def size(bucket, key):
    print(files.get_file_info(f"{bucket}/{key}").size)


def range(bucket, key, first, last, target):
    with files.open_input_file(f"{bucket}/{key}") as source, open(target, "wb") as file:
        file.write(source.read_at(int(last) - int(first) + 1, int(first)))


def keys(bucket, prefix):
    found = files.get_file_info(fs.FileSelector(f"{bucket}/{prefix}", recursive=True))
    print(json.dumps([each.path.partition("/")[2] for each in found if each.type == fs.FileType.File]))


def put(bucket, key, source):
    with open(source, "rb") as file, files.open_output_stream(f"{bucket}/{key}") as target:
        target.write(file.read())


def table(bucket, key):
    read = parquet.read_table(f"{bucket}/{key}", filesystem=files, columns=["number"])
    print(json.dumps([read.num_rows, compute.sum(read["number"]).as_py()]))


def make(rows, target):
    """A table of so many rows: what the others read."""
    numbers = list(__builtins__.range(int(rows)))
    columns = pa.table({"number": numbers, "text": [f"row {number}" for number in numbers]})
    parquet.write_table(columns, target, row_group_size=20_000)


said(globals())
