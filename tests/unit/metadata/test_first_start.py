import os
from datetime import UTC, datetime

import pytest

from onread.metadata.first_start import UnsafeKeyFile, load_master_key, load_root_key

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def load_root(file):
    return load_root_key(file, account_id="000000000000", now=NOW, random_bytes=os.urandom)


def test_the_master_key_is_made_once_and_private(tmp_path):
    file = tmp_path / "master-key"
    made = load_master_key(file, random_bytes=os.urandom)
    assert len(made) == 64
    assert file.stat().st_mode & 0o777 == 0o600
    assert load_master_key(file, random_bytes=os.urandom) == made


def test_the_root_key_is_made_once_random_and_private(tmp_path):
    file = tmp_path / "root.json"
    first, again = load_root(file), load_root(file)
    assert first.is_new
    assert not again.is_new
    assert first.access_key.secret.reveal() == again.access_key.secret.reveal()
    assert len(first.access_key.secret.reveal()) == 40
    assert first.access_key.access_key_id.startswith("AKIA")
    assert len(first.access_key.access_key_id) == 20
    assert file.stat().st_mode & 0o777 == 0o600
    assert load_root(tmp_path / "other.json").access_key.access_key_id != first.access_key.access_key_id


def test_T294_a_key_file_that_others_may_read_is_refused(tmp_path):
    file = tmp_path / "master-key"
    load_master_key(file, random_bytes=os.urandom)
    file.chmod(0o640)
    with pytest.raises(UnsafeKeyFile, match="chmod 600"):
        load_master_key(file, random_bytes=os.urandom)


def test_a_master_key_with_too_little_in_it_is_refused(tmp_path):
    file = tmp_path / "master-key"
    file.touch(0o600)
    file.write_text("short")
    with pytest.raises(UnsafeKeyFile):
        load_master_key(file, random_bytes=os.urandom)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"access_key_id": "a"}', "\xff"])
def test_a_damaged_root_key_is_refused_in_one_line(tmp_path, text):
    file = tmp_path / "root.json"
    file.touch(0o600)
    file.write_text(text, encoding="latin-1")
    with pytest.raises(UnsafeKeyFile, match=r"backup") as refused:
        load_root(file)
    assert "\n" not in str(refused.value)
