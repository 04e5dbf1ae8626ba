"""The keys that a store might take for one another.

SeaweedFS drops empty segments and turns backslashes, MinIO drops leading slashes: there ``/secret/x`` reads
``secret/x``, which a policy may deny. Whoever may do something to a key of such a form must be allowed to do
it to the plain one, too.
"""

import re

_SLASHES = re.compile(r"[/\\]+")


def spellings(key: str) -> tuple[str, ...]:
    """The key itself, and the plain one where it is another: no leading, doubled or backward slashes."""
    plain = plain_spelling(key)
    return (key, plain) if plain not in ("", key) else (key,)


def without_end(key: str) -> str | None:
    """The plain key without the slash at its end, when it has one.

    SeaweedFS copies ``secret/x`` when it is asked to copy ``secret/x/``, and shows its tags, ACL and
    attributes; it neither reads, overwrites nor deletes it. Who may make a folder's marker need not be
    allowed anything about its bare name: what is denied there is denied to him.
    """
    if not key.endswith(("/", "\\")):
        return None
    return plain_spelling(key).rstrip("/") or None


def plain_spelling(text: str) -> str:
    """A key, or the beginning of some, without leading, doubled or backward slashes."""
    if "\\" not in text and "//" not in text and not text.startswith("/"):
        return text
    return _SLASHES.sub("/", text).removeprefix("/")
