"""The keys that a store might take for one another.

SeaweedFS drops empty segments and turns backslashes, MinIO drops leading slashes: there ``/secret/x`` reads
``secret/x``, which a policy may deny. Whoever may do something to a key of such a form must be allowed to do
it to the plain one, too.
"""

import re

_SLASHES = re.compile(r"[/\\]+")


def spellings(key: str) -> tuple[str, ...]:
    """The key itself, and the plain one where it is another: no leading, doubled or backward slashes."""
    if "\\" not in key and "//" not in key and not key.startswith("/"):
        return (key,)
    plain = _SLASHES.sub("/", key).removeprefix("/")
    return (key, plain) if plain else (key,)
