"""Packages: what is refused, and that what is accepted lands whole and read-only."""

import hashlib
import io
import os
import stat
import struct
import tracemalloc
import zipfile
from contextlib import suppress

import pytest

from onread.errors import InvalidParameterValueException, InvalidZipFileException
from onread.functions import package
from onread.functions.package import check_handler, check_package, unpack


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return content.getvalue()


def entry(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def test_a_package_is_unpacked_once_and_read_only(tmp_path):
    content = zipped(("app.py", b"x = 1\n"), ("lib/__init__.py", b""), (entry("bin/run", 0o104755), b"#!"))
    folder = unpack(content, tmp_path)
    assert folder == tmp_path / hashlib.sha256(content).hexdigest()
    assert (folder / "app.py").read_bytes() == b"x = 1\n"
    assert stat.S_IMODE((folder / "app.py").stat().st_mode) == 0o444
    assert stat.S_IMODE((folder / "bin/run").stat().st_mode) == 0o555  # no setuid bit
    assert stat.S_IMODE((folder / "lib").stat().st_mode) == 0o555
    before = folder.stat().st_mtime_ns
    assert unpack(content, tmp_path) == folder
    assert folder.stat().st_mtime_ns == before
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_T165_an_entry_is_never_held_whole_in_memory(tmp_path):
    content = zipped(("large", os.urandom(24 << 20)), method=zipfile.ZIP_STORED)
    tracemalloc.start()
    try:
        check_package(content)
        folder = unpack(content, tmp_path)
        held = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert held < 8 << 20
    assert (folder / "large").read_bytes() in content


@pytest.mark.parametrize(
    "name",
    [
        "../evil.py",
        "a/../../evil.py",
        "/etc/evil",
        "..\\evil.py",
        "a\\b.py",
        "C:/evil.py",
        "a//b.py",
        "./a.py",
        "a/.",
        "..",
        "a\nb.py",
        "x" * 256,
        "x/" * 65 + "y",
        "/".join(["x" * 200] * 6),
    ],
)
def test_T165_a_name_that_does_not_stay_inside_is_refused_and_nothing_is_written(tmp_path, name):
    content = zipped(("app.py", b""), (name, b"evil"))
    with pytest.raises(InvalidParameterValueException):
        check_package(content)
    with pytest.raises(InvalidZipFileException):
        unpack(content, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]


def test_T165_a_name_with_a_nul_is_refused():
    content = zipped(("app.py?.txt", b"")).replace(b"app.py?", b"app.py\0")
    with pytest.raises(InvalidParameterValueException):
        check_package(content)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_T165_links_and_devices_are_refused(kind):
    with pytest.raises(InvalidParameterValueException, match="neither a file nor a folder"):
        check_package(zipped((entry("link", kind | 0o777), b"/etc/passwd")))


@pytest.mark.parametrize(
    "names", [("a.py", "A.py"), ("a", "a/b.py"), ("a/b.py", "a"), ("a/b.py", "A"), ("x/", "X/")]
)
def test_T165_names_that_clash_are_refused(names):
    with pytest.raises(InvalidParameterValueException):
        check_package(zipped(*((name, b"") for name in names)))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_T165_the_same_name_twice_is_refused():
    with pytest.raises(InvalidParameterValueException, match="twice"):
        check_package(zipped(("a.py", b"1"), ("a.py", b"2")))


def test_a_folder_may_be_named_before_or_after_what_it_holds():
    check_package(zipped(("a/", b""), ("a/b.py", b""), ("c/d.py", b""), ("c/", b"")))


def test_T165_a_bomb_is_refused_by_its_ratio():
    with pytest.raises(InvalidParameterValueException, match="100 times"):
        check_package(zipped(("zeros", bytes(20 * 1024 * 1024))))


def test_a_small_file_of_blanks_is_no_bomb():
    check_package(zipped(("blanks.txt", b" " * 500_000)))


def test_T165_more_than_the_unzipped_limit_is_refused_before_it_is_unpacked():
    content = bytearray(zipped(("a", b"x" * 1000), method=zipfile.ZIP_STORED))
    directory = content.rindex(b"PK\x01\x02")
    struct.pack_into("<I", content, directory + 24, package.UNZIPPED_LIMIT_BYTES + 1)
    with pytest.raises(InvalidParameterValueException, match="Unzipped size must be smaller than 262144000"):
        check_package(bytes(content))


def test_T165_an_entry_that_lies_about_its_size_is_refused():
    content = bytearray(zipped(("a", os.urandom(1000))))
    directory = content.rindex(b"PK\x01\x02")
    struct.pack_into("<I", content, directory + 24, 10)
    with pytest.raises(InvalidParameterValueException, match="Could not unzip"):
        check_package(bytes(content))


def test_T165_ten_thousand_entries_pass_and_one_more_is_refused():
    def many(count: int) -> bytes:
        return zipped(*((f"{number}", b"") for number in range(count)), method=zipfile.ZIP_STORED)

    check_package(many(10_000))
    with pytest.raises(InvalidParameterValueException, match="more than 10000 entries"):
        check_package(many(10_001))


def test_T165_more_than_the_zipped_limit_is_refused():
    with pytest.raises(InvalidParameterValueException, match="zipped"):
        check_package(bytes(package.ZIPPED_LIMIT_BYTES + 1))


def test_T165_every_truncation_is_refused():
    content = zipped(("app.py", b"import this\n" * 5), ("b.py", b""))
    for length in range(len(content)):
        with pytest.raises(InvalidParameterValueException):
            check_package(content[:length])


def test_T165_every_flipped_byte_is_accepted_whole_or_refused():
    content = zipped(("app.py", b"import this\n"))
    for position in range(len(content)):
        flipped = bytearray(content)
        flipped[position] ^= 0xFF
        with suppress(InvalidParameterValueException):
            check_package(bytes(flipped))


def test_T165_an_encrypted_entry_is_refused():
    content = bytearray(zipped(("a", b"x")))
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(InvalidParameterValueException, match="encrypted"):
        check_package(bytes(content))


def test_T165_a_method_other_than_deflate_is_refused():
    with pytest.raises(InvalidParameterValueException, match="deflate"):
        check_package(zipped(("a", b"x" * 100), method=zipfile.ZIP_LZMA))


@pytest.mark.parametrize(
    "handler", ["app.handler", "pkg/app.handler", "pkg.app.handler", "my-app.lambda_handler"]
)
def test_a_handler_names_a_module_and_a_function(handler):
    check_handler(handler)


@pytest.mark.parametrize(
    "handler",
    ["handler", "../x.y", "/app.handler", "__import__('os')", "app.", ".app", "a..b", "a b.c", "a;b.c", "",
     "é.x", "app.handler\n", "x" * 127 + ".y"],
)  # fmt: skip
def test_T166_a_handler_that_is_anything_else_is_refused(handler):
    with pytest.raises(InvalidParameterValueException, match=r"file\.function"):
        check_handler(handler)
