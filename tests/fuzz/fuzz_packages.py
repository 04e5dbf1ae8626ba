"""R-070: zip packages: refused, or unpacked into their own folder and nowhere else."""

import io
import shutil
import stat
import tempfile
import warnings
import zipfile
from pathlib import Path

from tests.fuzz.harness import Draw, Target
from tests.fuzz.refusals import check_refusal

from onread.errors import InvalidParameterValueException
from onread.functions.package import check_package, unpack

NAMES = (
    "app.py",
    "a/b.py",
    "a/",
    "A/",
    "../x",
    "/x",
    "a/../x",
    "a\\b",
    "c:x",
    "a\0b",
    ".",
    "",
    "a//b",
    "a" * 300,
    "é",
    "a/b.py/c",
)
KINDS = (0, stat.S_IFREG | 0o755, stat.S_IFDIR, stat.S_IFLNK | 0o777, stat.S_IFIFO, 0o4755)


def check(content: bytes) -> None:
    draw = Draw(content)
    package = _built(draw) if draw.below(2) else draw.rest()
    try:
        check_package(package)
    except InvalidParameterValueException as error:
        check_refusal(error, "lambda")
        return
    _check_unpacked(package)


def _check_unpacked(package: bytes) -> None:
    outside = Path(tempfile.mkdtemp())
    try:
        folder = unpack(package, outside / "cache")
        assert [path.name for path in outside.iterdir()] == ["cache"]
        assert list((outside / "cache").iterdir()) == [folder]
        for path in folder.rglob("*"):
            assert path.is_file() or path.is_dir()
            assert not path.is_symlink()
            assert not path.stat().st_mode & (stat.S_ISUID | stat.S_ISGID | stat.S_IWUSR)
    finally:
        for path in outside.rglob("*"):
            if path.is_dir():
                path.chmod(0o755)
        shutil.rmtree(outside)


def _built(draw: Draw) -> bytes:
    """A zip of odd entries, then some of its bytes changed."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        warnings.simplefilter("ignore")  # doubled names are among the odd ones
        for _ in range(draw.below(5)):
            entry = zipfile.ZipInfo(draw.pick((*NAMES, draw.take(12).decode("utf-8", "replace"))))
            entry.external_attr = draw.pick(KINDS) << 16
            entry.compress_type = draw.pick((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
            archive.writestr(entry, draw.take(40) * draw.pick((1, 1, 100)))
    package = bytearray(buffer.getvalue())
    for _ in range(draw.below(4)):
        package[draw.below(len(package))] = draw.byte()
    return bytes(package)


def _zip(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name.replace("_", "/")), content)
    return b"\0" + buffer.getvalue()


TARGET = Target(
    case="R-070",
    check=check,
    seeds=[
        _zip(app=b"x = 1\n"),
        _zip(a_b=b"x" * 2000, a_c=b""),
        _zip(),
        b"\1\1\0\0\1\0",
        b"\1\4" + bytes(range(40)),
        b"\1\3" + b"\1\3\0\0\5abcde\0" * 3,
    ],
    words=[
        b"PK\5\6",
        b"PK\1\2",
        b"PK\3\4",
        b"PK\6\7",
        b"PK\6\6",
        b"../",
        b"\0\0\0\0",
        b"\xff\xff\xff\xff",
        b"\xff\xff",
    ],
    rounds=1500,
)
