"""Records over a real SQLite file in a temporary folder, and over a real PostgreSQL.

A test that takes ``open_records`` runs over both; one that takes ``open_in_sqlite`` over SQLite alone.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from onread.metadata.database import Database
from onread.metadata.facade import Records
from onread.metadata.opening import open_database
from onread.metadata.records import AccessKey, AccessPoint, Function, ObjectLambdaAccessPoint, Secret, User

NOW = datetime(2030, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
ACCOUNT = "111122223333"
REGION = "us-east-1"
MASTER_KEY = b"m" * 32

OpenRecords = Callable[..., AbstractAsyncContextManager[Records]]


@pytest.fixture
def open_records(database_location: Path | str) -> OpenRecords:
    return opener(database_location)


@pytest.fixture
def open_in_sqlite(tmp_path: Path) -> OpenRecords:
    return opener(tmp_path / "data")


def opener(default: Path | str) -> OpenRecords:
    @asynccontextmanager
    async def opened(
        location: Path | str = default, *, master_key: bytes = MASTER_KEY, region: str = REGION
    ) -> AsyncIterator[Records]:
        records = await Records.open(
            location, master_key=master_key, clock=lambda: NOW, account_id=ACCOUNT, region=region
        )
        try:
            yield records
        finally:
            await records.close()

    return opened


@pytest.fixture
def database(database_location: Path | str) -> Iterator[Database]:
    """Either database, empty but for its tables."""
    opened = open_database(database_location)
    opened.start(lambda _: None)
    yield opened
    opened.close()


@pytest.fixture
def database_file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "control.sqlite3"


def a_user(name: str = "alice", *, user_id: str = "AIDAAAAAAAAAAAAAAAAAA") -> User:
    return User(account_id=ACCOUNT, name=name, path="/", user_id=user_id, created_at=NOW)


def a_key(
    access_key_id: str = "AKIAAAAAAAAAAAAAAAAA", *, user: str = "alice", secret: str = "s" * 40
) -> AccessKey:
    return AccessKey(
        access_key_id=access_key_id,
        secret=Secret(secret),
        account_id=ACCOUNT,
        user_name=user,
        active=True,
        created_at=NOW,
    )


def an_access_point(name: str = "my-ap", *, region: str = REGION) -> AccessPoint:
    return AccessPoint(
        account_id=ACCOUNT,
        region=region,
        name=name,
        bucket="bucket",
        alias=f"{name}-{region}-s3alias",
        created_at=NOW,
        public_access_block={"BlockPublicAcls": True},
    )


def an_object_lambda_access_point(
    name: str = "my-olap", *, supporting: str = "my-ap"
) -> ObjectLambdaAccessPoint:
    return ObjectLambdaAccessPoint(
        account_id=ACCOUNT,
        region=REGION,
        name=name,
        alias=f"{name}-x--ol-s3",
        created_at=NOW,
        configuration=f'{{"SupportingAccessPoint":"arn:aws:s3:{REGION}:{ACCOUNT}:accesspoint/{supporting}"}}',
    )


def a_function(name: str = "f", *, code_sha256: str = "", **members: object) -> Function:
    return Function(
        account_id=ACCOUNT,
        region=REGION,
        name=name,
        runtime="python3.11",
        handler="app.handler",
        role=f"arn:aws:iam::{ACCOUNT}:role/r",
        code_sha256=code_sha256,
        code_size_bytes=3,
        modified_at=NOW,
        revision_id="r1",
        **members,  # type: ignore[arg-type]
    )
