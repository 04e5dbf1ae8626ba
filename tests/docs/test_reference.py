"""The reference says what the code says: nothing is missing, nothing is invented."""

import re
import tomllib
from dataclasses import fields

import pytest
from docs.generate import FOLDER, PAGES, commands
from tests.docs.blocks import ROOT

from onread import config
from onread.cli.main import app
from onread.config import Settings, environment_name
from onread.store_settings import _READERS as STORE_SETTINGS

README = (ROOT / "README.md").read_text(encoding="utf-8")
PROSE = [
    ROOT / "README.md",
    ROOT / "examples" / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(FOLDER.rglob("*.md")),
]


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_what_the_code_says(name):
    written = (FOLDER / name).read_text(encoding="utf-8")
    assert written == PAGES[name](), f"docs/{name} is out of date: run `make docs`"


def table(text):
    """Rows of the tables of a page by their first cell, backquotes taken off."""
    rows = re.findall(r"^\| `([^`]+)` \|(.*)\|$", text, re.MULTILINE)
    return {name: [cell.strip() for cell in rest.split("|")] for name, rest in rows}


def default_text(value):
    if value in (None, ()):
        return "none"
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def test_every_setting_stands_in_the_table_with_its_environment_name_and_default():
    documented = table((FOLDER / "settings.md").read_text(encoding="utf-8"))
    assert list(documented) == [field.name for field in fields(Settings)]
    for field in fields(Settings):
        environment, default, _ = documented[field.name]
        assert environment in (f"`{environment_name(field.name)}`", "the file only")
        shown = default_text(field.default)
        assert default.strip("`").lower() == shown.lower(), field.name


def test_what_is_not_built_is_named():
    page = (FOLDER / "settings.md").read_text(encoding="utf-8")
    [named] = re.findall(r"^Not built yet, and refused: (.*?)\.$", page, re.MULTILINE | re.DOTALL)
    assert set(re.findall(r"`(\w+)`", named)) == set(config._NOT_BUILT)


def test_every_setting_of_a_store_stands_in_its_guide():
    text = (FOLDER / "guides" / "stores.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"`([a-z_]+)`", "".join(re.findall(r"^\|(.*?)\|", text, re.MULTILINE))))
    assert {*STORE_SETTINGS, "type"} <= documented


def test_the_settings_in_the_readme_are_those_of_the_reference():
    documented = table((FOLDER / "settings.md").read_text(encoding="utf-8"))
    for name, (environment, default) in table(README).items():
        assert documented[name][0] == environment
        if not default.startswith("made"):
            assert float_or_text(documented[name][1]) == float_or_text(default)


def float_or_text(text):
    text = text.strip("`")
    return float(text) if re.fullmatch(r"[0-9]{1,3}(\.[0-9]+)?", text) else text


def test_every_flag_of_serve_is_a_setting():
    [serve] = [command for path, command in commands() if path == "serve"]
    flags = {parameter.name for parameter in serve.params} - {"config", "inherit"}
    assert flags <= {field.name for field in fields(Settings)}


def test_every_command_that_a_page_names_exists():
    known = {path for path, _ in commands()} | {path.split()[0] for path, _ in commands()}
    for page in PROSE:
        for line in re.findall(r"(?:^|[`(\s])onread ((?:[a-z-]+ ?){1,2})", page.read_text(encoding="utf-8")):
            words = line.split()
            if words[0] in {path.split()[0] for path in known} and line.strip() != "olap configure":
                assert words[0] in known or " ".join(words) in known, f"{page.name}: onread {line}"


def test_metrics_that_a_guide_names_exist():
    reference = (FOLDER / "metrics.md").read_text(encoding="utf-8")
    guide = (FOLDER / "guides" / "operate.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(onread_\w+)`", guide))
    assert named
    assert all(f"`{name}`" in reference for name in named)


def test_links_lead_somewhere():
    for page in PROSE:
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_dependency_has_its_sentence():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    page = (FOLDER / "dependencies.md").read_text(encoding="utf-8")
    for requirement in project["dependencies"]:
        assert re.match(r"[\w-]+", requirement)[0] in page


def test_the_command_tree_is_the_one_that_is_documented():
    assert {path.split()[0] for path, _ in commands()} >= {
        "demo", "serve", "bucket", "access-point", "function", "olap", "key", "get", "put", "head", "ls",
        "presign", "doctor",
    }  # fmt: skip
    assert app.info.help


def test_what_the_design_names_exists():
    """Files and packages are named as they are; the layers are those that are checked."""
    page = (FOLDER / "design.md").read_text(encoding="utf-8")
    source = ROOT / "src" / "onread"
    for name in set(re.findall(r"`([a-z_]+(?:/[a-z_]+)*\.(?:py|json))`", page)):
        assert list(source.rglob(name)), name
    packages = {folder.parent.name for folder in source.glob("*/__init__.py")}
    assert packages <= set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = [layer for layer in contract["contracts"][0]["layers"] if layer != "__main__"]
    assert "\n".join(layers) in page
