import json
from datetime import UTC, datetime

import pytest
import typer

from onread.cli.client import fail
from onread.cli.output import print_done, print_record, print_rows, without_metadata

WHEN = datetime(2026, 1, 2, tzinfo=UTC)


def test_json_holds_everything_and_a_table_what_was_chosen(capsys):
    rows = [{"Name": "a", "When": WHEN, "More": 1}]
    print_rows(rows, ("Name",), as_json=True)
    assert json.loads(capsys.readouterr().out) == [{"Name": "a", "When": WHEN.isoformat(), "More": 1}]
    print_rows(rows, ("Name", "When"), as_json=False)
    assert capsys.readouterr().out.split() == ["Name", "When", "a", WHEN.isoformat()]


def test_markup_in_a_name_is_shown_as_it_is(capsys):
    print_rows([{"Key": "[bold]x[/bold]"}], ("Key",), as_json=False)
    assert "[bold]x[/bold]" in capsys.readouterr().out


def test_a_record_shows_nested_members_as_json(capsys):
    print_record({"Name": "a", "Tags": {"k": ["v"]}}, as_json=False)
    assert '{"k": ["v"]}' in capsys.readouterr().out


def test_what_was_done_is_told(capsys):
    print_done("Deleted", "a", as_json=True)
    assert json.loads(capsys.readouterr().out) == {"Deleted": "a"}


def test_the_transport_is_left_out():
    assert without_metadata({"ETag": "e", "ResponseMetadata": {}}) == {"ETag": "e"}


def test_a_refusal_is_one_line(capsys):
    with pytest.raises(typer.Exit) as ended:
        fail("first\n  second")
    assert ended.value.exit_code == 1
    assert capsys.readouterr().err == "onread: first second\n"
