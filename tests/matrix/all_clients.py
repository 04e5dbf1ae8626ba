"""The rows of the table."""

from tests.matrix import clients
from tests.matrix.browser import Chromium

CLIENTS: list[type[clients.Client]] = [
    clients.Boto3, clients.AwsCli, clients.Javascript, clients.S3cmd, clients.Rclone, clients.S5cmd,
    clients.Curl, clients.Pyarrow, clients.Duckdb, clients.Polars, clients.Obstore, clients.S3fs,
    clients.Minio, Chromium,
]  # fmt: skip
SAMPLE: list[type[clients.Client]] = [clients.Boto3, clients.AwsCli, clients.Rclone]
