import json
from pathlib import Path
from typing import Any

import pytest

import onread.protocol.model
from onread.protocol.model import Services

_PATCHES = json.loads(Path(onread.protocol.model.__file__).with_name("patches.json").read_text())
_KNOWN = {
    "allowed",
    "document",
    "document_limit_bytes",
    "document_required",
    "lenient",
    "literal_refusal",
    "namespace",
    "optional",
    "refusal",
    "root",
    "status",
    "text_of_root",
    "unrouted",
    "values",
    "without_aws_chunked",
}


@pytest.mark.parametrize("patch", _PATCHES, ids=[str(number) for number in range(len(_PATCHES))])
def test_every_patch_has_a_source_and_sets_what_we_read(services: Services, patch: dict[str, Any]) -> None:
    assert patch["source"]
    assert patch["set"].keys() <= _KNOWN
    assert set(patch.get("operations", ())) <= services.service(patch["service"]).operations.keys()


@pytest.mark.parametrize("key", ["values", "without_aws_chunked"])
def test_every_patched_member_is_a_member(services: Services, key: str) -> None:
    for patch in _PATCHES:
        for name in patch.get("operations", ()):
            members = services.operation(patch["service"], name).input.members
            assert set(patch["set"].get(key, ())) <= members.keys()
