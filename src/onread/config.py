"""One frozen tree of settings: flags, then environment, then the TOML file, then the default.

Read once, in ``cli``, and handed down. All mistakes are reported together, each with the name of the
setting and what to write. What is promised but not built yet is refused by name, never ignored.
"""

import re
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

from onread.store_settings import StoreSettings, read_stores
from onread.wire.secret import Secret

MOST_WORKERS = 64

Network = IPv4Network | IPv6Network

WELL_KNOWN_CREDENTIALS = frozenset(
    {
        ("minioadmin", "minioadmin"),
        ("admin", "admin"),
        ("test", "test"),
        ("root", "root"),
        ("admin", "password"),
    }
)


class ConfigurationError(Exception):
    """Settings that cannot be used. ``problems`` holds one line each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host and a port to listen on; port 0 takes a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set. Names and defaults are promises: see docs/settings.md."""

    data_dir: Path = Path("onread-data")
    listen: Endpoint = Endpoint("127.0.0.1", 9000)
    admin_listen: Endpoint = Endpoint("127.0.0.1", 9001)
    account_id: str = "000000000000"
    region: str = "us-east-1"
    domains: tuple[str, ...] = ("localhost",)
    root_access_key_id: str | None = None
    root_secret_access_key: Secret | None = None
    database_url: Secret | None = None
    workers: int = 1
    master_key: Secret | None = None
    master_key_file: Path | None = None
    transform_timeout_seconds: float = 60.0
    max_connections: int = 4096
    max_in_flight: int = 1024
    max_request_memory_bytes: int = 512 << 20
    tls_cert: Path | None = None
    tls_key: Path | None = None
    admin_client_ca: Path | None = None
    public_url: str | None = None
    trusted_proxies: tuple[Network, ...] = ()
    drain_seconds: float = 60.0
    drain_grace_seconds: float = 0.0
    loop: str = "auto"
    strict: bool = False
    functions_listen: Endpoint = Endpoint("127.0.0.1", 0)
    functions_url: str | None = None
    webhook_networks: tuple[Network, ...] = ()
    webhook_ports: tuple[int, ...] = (80, 443, 5000, 8000, 8080, 8443)
    isolation: str = "auto"
    spool_bytes: int = 10 << 30
    spool_seconds: int = 3600
    log_level: str = "info"
    stores: tuple[StoreSettings, ...] = ()


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("write some text")
    return value.strip()


def _path(value: Any) -> Path:
    return Path(_text(value))


def _endpoint(value: Any) -> Endpoint:
    host, colon, port = _text(value).rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
        raise ValueError("write HOST:PORT, as 127.0.0.1:9000")
    return Endpoint(host, int(port))


def _account_id(value: Any) -> str:
    if not re.fullmatch(r"[0-9]{12}", text := _text(value)):
        raise ValueError("write twelve digits")
    return text


def _region(value: Any) -> str:
    if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-[0-9]", text := _text(value)):
        raise ValueError("write a Region name, as us-east-1")
    return text


def _parts(value: Any) -> list[Any]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list) or not parts:
        raise ValueError("write one or more, separated by commas")
    return parts


def _domains(value: Any) -> tuple[str, ...]:
    cleaned = tuple(_text(name).lower().rstrip(".") for name in _parts(value))
    if not all(re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", name) for name in cleaned):
        raise ValueError("write domain names without port or wildcard")
    return cleaned


def _workers(value: Any) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", str(value)) or not 1 <= int(value) <= MOST_WORKERS:
        raise ValueError(f"write a whole number from 1 to {MOST_WORKERS}")
    if int(value) > 1 and sys.platform != "linux":
        raise ValueError("several workers need Linux: write 1")
    return int(value)


def _seconds(value: Any) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        raise ValueError("write a number of seconds") from None
    if not 0 < seconds <= 900:
        raise ValueError("write a number of seconds above 0 and at most 900")
    return seconds


def _count(value: Any) -> int:
    if not re.fullmatch(r"[0-9]{1,13}", str(value)) or int(value) < 1:
        raise ValueError("write a whole number from 1")
    return int(value)


def _grace_seconds(value: Any) -> float:
    return 0.0 if str(value) in ("0", "0.0") else _seconds(value)


def _public_url(value: Any) -> str:
    if not re.fullmatch(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?", text := _text(value)):
        raise ValueError("write https://HOST or https://HOST:PORT, without a path")
    return text


def _networks(value: Any) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(_text(part)) for part in _parts(value))
    except ValueError:
        raise ValueError("write addresses or networks, as 10.0.0.0/8, separated by commas") from None


def _ports(value: Any) -> tuple[int, ...]:
    parts = [str(part).strip() for part in _parts(value)]
    if not all(re.fullmatch(r"[0-9]{1,5}", part) and 1 <= int(part) <= 65535 for part in parts):
        raise ValueError("write port numbers, separated by commas")
    return tuple(int(part) for part in parts)


def _loop(value: Any) -> str:
    if (text := _text(value)) not in ("auto", "asyncio", "uvloop"):
        raise ValueError("write auto, asyncio or uvloop")
    return text


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    known = {
        "true": True,
        "1": True,
        "yes": True,
        "on": True,
        "false": False,
        "0": False,
        "no": False,
        "off": False,
    }
    if str(value).lower() not in known:
        raise ValueError("write true or false")
    return known[str(value).lower()]


def _isolation(value: Any) -> str:
    if (text := _text(value)) not in ("auto", "none"):
        raise ValueError("isolation is not built yet: functions are trusted; write auto or none")
    return text


def _database_url(value: Any) -> Secret:
    """A password stands in it, so it shows itself nowhere."""
    if not (text := _text(value)).startswith(("postgresql://", "postgres://", "sqlite:///")):
        raise ValueError("write postgresql://USER:PASSWORD@HOST:PORT/DATABASE, or leave it unset for SQLite")
    return Secret(text)


def _log_level(value: Any) -> str:
    if (text := _text(value).lower()) not in ("debug", "info", "warning", "error"):
        raise ValueError("write debug, info, warning or error")
    return text


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "data_dir": _path,
    "listen": _endpoint,
    "admin_listen": _endpoint,
    "account_id": _account_id,
    "region": _region,
    "domains": _domains,
    "root_access_key_id": _text,
    "root_secret_access_key": lambda value: Secret(_text(value)),
    "database_url": _database_url,
    "workers": _workers,
    "master_key": lambda value: Secret(_text(value)),
    "master_key_file": _path,
    "transform_timeout_seconds": _seconds,
    "max_connections": _count,
    "max_in_flight": _count,
    "max_request_memory_bytes": _count,
    "tls_cert": _path,
    "tls_key": _path,
    "admin_client_ca": _path,
    "public_url": _public_url,
    "trusted_proxies": _networks,
    "drain_seconds": _seconds,
    "drain_grace_seconds": _grace_seconds,
    "loop": _loop,
    "strict": _boolean,
    "functions_listen": _endpoint,
    "functions_url": _public_url,
    "webhook_networks": _networks,
    "webhook_ports": _ports,
    "isolation": _isolation,
    "spool_bytes": _count,
    "spool_seconds": _count,
    "log_level": _log_level,
}

# Promised settings whose meaning is not built: to ignore one would be to pretend.
_NOT_BUILT: Mapping[str, str] = {
    "required_isolation": "isolation is not built yet: functions are trusted; remove it",
}


def environment_name(setting: str) -> str:
    """The environment variable of a setting: ``data_dir`` is ``ONREAD_DATA_DIR``."""
    return f"ONREAD_{setting.upper()}"


def load_settings(
    flags: Mapping[str, Any], environment: Mapping[str, str], file: Path | None = None
) -> Settings:
    """Settings from their three sources.

    Raises:
        ConfigurationError: with every mistake found, in one go.
    """
    problems: list[str] = []
    written = _read_file(file, problems) if file else {}
    values: dict[str, Any] = {}
    for name, reader in _READERS.items():
        for source, raw in _sources(name, flags, environment, written):
            try:
                values[name] = reader(raw)
            except ValueError as problem:
                problems.append(f"{name} ({source}): {problem}")
            break
    for name, reason in _NOT_BUILT.items():
        problems.extend(
            f"{name} ({source}): {reason}" for source, _ in _sources(name, flags, environment, written)
        )
    problems.extend(
        f"{name} ({file}): no such setting"
        for name in written
        if name not in {*_READERS, *_NOT_BUILT, "stores"}
    )
    if "stores" in written:
        values["stores"] = read_stores(written["stores"], environment, problems)
    problems.extend(_disagreements(values))
    if problems:
        raise ConfigurationError(problems)
    return Settings(**values)


def _sources(
    name: str, flags: Mapping[str, Any], environment: Mapping[str, str], written: Mapping[str, Any]
) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    if flags.get(name) is not None:
        found.append((f"--{name.replace('_', '-')}", flags[name]))
    if environment.get(environment_name(name)):
        found.append((environment_name(name), environment[environment_name(name)]))
    if name in written:
        found.append(("the settings file", written[name]))
    return found


def _read_file(file: Path, problems: list[str]) -> Mapping[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        problems.append(f"{file}: {error.strerror}")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.append(f"{file}: not TOML: {error}")
    return {}


def _disagreements(values: Mapping[str, Any]) -> list[str]:
    key, secret = values.get("root_access_key_id"), values.get("root_secret_access_key")
    problems = []
    if (key is None) != (secret is None):
        problems.append("root_access_key_id, root_secret_access_key: give both or neither")
    elif secret is not None and (key, secret.reveal()) in WELL_KNOWN_CREDENTIALS:
        problems.append("root_secret_access_key: this pair is known to everybody; choose another")
    elif secret is not None and len(secret) < 8:
        problems.append("root_secret_access_key: write at least 8 characters")
    if (values.get("tls_cert") is None) != (values.get("tls_key") is None):
        problems.append("tls_cert, tls_key: give both or neither")
    if values.get("admin_client_ca") is not None and values.get("tls_cert") is None:
        problems.append("admin_client_ca: needs tls_cert and tls_key, which the admin listener shows then")
    functions = values.get("functions_listen")
    if functions is not None and functions.port and values.get("workers", 1) > 1:
        problems.append("functions_listen: each of several workers needs a port of its own; write port 0")
    if values.get("master_key") and values.get("master_key_file"):
        problems.append("master_key, master_key_file: give one of them")
    if values.get("master_key") is not None and len(values["master_key"]) < 32:
        problems.append("master_key: write at least 32 characters of randomness")
    return problems
