"""What the settings say of stores, and what they must not say."""

import pytest

from onread.store_settings import read_stores

GOOD = {
    "name": "main",
    "endpoint": "https://store.example:9000",
    "region": "eu-west-1",
    "access_key_id": "AK",
    "secret_access_key": "secret-of-the-store",
    "buckets": ["a-b", "c-d"],
}


def problems_of(*tables, environment=None):
    problems = []
    read_stores(list(tables), environment or {}, problems)
    return problems


def test_a_store_is_read_whole():
    problems = []
    (store,) = read_stores([GOOD], {}, problems)
    assert problems == []
    assert (store.scheme, store.host, store.port, store.authority) == (
        "https", "store.example", 9000, "store.example:9000",
    )  # fmt: skip
    assert store.buckets == {"a-b", "c-d"}
    assert store.path_style
    assert store.access_settings == "onread"
    assert "secret-of-the-store" not in repr(store)


@pytest.mark.parametrize(
    ("endpoint", "host", "port", "authority"),
    [
        ("http://127.0.0.1", "127.0.0.1", 80, "127.0.0.1"),
        ("http://h:80/", "h", 80, "h"),
        ("https://h:443", "h", 443, "h"),
        ("https://h:80", "h", 80, "h:80"),
        ("http://[::1]:8333", "::1", 8333, "[::1]:8333"),
    ],
)
def test_an_endpoint_is_taken_apart(endpoint, host, port, authority):
    (store,) = read_stores([{**GOOD, "endpoint": endpoint}], {}, [])
    assert (store.host, store.port, store.authority) == (host, port, authority)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"endpoint": "https://h/path"}, "endpoint"),
        ({"endpoint": "https://user:password@h"}, "endpoint"),
        ({"endpoint": "https://h:99999"}, "endpoint"),
        ({"name": "local"}, "name"),
        ({"name": "Main"}, "name"),
        ({"buckets": []}, "buckets"),
        ({"buckets": ["../a"]}, "buckets"),
        ({"buckets": "all"}, "buckets"),
        ({"connect_seconds": 0}, "connect_seconds"),
        ({"path_style": "yes"}, "path_style"),
        ({"max_connections": True}, "max_connections"),
        ({"secret": "x"}, "secret"),
        ({"type": "gcs"}, "type"),
        ({"secret_access_key_file": "/nowhere/at/all"}, "secret_access_key_file"),
    ],
)
def test_what_is_wrong_is_told_by_its_name(change, problem):
    (line,) = problems_of({**GOOD, **change})
    assert line.startswith("stores.")
    assert f".{problem}: " in line
    assert "secret-of-the-store" not in line


def test_everything_that_is_missing_is_told():
    assert {line.split(".")[1].split(":")[0] for line in problems_of({"name": "a"})} >= {"a"}
    assert len(problems_of({"name": "a"})) == 5


def test_a_bucket_in_two_stores_is_one_line():
    (line,) = problems_of(GOOD, {**GOOD, "name": "other", "buckets": ["c-d"]})
    assert line == 'stores: bucket "c-d" is in main and in other; keep one'
    assert problems_of({**GOOD, "buckets": "*"}, {**GOOD, "name": "other", "buckets": "*"}) == [
        'stores: bucket "*" is in main and in other; keep one'
    ]
    assert problems_of(GOOD, {**GOOD, "buckets": ["x-y"]}) == ["stores: main is named twice"]


def test_secrets_come_from_the_environment_or_a_file(tmp_path):
    file = tmp_path / "secret"
    file.write_text("from-a-file\n")
    without = {name: value for name, value in GOOD.items() if name != "secret_access_key"}
    (store,) = read_stores([{**without, "secret_access_key_file": str(file)}], {}, [])
    assert store.secret_access_key.reveal() == "from-a-file"
    environment = {
        "ONREAD_STORE_MAIN_SECRET_ACCESS_KEY": "from-outside",
        "ONREAD_STORE_MAIN_ACCESS_KEY_ID": "K",
    }
    (store,) = read_stores([GOOD], environment, [])
    assert (store.access_key_id, store.secret_access_key.reveal()) == ("K", "from-outside")


def test_stores_are_tables():
    problems = []
    assert read_stores("x", {}, problems) == ()
    assert problems == ["stores (the settings file): write [[stores]] tables"]
