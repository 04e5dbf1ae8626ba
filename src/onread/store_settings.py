"""What the settings say of upstream stores: ``[[stores]]`` in the file, secrets from the environment too."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onread.wire.secret import Secret

LOCAL = "local"
ANY_BUCKET = "*"
ONREAD, STORE = "onread", "store"

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
_ENDPOINT = re.compile(r"(https?)://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?/?")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")
_REGION = re.compile(r"[A-Za-z0-9-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """One S3 endpoint that holds buckets of ours.

    Attributes:
        host: a name or an address, IPv6 without brackets.
        authority: host and port as its requests name it.
        buckets: their names; None: every bucket that no other store has.
        path_style: buckets in the path; else before the host.
        trailers: the store understands checksums behind a body (``STREAMING-UNSIGNED-PAYLOAD-TRAILER``).
        direct_input_url: functions read from the store itself, with a presigned URL of it.
        access_settings: who keeps policies, public access blocks and CORS rules of its buckets.
        tls_ca: certificates to trust instead of the system's.
    """

    name: str
    scheme: str
    host: str
    port: int
    authority: str
    region: str
    access_key_id: str
    secret_access_key: Secret
    buckets: frozenset[str] | None
    path_style: bool = True
    trailers: bool = True
    direct_input_url: bool = False
    access_settings: str = ONREAD
    tls_ca: Path | None = None
    connect_seconds: float = 2.0
    first_byte_seconds: float = 10.0
    stall_seconds: float = 30.0
    max_connections: int = 256


def read_stores(
    tables: Any, environment: Mapping[str, str], problems: list[str]
) -> tuple[StoreSettings, ...]:
    """The stores that the file names, in its order; what is wrong goes to ``problems``, a line each."""
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        problems.append("stores (the settings file): write [[stores]] tables")
        return ()
    stores = [
        store
        for index, table in enumerate(tables)
        if (store := _read_store(index, table, environment, problems)) is not None
    ]
    problems.extend(_conflicts(stores))
    return tuple(stores)


def _conflicts(stores: list[StoreSettings]) -> list[str]:
    problems = []
    names = [store.name for store in stores]
    problems += [
        f"stores: {name} is named twice" for name in sorted({n for n in names if names.count(n) > 1})
    ]
    owners: dict[str, str] = {}
    for store in stores:
        for bucket in sorted(store.buckets if store.buckets is not None else {ANY_BUCKET}):
            other = owners.setdefault(bucket, store.name)
            if other != store.name:
                problems.append(f'stores: bucket "{bucket}" is in {other} and in {store.name}; keep one')
    return problems


def _read_store(
    index: int, table: Mapping[str, Any], environment: Mapping[str, str], problems: list[str]
) -> StoreSettings | None:
    label = f"stores.{table['name']}" if isinstance(table.get("name"), str) else f"stores[{index}]"
    found: list[str] = []
    values: dict[str, Any] = {}
    given = {**table, **_from_environment(table.get("name"), environment)}
    found += [f"{label}.{name}: no such setting" for name in table if name not in {*_READERS, "type"}]
    if table.get("type", "s3") != "s3":
        found.append(f'{label}.type: write "s3"')
    for name, reader in _READERS.items():
        if name not in given:
            continue
        try:
            values[name] = reader(given[name])
        except ValueError as problem:
            found.append(f"{label}.{name}: {problem}")
        except OSError as error:
            found.append(f"{label}.{name}: {error.strerror}")
    secret = values.pop("secret_access_key_file", None)
    if secret is not None:
        values.setdefault("secret_access_key", secret)
    found += [f"{label}.{name}: is missing" for name in _REQUIRED if name not in {*given, *values}]
    problems.extend(found)
    if found:
        return None
    scheme, host, port, authority = values.pop("endpoint")
    return StoreSettings(scheme=scheme, host=host, port=port, authority=authority, **values)


def _from_environment(name: Any, environment: Mapping[str, str]) -> dict[str, str]:
    """``ONREAD_STORE_NAME_SECRET_ACCESS_KEY`` and its like win over the file."""
    if not isinstance(name, str):
        return {}
    prefix = f"ONREAD_STORE_{name.upper().replace('-', '_')}_"
    named = {one: environment.get(f"{prefix}{one.upper()}") for one in _SECRETS}
    return {one: value for one, value in named.items() if value}


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("write some text")
    return value.strip()


def _name(value: Any) -> str:
    if not _NAME.fullmatch(text := _text(value)) or text == LOCAL:
        raise ValueError(f"write lower-case letters, digits and hyphens; not {LOCAL}, the embedded store")
    return text


def _endpoint(value: Any) -> tuple[str, str, int, str]:
    parts = _ENDPOINT.fullmatch(_text(value))
    if parts is None or int(parts[3] or 1) > 65535:
        raise ValueError("write http(s)://HOST or http(s)://HOST:PORT, without a path")
    scheme, host, port = parts.groups()
    usual = 443 if scheme == "https" else 80
    authority = host if port is None or int(port) == usual else f"{host}:{int(port)}"
    return scheme, host.strip("[]"), int(port or usual), authority


def _region(value: Any) -> str:
    if not _REGION.fullmatch(text := _text(value)):
        raise ValueError("write the Region that the store signs for, as us-east-1")
    return text


def _buckets(value: Any) -> frozenset[str] | None:
    if value == ANY_BUCKET:
        return None
    if not isinstance(value, list) or not value or not all(_is_bucket(name) for name in value):
        raise ValueError('write a list of bucket names, or "*"')
    return frozenset(value)


def _is_bucket(name: Any) -> bool:
    return isinstance(name, str) and _BUCKET.fullmatch(name) is not None


def _keeper(value: Any) -> str:
    if value not in (ONREAD, STORE):
        raise ValueError(f'write "{ONREAD}" or "{STORE}"')
    return str(value)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("write true or false")
    return value


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 900:
        raise ValueError("write a number of seconds above 0 and at most 900")
    return float(value)


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 65536:
        raise ValueError("write a whole number from 1")
    return value


def _file(value: Any) -> Path:
    return Path(_text(value))


def _secret_file(value: Any) -> Secret:
    return Secret(_text(_file(value).read_text(encoding="utf-8")))


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "name": _name,
    "endpoint": _endpoint,
    "region": _region,
    "access_key_id": _text,
    "secret_access_key": lambda value: Secret(_text(value)),
    "secret_access_key_file": _secret_file,
    "buckets": _buckets,
    "path_style": _boolean,
    "trailers": _boolean,
    "direct_input_url": _boolean,
    "access_settings": _keeper,
    "tls_ca": _file,
    "connect_seconds": _seconds,
    "first_byte_seconds": _seconds,
    "stall_seconds": _seconds,
    "max_connections": _count,
}
_REQUIRED = ("name", "endpoint", "region", "access_key_id", "secret_access_key", "buckets")
_SECRETS = ("access_key_id", "secret_access_key", "secret_access_key_file")
