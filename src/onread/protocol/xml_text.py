"""Text as XML can carry it.

XML 1.0 cannot hold most control characters, not even as references. AWS writes them as references all
the same, and no parser reads the document then. Here each becomes U+FFFD, so that one strange key does
not hide the others; who wants such keys exactly asks for ``encoding-type=url``, as AWS's documentation
says.
"""

import re

_SPECIAL = re.compile('[&<>"\t\n\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]')
# Line ends and tabs are written as references, or a parser would turn them into others.
_ESCAPES = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "\t": "&#x9;",
    "\n": "&#xA;",
    "\r": "&#xD;",
}


def escape(text: str) -> str:
    """Text for an element or a quoted attribute; what XML cannot hold becomes U+FFFD."""
    return _SPECIAL.sub(_replacement, text)


def drop_unprintable(text: str) -> str:
    """Text without what XML cannot hold, for messages."""
    return _SPECIAL.sub(lambda found: found[0] if found[0] in _ESCAPES else "", text)


def _replacement(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[0], "\N{REPLACEMENT CHARACTER}")
