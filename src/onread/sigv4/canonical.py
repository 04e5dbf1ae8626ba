"""The canonical request and the string to sign, from a request as it was received.

Owns AWS's encoding rules. Works on raw paths and queries, and on header values whose characters
stand for bytes. Refuses to know keys.

AWS decodes what it received once and encodes it canonically, so that a path signed as ``~`` and sent
as ``%7E`` verifies. Signers in the field (botocore among them) sign path and query exactly as they
send them. For what current SDKs send, both are the same; where they differ, `canonical_requests`
gives AWS's form first and then the others. Each of them binds the same request.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from hashlib import sha256
from itertools import product
from urllib.parse import quote_from_bytes, unquote, unquote_to_bytes

from onread.wire.message import Headers

# A byte that must be encoded, in the one spelling AWS writes it: not "%41", which is "A". "%2F" stays:
# it is data inside a segment, or the slash of a value.
_ENCODED = r"%(?:[0189A-F][0-9A-F]|2[0-9A-CF]|3[A-F]|40|5[B-E]|60|7[BCDF])"
_PATH_AS_AWS_WRITES_IT = re.compile(rf"(?:[A-Za-z0-9\-_.~/]++|{_ENCODED})*+")
_TEXT = rf"(?:[A-Za-z0-9\-_.~]++|{_ENCODED})"
_QUERY_AS_AWS_WRITES_IT = re.compile(rf"{_TEXT}++(?:={_TEXT}*+)?(?:&{_TEXT}++(?:={_TEXT}*+)?)*+")

Pair = tuple[str, str]


def encode(data: bytes, *, safe: str = "") -> str:
    """AWS's URI encoding: everything but ``A-Za-z0-9-_.~`` and ``safe`` as ``%XX``."""
    return quote_from_bytes(data, safe=safe)


@lru_cache(maxsize=64)  # asked for twice in the life of one request
def split_query(query: str) -> tuple[Pair, ...]:
    """Names and values as received, undecoded, in order. ``+`` stands for itself."""
    if not query:
        return ()
    return tuple([part.partition("=")[::2] for part in query.split("&")])


def decode(text: str) -> str:
    """The text of a percent-encoded value. Nearly always there is nothing to decode but slashes."""
    if "%" not in text:
        return text
    text = text.replace("%2F", "/")
    return unquote(text) if "%" in text else text


def join_query(pairs: Sequence[Pair]) -> str:
    """A canonical query of names and values that are encoded already."""
    return "&".join([f"{name}={value}" for name, value in sorted(pairs)])


def path_forms(path: str, *, as_s3: bool) -> list[str]:
    """The canonical path, then the path as sent where a signer may have signed that.

    Args:
        path: as received.
        as_s3: encoded once and not normalised; other services normalise it and encode it twice.
    """
    forms = [path]
    if _PATH_AS_AWS_WRITES_IT.fullmatch(path) is None:
        forms.insert(0, _reencoded_path(path))
    return forms if as_s3 else [encode(_normalized(form).encode("latin-1"), safe="/~") for form in forms]


def query_forms(query: str, *, without: str | None = None) -> list[str]:
    """The canonical query, then the query as sent where a signer may have signed that.

    Args:
        query: as received.
        without: the name of a parameter that is left out, ``X-Amz-Signature``.
    """
    if not query:
        return [""]
    pairs = [pair for pair in split_query(query) if pair[0] != without]
    if _QUERY_AS_AWS_WRITES_IT.fullmatch(query) is not None:
        return [join_query(pairs)]
    canonical = [(_reencoded(name), _reencoded(value)) for name, value in pairs if name or value]
    return [join_query(canonical), join_query(pairs)]


def header_forms(names: Sequence[str], headers: Headers, host: str) -> list[bytes]:
    """The canonical header lines of the signed headers, each ended by a newline.

    A second form exists for values that are not ASCII: botocore signs the text as UTF-8, while
    Python's HTTP client sends it as latin-1.
    """
    lines = _header_lines(names, headers, host, _trimmed)
    if lines.isascii():
        return [lines.encode("ascii")]
    return [lines.encode("latin-1"), _header_lines(names, headers, host, _trimmed_as_text).encode()]


def canonical_headers(pairs: Sequence[Pair]) -> tuple[tuple[str, ...], bytes]:
    """Of headers that are to be sent and signed: the names as ``SignedHeaders`` has them, and the lines."""
    names, values = zip(*pairs, strict=True)
    signed, lines, order = _order_of(names)
    return signed, (lines % order([_trimmed(value) for value in values])).encode("latin-1")


@lru_cache(maxsize=256)  # a client signs the same few sets of names
def _order_of(names: tuple[str, ...]) -> tuple[tuple[str, ...], str, Callable[[list[str]], tuple[str, ...]]]:
    """The names that are signed, their lines without the values, and what puts the values in their order."""
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(name.lower(), []).append(place)
    signed = tuple(sorted(places))
    lines = "".join(
        [f"{name.replace('%', '%%')}:{','.join(['%s'] * len(places[name]))}\n" for name in signed]
    )
    order = [place for name in signed for place in places[name]]
    return signed, lines, lambda values: tuple([values[place] for place in order])


def canonical_requests(
    *,
    method: str,
    paths: Sequence[str],
    queries: Sequence[str],
    headers: Sequence[bytes],
    signed_headers: Sequence[str],
    payload_hash: str,
) -> Iterator[bytes]:
    """Every canonical request that these forms make, AWS's own first. At most eight."""
    ending = f"\n{';'.join(signed_headers)}\n{payload_hash}".encode("latin-1")
    for path, query, lines in product(paths, queries, headers):
        yield f"{method}\n{path}\n{query}\n".encode("latin-1") + lines + ending


def string_to_sign(timestamp: str, scope: str, canonical_request: bytes) -> str:
    """What the signing key signs.

    Args:
        timestamp: ``yyyymmddThhmmssZ``.
        scope: ``date/region/service/aws4_request``.
    """
    return f"AWS4-HMAC-SHA256\n{timestamp}\n{scope}\n{sha256(canonical_request).hexdigest()}"


def _header_lines(names: Sequence[str], headers: Headers, host: str, trimmed: Callable[[str], str]) -> str:
    lines = []
    for name in names:
        values = [host] if name == "host" else headers.get_all(name)
        value = trimmed(values[0]) if len(values) == 1 else ",".join([trimmed(value) for value in values])
        lines.append(f"{name}:{value}\n")
    return "".join(lines)


def _trimmed(value: str) -> str:
    # Only spaces and tabs: the characters are bytes, and str.split would take byte A0 (half of "à") for
    # a space.
    if "\t" in value:
        value = value.replace("\t", " ")
    if "  " in value:
        value = " ".join([word for word in value.split(" ") if word])
    return value.strip(" ")


def _trimmed_as_text(value: str) -> str:
    return " ".join(value.split())


def _reencoded(text: str) -> str:
    return encode(unquote_to_bytes(text.encode("latin-1")))


def _reencoded_path(path: str) -> str:
    # Segment by segment, so that "%2F" stays data.
    return "/".join([_reencoded(segment) for segment in path.split("/")])


def _normalized(path: str) -> str:
    """RFC 3986 section 5.2.4, and runs of slashes become one, as every service but S3 has it."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            if kept:
                kept.pop()
        elif segment not in ("", "."):
            kept.append(segment)
    ending = "/" if path.endswith("/") and kept else ""
    return "/" + "/".join(kept) + ending
