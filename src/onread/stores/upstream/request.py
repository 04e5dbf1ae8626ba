"""A caller's request as the store is to see it: another place, another signature, the rest unchanged.

Pure: knows no socket and no clock.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import compress

from onread.protocol.query_string import decode_query_text
from onread.sigv4.canonical import Pair, encode, split_query
from onread.sigv4.sign import presign, sign_request
from onread.store_settings import StoreSettings
from onread.wire.aws_chunked import strip_aws_chunked
from onread.wire.message import Headers
from onread.wire.remembered import remembered

# What a hop says to the next one, and what the store is told anew.
_NOT_FORWARDED = frozenset(
    {
        "authorization", "connection", "content-length", "date", "expect", "forwarded", "host", "keep-alive",
        "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade", "x-amz-account-id", "x-amz-content-sha256", "x-amz-copy-source",
        "x-amz-date", "x-amz-decoded-content-length", "x-amz-expected-bucket-owner",
        "x-amz-replication-status", "x-amz-security-token", "x-amz-source-expected-bucket-owner",
        "x-amz-trailer", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto",
        "x-real-ip",
    }
)  # fmt: skip

# Words of stores, which no policy of ours is asked about: MinIO's force-delete empties a whole prefix.
# A header Seaweed-... becomes what SeaweedFS keeps of an object: its owner, its ACL, its locks.
_OF_A_STORE = ("x-minio-", "x-emc-", "x-rgw-", "rgwx-", "x-rustfs-", "x-seaweedfs-", "seaweed-")
# As parameters. MinIO's `metadata` adds every object's metadata and tags to a list, its `events` waits for
# what others write, its `lambdaArn` runs a function.
_ASKS_A_STORE = frozenset({"events", "lambdaarn", "metadata"})
_BYPASS = "x-amz-bypass-governance-retention"
# What a policy may have looked at: no Connection line takes it away behind its back.
_NEVER_OF_A_HOP = ("x-amz-", "content-", "if-")


def forwarded_headers(headers: Headers, *, bypasses_retention: bool = False) -> list[Pair]:
    """The caller's headers that the store is to see, in their order and spelling.

    The account behind ``x-amz-expected-bucket-owner`` is onread's, and was checked there.

    Args:
        bypasses_retention: the operation may go round a retention, and policies were asked whether it may:
            some stores do it for any write that says so.
    """
    names = tuple([name for name, _ in headers])
    kept = list(compress(headers, _are_forwarded(names, ",".join(headers.get_all("connection")))))
    if not bypasses_retention and _BYPASS in headers:
        kept = [pair for pair in kept if pair[0].lower() != _BYPASS]
    if "content-encoding" not in headers:
        return kept
    return [pair for pair in map(_without_aws_chunked, kept) if pair is not None]


@lru_cache(maxsize=256)  # a client sends the same names all day
def _are_forwarded(names: tuple[str, ...], connection: str) -> tuple[bool, ...]:
    """For each of these names, whether the store is to see it.

    Args:
        connection: the value of ``Connection``, which names what belongs to this hop.
    """
    listed = [name.strip() for name in connection.lower().split(",")]
    dropped = _NOT_FORWARDED.union(name for name in listed if not name.startswith(_NEVER_OF_A_HOP))
    keys = [name.lower() for name in names]
    return tuple(key not in dropped and not key.startswith(_OF_A_STORE) for key in keys)


def _without_aws_chunked(pair: Pair) -> Pair | None:
    name, value = pair
    if name.lower() != "content-encoding":
        return pair
    _, rest = strip_aws_chunked(value)
    return (name, rest) if rest else None


@remembered(256)  # a URL is used again, for the next range or when it is tried once more
def forwarded_query(query: str) -> str:
    """The caller's parameters in their order, each encoded in the one way that every reader reads alike.

    None of Amazon's headers in the form of a parameter is among them: what makes a URL a permission is good
    at onread alone, and the rest (``x-amz-acl``, ``x-amz-copy-source``) no policy was asked about. Nor are
    stores' own words.
    """
    kept = []
    for name, value in split_query(query):
        plain = decode_query_text(name).lower()
        if plain in _ASKS_A_STORE or plain.startswith(("x-amz-", *_OF_A_STORE)):
            continue
        pair = _encoded(name)
        kept.append(f"{pair}={_encoded(value)}" if value else pair)
    return "&".join(part for part in kept if part)


def _encoded(text: str) -> str:
    return encode(decode_query_text(text).encode())


def host_of(store: StoreSettings, bucket: str) -> str:
    """The host that a request for the bucket names."""
    return store.authority if store.path_style or not bucket else f"{bucket}.{store.authority}"


def path_of(store: StoreSettings, bucket: str, key: str | None) -> str:
    """The path of a bucket or an object; the key byte for byte, its dots and slashes as they are."""
    place = f"/{bucket}" if store.path_style and bucket else ""
    if key is not None:
        place += f"/{encode(key.encode(), safe='/')}"
    return place or "/"


def signed_headers(
    store: StoreSettings,
    *,
    method: str,
    host: str,
    path: str,
    query: str,
    headers: Sequence[Pair],
    payload_hash: str,
    now: datetime,
) -> list[Pair]:
    """Every header to send: ``Host``, those given, and the signature.

    Signed is what S3 asks for: the host, the type and whatever is Amazon's. A hop may change the rest.
    """
    is_signed, is_unsigned = _are_signed(tuple([name for name, _ in headers]))
    added = sign_request(
        method=method,
        host=host,
        path=path,
        query=query,
        headers=compress(headers, is_signed),
        payload_hash=payload_hash,
        access_key_id=store.access_key_id,
        secret=store.secret_access_key.reveal(),
        session_token=None,
        region=store.region,
        service="s3",
        now=now,
    )
    return [("Host", host), *compress(headers, is_unsigned), *added]


@lru_cache(maxsize=256)  # a client sends the same names all day
def _are_signed(names: tuple[str, ...]) -> tuple[tuple[bool, ...], tuple[bool, ...]]:
    """For each of these names whether it is signed, and whether it is not."""
    keys = [name.lower() for name in names]
    signed = tuple(key.startswith("x-amz-") or key in ("content-md5", "content-type") for key in keys)
    return signed, tuple(not each for each in signed)


def direct_url(
    store: StoreSettings,
    bucket: str,
    key: str,
    *,
    method: str,
    query: Mapping[str, str],
    now: datetime,
    expires_seconds: int,
) -> str:
    """A URL of the store itself that reads one object until it expires."""
    return presign(
        method=method,
        scheme=store.scheme,
        host=host_of(store, bucket),
        path=path_of(store, bucket, key),
        query=query.items(),
        headers=(),
        access_key_id=store.access_key_id,
        secret=store.secret_access_key.reveal(),
        session_token=None,
        region=store.region,
        service="s3",
        now=now,
        expires_seconds=expires_seconds,
    ).url
