"""A real PostgreSQL server for tests: one for each test process, an empty database for each test.

How to use it. A test (or fixture) that takes ``postgresql_url`` gets the URL of an empty database of its
own, and is skipped, loudly, where PostgreSQL's binaries are missing:

    def test_something(postgresql_url): ...   # "postgresql://app@127.0.0.1:PORT/test_1"

Tests of records take ``open_records`` (tests/unit/metadata/conftest.py) and run over SQLite and PostgreSQL
both; nothing else has to be done. Elsewhere, parametrise over both with the fixture ``database_location``
(what `Records.open` takes: a folder or a URL):

    def test_it_over_both_databases(database_location): ...

What harms the server (stops, freezes, fills it) starts one of its own: ``with Server() as server: ...``.
"""

import contextlib
import glob
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import psutil
import psycopg
import pytest

from onread.metadata.opening import open_database

USER = "app"
# Every column of every table, in one number.
_DESCRIBE = """
    SELECT md5(string_agg(concat_ws(' ', table_name, column_name, data_type, is_nullable), ','
               ORDER BY table_name, ordinal_position))
    FROM information_schema.columns WHERE table_schema = 'public'
"""
_EMPTY = """
    DO $$ DECLARE name text; BEGIN
        SET LOCAL session_replication_role = replica;
        FOR name IN SELECT tablename FROM pg_tables
                    WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
            EXECUTE format('DELETE FROM public.%I', name);
        END LOOP;
    END $$
"""
_WAIT_SECONDS = 30
_NEWEST_FIRST = sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)


def find_program(name: str) -> str | None:
    """Where one of the server's programs is: on PATH, or where Debian puts it."""
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join(_NEWEST_FIRST))


class Server:
    """One server on a loopback port. Started by the first ``with``; nothing is left of it afterwards.

    Args:
        options: settings, as ``max_connections="5"``.
    """

    def __init__(self, **options: str) -> None:
        self._options = {
            "listen_addresses": "127.0.0.1",
            "fsync": "off",
            "shared_buffers": "16MB",
            "max_wal_size": "256MB",
            "autovacuum": "off",
            **options,
        }
        self._names = itertools.count(1)
        self._spare: list[str] = []
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0
        self.head: object = None
        self.database = "postgres"  # where no other is named

    def __enter__(self) -> Self:
        initdb = find_program("initdb")
        if initdb is None or find_program("postgres") is None:
            pytest.skip("PostgreSQL is not installed: initdb and postgres are missing")
        self._folder = Path(tempfile.mkdtemp(prefix="onread-postgresql-"))
        self._data = self._folder / "data"
        try:
            if os.geteuid() == 0:
                self._folder.chmod(0o755)
                shutil.chown(self._folder, _unprivileged())
            self._run(initdb, "-D", self._data, "-A", "trust", "-U", USER, "-E", "UTF8", "--no-sync")
            with socket.create_server(("127.0.0.1", 0)) as taken:
                self.port = taken.getsockname()[1]
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def url(self, database: str | None = None, **options: str) -> str:
        """The URL of a database; options go into its query, already quoted."""
        query = "?" + "&".join(f"{name}={value}" for name, value in options.items()) if options else ""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database or self.database}{query}"

    def take_database(self) -> str:
        """The name of a database without a row: a new one, or one that `return_database` has emptied."""
        if self._spare:
            return self._spare.pop()
        name = f"test_{next(self._names)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE template0", "postgres")
        return name

    def return_database(self, name: str) -> None:
        """Empty it for the next test when its tables are onread's, untouched; else remove it.

        To make a database and its tables costs a quarter of a second, to empty them a few milliseconds.
        """
        if self.describe(name) == _describe_head(self):
            self.execute(_EMPTY, name)
            self._spare.append(name)
        else:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)", "postgres")

    def describe(self, name: str) -> list[tuple[object, ...]]:
        """Its columns in one number, and its revision."""
        described = self.execute(_DESCRIBE, name)
        if self.execute("SELECT to_regclass('alembic_version')", name) == [(None,)]:
            return described
        return described + self.execute("SELECT * FROM alembic_version", name)

    def execute(self, statement: str, database: str | None = None) -> list[tuple[object, ...]]:
        """Run one statement as the superuser."""
        with psycopg.connect(self.url(database), autocommit=True, connect_timeout=10) as connection:
            answer = connection.execute(statement)
            return answer.fetchall() if answer.description else []

    def lend(self, file: Path) -> Path:
        """A copy that the server may read and nobody else."""
        copy = self._folder / file.name
        shutil.copyfile(file, copy)
        copy.chmod(0o600)
        if os.geteuid() == 0:
            shutil.chown(copy, _unprivileged())
        return copy

    # What happens to servers

    def start(self) -> None:
        """Start it, or start it again, and wait until it answers."""
        options = [f"-c{name}={value}" for name, value in self._options.items()]
        program = str(find_program("postgres"))
        server = [program, "-D", str(self._data), "-p", str(self.port), "-k", str(self._folder)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_as_unprivileged(), *server, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + _WAIT_SECONDS
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(self.log()) from error
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(0.02)
            else:
                return

    def stop(self) -> None:
        """End it at once, as if it had crashed, and wait until every process of it is gone."""
        if self._process is None:
            return
        self.thaw()
        processes = self.processes()
        self._process.send_signal(signal.SIGQUIT)
        try:
            self._process.wait(_WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        psutil.wait_procs(processes, timeout=_WAIT_SECONDS)
        self._process = None

    def freeze(self) -> None:
        """Stop every process of it; connections stay open and nothing answers."""
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()

    def thaw(self) -> None:
        """Let it go on."""
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):  # one that served a connection that ended
                process.resume()

    def processes(self) -> list[psutil.Process]:
        """The server and its children."""
        assert self._process is not None
        try:
            server = psutil.Process(self._process.pid)
            return [server, *server.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def log(self) -> str:
        """What it has said."""
        return (self._folder / "log").read_text(errors="replace")[-4000:]

    def _run(self, *command: object) -> None:
        done = subprocess.run(
            [*_as_unprivileged(), *map(str, command)], capture_output=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr.decode()


def _describe_head(server: Server) -> object:
    """What a database looks like whose tables are as the schema says."""
    if server.head is None:
        name = "head"
        server.execute(f"CREATE DATABASE {name} TEMPLATE template0", "postgres")
        database = open_database(server.url(name))
        database.start(lambda _: None)
        database.close()
        server.head = server.describe(name)
        server._spare.append(name)
    return server.head


def _unprivileged() -> str:
    """PostgreSQL refuses to run as root: whom it runs as then."""
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise AssertionError("neither the user postgres nor nobody exists")


def _as_unprivileged() -> list[str]:
    alive = ["--pdeathsig", "KILL"]  # a test process that is killed leaves no server
    if os.geteuid() != 0:
        return ["setpriv", *alive]
    user = pwd.getpwnam(_unprivileged())
    return ["setpriv", "--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups", *alive]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """The server that tests share which do it no harm."""
    with Server() as server:
        yield server


@pytest.fixture
def postgresql_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database of the test's own."""
    server: Server = request.getfixturevalue("postgresql")
    name = server.take_database()
    yield server.url(name)
    server.return_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_location(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """A folder, then a PostgreSQL URL: what `Records.open` takes. The test runs over both."""
    if request.param == "sqlite":
        return tmp_path / "data"
    return str(request.getfixturevalue("postgresql_url"))
