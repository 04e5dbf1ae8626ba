"""Wrong usage ends with 2, before anything is asked of a gateway."""

import pytest
from typer.testing import CliRunner

from onread.cli.main import app


def usage(*arguments):
    return CliRunner().invoke(app, arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ("frob",),
        ("--frob",),
        ("get", "bucket"),
        ("bucket", "create"),
        ("olap", "configure", "name", "--range", "other"),
        ("olap", "create", "name", "--access-point", "a"),
        ("function", "create", "name"),
        ("function", "configure", "name", "--max", "many"),
        ("function", "create", "name", "--code", ".", "--env", "no-equals-sign"),
        ("serve", "--port", "9000"),
        ("key", "create"),
    ],
)
def test_wrong_usage_ends_with_2(arguments):
    assert usage(*arguments).exit_code == 2


@pytest.mark.parametrize("command", ["bucket", "access-point", "function", "olap", "key"])
def test_every_group_helps_when_nothing_is_asked(command):
    assert "Commands:" in usage(command, "--help").output


def test_an_endpoint_that_is_none_is_wrong_usage():
    for endpoint in ("127.0.0.1:9000", "ftp://host", "http://", "http://host:port", "http://host/path"):
        done = CliRunner().invoke(app, ["bucket", "list"], env={"ONREAD_ENDPOINT": endpoint})
        assert done.exit_code == 2, endpoint
        assert "http://HOST:PORT" in done.output
