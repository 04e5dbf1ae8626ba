"""Layers as one folder: later over earlier, read-only, made once."""

import asyncio
import stat

from onread.functions.layering import MergedLayers, merge_layers


def layer(root, name, **files):
    folder = root / name
    for path, text in files.items():
        target = folder / path.replace("__", "/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return folder


def test_later_layers_lie_over_earlier_ones(tmp_path):
    first = layer(tmp_path, "a" * 64, python__one="1", python__both="first", lib__x="file", bin="a file")
    second = layer(
        tmp_path, "b" * 64, python__two="2", python__both="second", lib__x__y="folder", bin__run=""
    )
    merged = merge_layers([first, second], tmp_path / "layers")
    found = {str(path.relative_to(merged)): path.read_text() for path in merged.rglob("*") if path.is_file()}
    assert found == {
        "python/one": "1",
        "python/two": "2",
        "python/both": "second",
        "lib/x/y": "folder",
        "bin/run": "",
    }
    assert (first / "python/both").read_text() == "first"
    assert stat.S_IMODE((merged / "python").stat().st_mode) == 0o555
    reversed_ = merge_layers([second, first], tmp_path / "layers")
    assert reversed_ != merged
    assert (reversed_ / "python/both").read_text() == "first"
    assert (reversed_ / "bin").read_text() == "a file"


def test_a_combination_is_made_once_and_shares_its_files(tmp_path):
    only = layer(tmp_path, "a" * 64, python__one="1")
    merged = merge_layers([only], tmp_path / "layers")
    assert merge_layers([only], tmp_path / "layers") == merged
    assert [path.name for path in (tmp_path / "layers").iterdir()] == [merged.name]
    assert (merged / "python/one").stat().st_ino == (only / "python/one").stat().st_ino


def test_a_combination_goes_when_nobody_holds_it(tmp_path):
    only = layer(tmp_path, "a" * 64, python__one="1")

    async def scenario():
        layers = MergedLayers(tmp_path / "layers")
        async with layers.hold([only]) as first:
            async with layers.hold([only]) as second:
                assert first == second
            assert (first / "python/one").read_text() == "1"
        assert list((tmp_path / "layers").iterdir()) == []
        async with layers.hold([only]) as again:
            assert (again / "python/one").read_text() == "1"
        assert (only / "python/one").read_text() == "1"

    asyncio.run(scenario())
