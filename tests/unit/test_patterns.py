"""T-257: no regular expression of ours can be made slow by the text it looks at."""

import importlib
import inspect
import pkgutil
import re

import pytest
from tests.processor import least_seconds

import onread

LONG = 8000
MOST_SECONDS = 0.25
ANYWHERE = "search|sub|subn|findall|finditer|split"
COMMON = ("a", "A", "0", " ", "-", ".", "/", ":", "%41", "=", ",", "*", "\t", "${a", "&a;", "<")
MODELS_ONLY = {"onread.protocol.route_path._LABEL"}  # looks at the addresses in service models alone
SKIPPED = re.compile(r"__main__$|\.demo_function|\.migrations\.")


def patterns():
    """Every compiled pattern that a module of ours holds, where it stands, and whether it searches."""
    found = {}
    for module in pkgutil.walk_packages(onread.__path__, "onread."):
        if SKIPPED.search(module.name):
            continue
        loaded = importlib.import_module(module.name)
        source = inspect.getsource(loaded)
        for name, value in vars(loaded).items():
            for each in value.values() if isinstance(value, dict) else (value,):
                if isinstance(each, re.Pattern):
                    searches = bool(re.search(rf"\b{name}\.(?:{ANYWHERE})\(", source))
                    found.setdefault(each, (f"{module.name}.{name}", searches))
    return [(each, *about) for each, about in found.items() if about[0] not in MODELS_ONLY]


PATTERNS = patterns()


def worst_texts(source):
    """Long runs of what a pattern itself is made of, with something behind them that does not fit."""
    starts = range(min(len(source), 40))
    pieces = {source[start : start + size] for size in (1, 2) for start in starts} | set(COMMON)
    for piece in pieces:
        yield piece * (LONG // len(piece)) + "\0"


def test_T257_every_pattern_is_looked_at():
    assert len(PATTERNS) > 60
    assert {searches for _, _, searches in PATTERNS} == {True, False}


@pytest.mark.parametrize(("pattern", "place", "searches"), PATTERNS, ids=[place for _, place, _ in PATTERNS])
def test_T257_no_pattern_is_slow(pattern, place, searches):
    is_text = isinstance(pattern.pattern, str)
    source = pattern.pattern if is_text else pattern.pattern.decode("latin-1")
    for text in worst_texts(source):
        subject = text if is_text else text.encode("utf-8")

        def use():
            pattern.fullmatch(subject)  # noqa: B023
            if searches:
                pattern.sub(subject[:0], subject)  # noqa: B023

        assert least_seconds(use) < MOST_SECONDS, (place, text[:40])
