"""Making packages: the same input, the same bytes."""

import io
import os
import zipfile

import pytest

from onread.errors import InvalidParameterValueException
from onread.functions.package import check_package
from onread.functions.packaging import zip_file, zip_folder, zip_path


def names(content: bytes) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(content)).namelist()


def test_a_folder_is_packed_in_order_without_caches(tmp_path):
    for name in ("b.py", "a/z.py", "a/__pycache__/z.pyc", ".git/config", "c.pyc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    content = zip_path(tmp_path)
    assert names(content) == ["a/z.py", "b.py"]
    check_package(content)


def test_the_same_files_give_the_same_bytes_whatever_their_times(tmp_path):
    (tmp_path / "app.py").write_text("x")
    first = zip_folder(tmp_path)
    os.utime(tmp_path / "app.py", (0, 1_000_000_000))
    assert zip_folder(tmp_path) == first


def test_a_file_is_packed_by_its_name_and_a_zip_is_taken_as_it_is(tmp_path):
    (tmp_path / "app.py").write_text("x")
    content = zip_file(tmp_path / "app.py")
    assert names(content) == ["app.py"]
    (tmp_path / "ready.zip").write_bytes(content + b"")
    assert zip_path(tmp_path / "ready.zip") == content
    assert zip_path(tmp_path / "app.py") == content


def test_what_is_not_there_or_cannot_be_packed_is_refused_by_name(tmp_path):
    with pytest.raises(InvalidParameterValueException, match="no file or folder"):
        zip_path(tmp_path / "missing")
    with pytest.raises(InvalidParameterValueException, match="holds no file"):
        zip_folder(tmp_path)
    (tmp_path / "link").symlink_to("/usr")
    with pytest.raises(InvalidParameterValueException, match="link to a folder"):
        zip_folder(tmp_path)
