"""T-015: nothing secret is compared byte by byte until the first difference."""

import ast
import re
from pathlib import Path

import pytest

import onread

SOURCE = Path(onread.__file__).parent
SECRET = re.compile(r"(?:signature|secret|token|hmac|tag_of|seed)$", re.IGNORECASE)
# A token that has been opened, compared with how we would write it ourselves.
PUBLIC = {"sigv4/session_token.py"}


def names_of(node):
    """What an operand is called, at its end."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=function):
            return names_of(function)
    return ""


def comparisons():
    for path in sorted(SOURCE.rglob("*.py")):
        place = path.relative_to(SOURCE).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
                operands = [node.left, *node.comparators]
                if any(isinstance(each, ast.Constant) for each in operands):
                    continue  # with a word of ours: of policies, of lines
                if any(SECRET.search(names_of(each)) for each in operands):
                    yield f"{place}:{node.lineno}: {ast.unparse(node)}"


def test_T015_no_secret_is_compared_with_equality():
    assert [found for found in comparisons() if found.partition(":")[0] not in PUBLIC] == []


@pytest.mark.parametrize("place", ["sigv4/verify.py", "sigv4/chunks.py"])
def test_T015_signatures_are_compared_in_one_place_and_in_constant_time(place):
    assert "compare_digest" in (SOURCE / "sigv4" / "signature.py").read_text(encoding="utf-8")
    assert "from onread.sigv4.signature import" in (SOURCE / place).read_text(encoding="utf-8")
