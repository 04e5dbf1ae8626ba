"""Cross-origin rules and what they answer to a browser. Pure: rules and a request's words in, headers out.

Owns matching. Refuses to know where rules are kept and whose bucket they are of.

Source: Amazon S3 User Guide, "Elements of a CORS configuration" and "How CORS works"; WHATWG Fetch, CORS
protocol.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

METHODS = ("GET", "PUT", "HEAD", "POST", "DELETE")
VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"

Pairs = list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CorsRule:
    """One rule. Origins and headers may hold one ``*`` each, which stands for any text.

    Attributes:
        headers: in lower case; what a preflight may ask for.
        max_age_seconds: how long a browser may remember a preflight; None: its own default.
    """

    origins: tuple[str, ...]
    methods: tuple[str, ...]
    headers: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    max_age_seconds: int | None = None


def preflight(rules: Sequence[CorsRule], *, origin: str, method: str, headers: Sequence[str]) -> Pairs | None:
    """The headers that allow what a browser asks to send; None when no rule does.

    Args:
        method: of ``Access-Control-Request-Method``.
        headers: of ``Access-Control-Request-Headers``, in any letter case.
    """
    for rule in rules:
        allowed = _allowed_origin(rule, origin)
        if allowed is None or method not in rule.methods or not _all_match(headers, rule.headers):
            continue
        pairs = _common(rule, allowed, origin)
        if headers:
            pairs.append(("Access-Control-Allow-Headers", ", ".join(name.lower() for name in headers)))
        return pairs
    return None


def actual(rules: Sequence[CorsRule], *, origin: str, method: str) -> Pairs:
    """The headers of an answer to a cross-origin request; none when no rule lets the origin read it."""
    for rule in rules:
        allowed = _allowed_origin(rule, origin)
        if allowed is not None and method in rule.methods:
            return _common(rule, allowed, origin)
    return []


def _allowed_origin(rule: CorsRule, origin: str) -> str | None:
    """The pattern that lets the origin in. ``null``, any sandboxed page's, fits ``*`` or itself alone."""
    for pattern in rule.origins:
        if pattern in ("*", origin) or (origin != "null" and _matches(pattern, origin)):
            return pattern
    return None


def _common(rule: CorsRule, allowed: str, origin: str) -> Pairs:
    """Cookies and client certificates go only to an origin that the rule names letter by letter.

    S3 says so for patterns, too; a pattern too wide would then hand out what a signed-in browser may read.
    """
    pairs = [("Access-Control-Allow-Origin", "*" if allowed == "*" else origin)]
    if allowed == origin != "null":
        pairs.append(("Access-Control-Allow-Credentials", "true"))
    pairs.append(("Access-Control-Allow-Methods", ", ".join(rule.methods)))
    if rule.exposed:
        pairs.append(("Access-Control-Expose-Headers", ", ".join(rule.exposed)))
    if rule.max_age_seconds is not None:
        pairs.append(("Access-Control-Max-Age", str(rule.max_age_seconds)))
    return pairs


def _all_match(names: Iterable[str], patterns: Sequence[str]) -> bool:
    return all(any(_matches(pattern, name.lower()) for pattern in patterns) for name in names)


def _matches(pattern: str, text: str) -> bool:
    before, star, after = pattern.partition("*")
    if not star:
        return pattern == text
    return len(text) >= len(before) + len(after) and text.startswith(before) and text.endswith(after)
