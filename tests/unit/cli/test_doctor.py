import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from onread.cli.doctor import (
    compare_clocks,
    examine,
    look_at_data,
    look_at_databases,
    look_at_isolation,
    look_at_names,
    look_at_runtime,
)
from onread.config import Settings

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)


def states(findings):
    return {finding.subject: finding.state for finding in findings}


def test_a_data_directory_that_is_not_there_yet_is_no_problem(tmp_path):
    [finding] = look_at_data(Settings(data_dir=tmp_path / "new"))
    assert finding.state == "ok"


def test_a_data_directory_that_is_a_file_is_a_problem(tmp_path):
    (tmp_path / "file").touch()
    assert states(look_at_data(Settings(data_dir=tmp_path / "file"))) == {"data directory": "problem"}


def test_a_data_directory_open_to_others_is_told_with_what_to_do(tmp_path):
    tmp_path.chmod(0o755)
    findings = list(look_at_data(Settings(data_dir=tmp_path)))
    assert findings[0].state == "warning"
    assert findings[0].advice == f"chmod 700 {tmp_path}"


@pytest.mark.parametrize("name", ["master-key", "root-access-key.json"])
def test_T294_a_key_that_others_may_read_is_a_problem(tmp_path, name):
    (tmp_path / name).touch(0o600)
    (tmp_path / name).chmod(0o644)
    assert states(look_at_data(Settings(data_dir=tmp_path)))[name] == "problem"


def test_a_whole_database_is_ok_and_a_damaged_one_a_problem(tmp_path):
    (tmp_path / "store").mkdir()
    connection = sqlite3.connect(tmp_path / "control.sqlite3")
    connection.execute("CREATE TABLE t (a)")
    connection.close()
    (tmp_path / "store" / "index.sqlite").write_bytes(b"no database" * 100)
    assert states(look_at_databases(Settings(data_dir=tmp_path))) == {
        "database control.sqlite3": "ok",
        "database store/index.sqlite": "problem",
    }


def test_names_that_do_not_resolve_are_a_warning_with_what_still_works():
    [finding] = look_at_names(Settings(domains=("never.invalid",)))
    assert finding.state == "warning"
    assert "NAME.olap work" in finding.detail


def test_the_runtime_is_there_and_isolation_is_not():
    assert states(look_at_runtime(Settings())) == {"runtime": "ok"}
    assert states(look_at_isolation(Settings())) == {"isolation": "warning"}


def test_clocks_may_differ_by_five_minutes():
    assert compare_clocks(NOW, NOW - timedelta(seconds=300)).state == "ok"
    assert compare_clocks(NOW, NOW + timedelta(seconds=301)).state == "problem"


def test_settings_that_cannot_be_used_end_the_examination(tmp_path):
    file = tmp_path / "onread.toml"
    file.write_text("workers = 0\nnonsense = 1\n")
    findings = list(examine({}, file))
    assert [finding.state for finding in findings] == ["problem", "problem"]
