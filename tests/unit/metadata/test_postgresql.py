"""The URL, TLS, secrets and the doctor's looks: what only PostgreSQL has."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update
from tests.fakes.authority import Authority
from tests.postgresql import Server

from onread.metadata.checkup import check_up
from onread.metadata.database import DatabaseRefused
from onread.metadata.opening import open_database
from onread.metadata.postgresql import connection_parameters, name_of
from onread.metadata.schema import HEAD, alembic_version

from .conftest import MASTER_KEY, an_access_point, opener

pytestmark = pytest.mark.slow  # each over databases that are started, filled and ended

CANARY = "c4n4ry"


def start(url: str) -> None:
    database = open_database(url)
    try:
        database.start(lambda _: None)
    finally:
        database.close()


def test_timeouts_and_encoding_are_ours_and_the_rest_is_the_urls() -> None:
    parameters = connection_parameters(
        "postgresql://u@db:6543/onread?sslmode=require&connect_timeout=2&options=-c%20a.b%3D1"
    )
    assert parameters["sslmode"] == "require"
    assert parameters["connect_timeout"] == "2"
    assert parameters["client_encoding"] == "UTF8"
    assert parameters["options"] == (
        "-c statement_timeout=5s -c lock_timeout=3s -c idle_in_transaction_session_timeout=7s -c a.b=1"
    )
    assert name_of(parameters) == "PostgreSQL db:6543/onread"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://u:{CANARY}@db:port/onread",
        f"postgresql://u:{CANARY}@[::1/onread",
        f"postgresql://u:{CANARY}@db/onread?no_such_parameter={CANARY}",
        f"postgresql://u:%zz{CANARY}@db/onread",
        f"postgresql://u:{CANARY}@127.0.0.1:1/onread",
        f"postgresql://u:{CANARY}@127.0.0.1:1/onread?sslmode=verify-full&sslrootcert=/nowhere",
        f"postgresql://u:{CANARY}@127.0.0.1:1,127.0.0.1:2/onread",
    ],
)
def test_T290_a_url_that_cannot_be_used_is_told_without_its_password(
    url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DatabaseRefused) as refused:
        start(url)
    cause: BaseException | None = refused.value
    while cause is not None:
        assert CANARY not in f"{cause} {cause!r}"
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    findings = list(check_up(url, None))
    assert findings[0][0] == "problem"
    told = capfd.readouterr()
    assert CANARY not in f"{findings} {told.out} {told.err}"


def test_T290_errors_of_statements_hide_their_values(postgresql_url: str) -> None:
    async def scenario() -> None:
        async with opener(postgresql_url)() as records:
            with pytest.raises(Exception) as refused:
                await records.create_access_point(an_access_point("x" * 65 + CANARY))
            cause = refused.value.__cause__
            assert CANARY not in f"{cause!r} {cause}"

    asyncio.run(scenario())


@pytest.fixture
def authority(postgresql: Server, tmp_path: Path) -> Iterator[Authority]:
    """The server shows a certificate of this authority while the test runs."""
    authority = Authority(tmp_path)
    files = authority.sign("database")
    for statement in (
        f"ALTER SYSTEM SET ssl_cert_file = '{postgresql.lend(files.certificate)}'",
        f"ALTER SYSTEM SET ssl_key_file = '{postgresql.lend(files.key)}'",
        "ALTER SYSTEM SET ssl = on",
        "SELECT pg_reload_conf()",
    ):
        postgresql.execute(statement)
    yield authority
    postgresql.execute("ALTER SYSTEM RESET ALL")
    postgresql.execute("SELECT pg_reload_conf()")


def test_the_urls_tls_options_are_honoured(authority: Authority, postgresql_url: str, tmp_path: Path) -> None:
    def verified_by(trusted: Authority) -> str:
        return f"{postgresql_url}?sslmode=verify-full&sslrootcert={trusted.ca_file}"

    deadline = time.monotonic() + 10
    while True:  # a server takes a moment to reload
        try:
            start(verified_by(authority))
            break
        except DatabaseRefused:
            assert time.monotonic() < deadline
    database = open_database(verified_by(authority))
    with database.reading() as connection:
        asked = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        assert connection.exec_driver_sql(asked).scalar() is True
    database.close()
    with pytest.raises(DatabaseRefused, match="certificate verify failed"):
        start(verified_by(Authority(tmp_path, "others")))


def test_another_encoding_is_refused(postgresql: Server) -> None:
    postgresql.execute("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'", "postgres")
    url = postgresql.url("latin")
    with pytest.raises(DatabaseRefused, match=r"LATIN1.*ENCODING 'UTF8'"):
        start(url)
    assert ("problem", "its encoding is LATIN1", "CREATE DATABASE ... ENCODING 'UTF8'") in list(
        check_up(url, None)
    )
    postgresql.execute("DROP DATABASE latin WITH (FORCE)", "postgres")


def test_a_package_of_fifty_mebibytes_is_read_without_being_held_three_times(postgresql_url: str) -> None:
    """A process of its own: what it holds at most, beyond what it begins with."""
    script = """
import asyncio, hashlib, os, resource, sys
from tests.unit.metadata.conftest import a_function, opener

async def main():
    async with opener(sys.argv[1])() as records:
        if sys.argv[2] == "write":
            code = os.urandom(50 << 20)
            digest = hashlib.sha256(code).hexdigest()
            await records.create_function(a_function(code_sha256=digest), code)
            print(digest)
            return
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        code = await records.load_code(sys.argv[2])
        assert hashlib.sha256(code).hexdigest() == sys.argv[2]
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)

asyncio.run(main())
"""

    def run(argument: str) -> str:
        command = [sys.executable, "-c", script, postgresql_url, argument]
        return subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=100
        ).stdout.split()[-1]

    assert int(run(run("write"))) < 75  # MiB


def test_the_doctor_tells_what_is_there_and_changes_nothing(postgresql: Server) -> None:
    postgresql.execute("CREATE DATABASE patient TEMPLATE template0", "postgres")
    url = postgresql.url("patient")

    def looked_at(master_key: bytes | None = MASTER_KEY) -> list[str]:
        return [f"{state}: {detail}" for state, detail, _ in check_up(url, master_key)]

    first, *rest = looked_at()
    assert first.startswith("ok: PostgreSQL 127.0.0.1:")
    assert rest == ["ok: empty: the first start makes the tables"]
    assert looked_at()[1:] == rest

    async def first_start() -> None:
        async with opener(url)():
            pass

    asyncio.run(first_start())
    assert looked_at()[1:] == ["ok: the master key opens it"]
    assert looked_at(None)[1:] == []
    assert looked_at(b"x" * 32)[1:] == ["problem: made under another master key"]
    database = open_database(url)
    with database.transaction() as connection:
        connection.execute(update(alembic_version).values(version_num="9999"))
    assert f"problem: written by a newer onread (schema 9999; this knows {HEAD})" in looked_at()
    with database.transaction() as connection:
        connection.exec_driver_sql("DROP TABLE alembic_version")
    assert "problem: it holds something else than onread's records" in looked_at()
    database.close()
    postgresql.execute("DROP DATABASE patient WITH (FORCE)", "postgres")
