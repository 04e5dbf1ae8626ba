"""T-230: a key is bytes and nothing else."""

import unicodedata
from urllib.parse import quote

import pytest

from onread import errors

from .opened import with_store

NASTY = [
    "..",
    "../x",
    "/etc/passwd",
    "a/../../b",
    ".",
    "..%2f",
    "\\..\\",
    "trailing ",
    "trailing.",
    "CON",
    "x" * 1024,
    "/".join("d" * 512)[:1023],
    "a",
    "a/",
    "a/b",
    "a//b",
    "/",
    "//",
    "nul\0byte",
    "line\nfeed",
    "carriage\rreturn",
    "right\u202eto left",
    unicodedata.normalize("NFC", "é"),
    unicodedata.normalize("NFD", "é"),
    "K",
    "\N{KELVIN SIGN}",
    "k",
    "   ",
    "😀",
    "\ufffd",
    "'; DROP TABLE objects; --",
    "index.sqlite",
    "tmp/x",
    "%",
    "_",
    "?versionId=1",
]


def test_T230_every_key_is_its_own_object_byte_for_byte(tmp_path):
    async def scenario(client):
        for key in NASTY:
            await client.put(key, key.encode())
        for key in NASTY:
            assert (await client.get(key)).content == key.encode()
        assert await client.keys() == sorted(NASTY, key=lambda key: key.encode())
        for key in NASTY:
            await client("DeleteObject", Key=key)
        assert await client.keys() == []

    with_store(tmp_path / "data", scenario)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_T230_every_key_can_be_copied_onto(tmp_path):
    async def scenario(client):
        for key in NASTY:
            await client.put(key, key.encode())
            await client("CopyObject", Key="copy", CopySource=quote(f"/bucket-one/{key}"))
            assert (await client.get("copy")).content == key.encode()

    with_store(tmp_path, scenario)


@pytest.mark.parametrize(
    ("key", "fits"), [("x" * 1024, True), ("x" * 1025, False), ("é" * 512, True), ("é" * 513, False)]
)
def test_a_key_has_at_most_1024_bytes_of_utf8(tmp_path, key, fits):
    async def scenario(client):
        if fits:
            await client.put(key)
            assert await client.keys() == [key]
            return
        with pytest.raises(errors.KeyTooLongError):
            await client.put(key)

    with_store(tmp_path, scenario)


def test_T230_a_key_that_is_no_text_is_refused(tmp_path):
    async def scenario(client):
        with pytest.raises(errors.InvalidURI):
            await client.put("\udc80")

    with_store(tmp_path, scenario)


def test_T233_no_key_and_no_bucket_reaches_the_files_of_the_store(tmp_path):
    async def scenario(client):
        for key in ("../index.sqlite", "../../lock", "/index.sqlite"):
            with pytest.raises(errors.NoSuchKey):
                await client.get(key)
        for bucket in ("", ".", "..", "tmp", "blobs/a"):
            with pytest.raises(errors.NoSuchBucket):
                await client("GetObject", bucket, Key="index.sqlite")

    with_store(tmp_path, scenario)
