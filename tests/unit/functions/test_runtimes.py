"""Which interpreter serves a runtime; interpreters are stood in for by scripts that answer the question."""

import pytest

from onread.errors import InvalidParameterValueException
from onread.functions.runtimes import Runtimes


def install(folder, minor: int, answer: str) -> None:
    program = folder / f"python3.{minor}"
    program.write_text(f"#!/bin/sh\necho '{answer}'\n")
    program.chmod(0o755)


def runtimes(folder) -> Runtimes:
    return Runtimes(search_path=str(folder), own="/nonexistent", own_minor=11)


def test_the_interpreter_of_that_name_serves_it_without_a_word(tmp_path):
    install(tmp_path, 12, "12 True")
    found = runtimes(tmp_path).resolve("python3.12")
    assert (found.path, found.version, found.warning) == (str(tmp_path / "python3.12"), "3.12", None)


def test_the_nearest_newer_one_serves_it_with_a_warning(tmp_path):
    install(tmp_path, 9, "9 True")
    install(tmp_path, 12, "12 True")
    install(tmp_path, 13, "13 True")
    found = runtimes(tmp_path).resolve("python3.10")
    assert found.version == "3.12"
    assert found.warning is not None
    assert "python3.12 serves it" in found.warning


@pytest.mark.parametrize("answer", ["12 False", "11 True", "nonsense"])
def test_one_without_the_runtime_client_or_of_another_version_does_not_count(tmp_path, answer):
    install(tmp_path, 12, answer)
    with pytest.raises(InvalidParameterValueException, match=r"install python3\.12 or newer"):
        runtimes(tmp_path).resolve("python3.12")


def test_our_own_interpreter_counts_for_its_version():
    import sys

    own = Runtimes(search_path="", own=sys.executable)
    name = f"python3.{sys.version_info.minor}"
    assert own.resolve(name).path == sys.executable


@pytest.mark.parametrize("name", ["nodejs20.x", "provided.al2023", "java21"])
def test_another_runtime_of_lambda_is_refused_by_name(tmp_path, name):
    with pytest.raises(InvalidParameterValueException, match=f"{name} is not served"):
        runtimes(tmp_path).resolve(name)


@pytest.mark.parametrize(
    "name", ["python2.7", "python3", "../python3.11", "python3.11; rm", "", "python3.111"]
)
def test_T166_a_name_that_is_no_runtime_is_refused(tmp_path, name):
    with pytest.raises(InvalidParameterValueException):
        runtimes(tmp_path).resolve(name)
