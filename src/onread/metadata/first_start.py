"""What a first start makes and keeps, in files of mode 0600: the master key and the root's access key."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from onread.metadata.records import AccessKey, Secret

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


class UnsafeKeyFile(Exception):
    """A key file that others may read or that holds no key: refused, with what mends it."""


@dataclass(frozen=True, slots=True)
class RootKey:
    """The root's access key; ``is_new`` when this start made it and it must be shown, once."""

    access_key: AccessKey
    is_new: bool


def load_master_key(file: Path, *, random_bytes: Callable[[int], bytes]) -> bytes:
    """The key from which tokens, internal signatures and stored secrets derive; made when absent.

    Raises:
        UnsafeKeyFile: others may read the file, or it holds too little.
    """
    if not file.exists():
        _write_private(file, random_bytes(32).hex())
    text = _read_private(file).strip()
    if len(text) < 32:
        raise UnsafeKeyFile(f"{file}: holds {len(text)} characters; a master key has at least 32.")
    return text.encode()


def load_root_key(
    file: Path, *, account_id: str, now: datetime, random_bytes: Callable[[int], bytes]
) -> RootKey:
    """The root's access key; made when absent.

    Raises:
        UnsafeKeyFile: others may read the file, or it holds no access key.
    """
    is_new = not file.exists()
    if is_new:
        key_id = "AKIA" + "".join(_ALPHABET[byte % 32] for byte in random_bytes(16))
        secret = random_bytes(30).hex()[:40]
        _write_private(file, json.dumps({"access_key_id": key_id, "secret_access_key": secret}))
    key_id, secret_key = _read_root_key(file)
    return RootKey(root_access_key(key_id, secret_key, account_id=account_id, now=now), is_new)


def root_access_key(key_id: str, secret: Secret, *, account_id: str, now: datetime) -> AccessKey:
    """An access key of the account itself."""
    return AccessKey(
        access_key_id=key_id,
        secret=secret,
        account_id=account_id,
        user_name=None,
        active=True,
        created_at=now,
    )


def _write_private(file: Path, text: str) -> None:
    aside = file.with_suffix(".new")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    aside.rename(file)
    directory = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)  # what is sealed under a key must not outlive it in a power cut
    finally:
        os.close(directory)


def _read_private(file: Path) -> str:
    if file.stat().st_mode & 0o077:
        raise UnsafeKeyFile(f"{file}: others may read this key. Run: chmod 600 {file}")
    try:
        return file.read_text(encoding="ascii")
    except UnicodeDecodeError as error:
        raise UnsafeKeyFile(f"{file}: is damaged. Restore it from a backup.") from error


def _read_root_key(file: Path) -> tuple[str, Secret]:
    text = _read_private(file)
    try:
        written = json.loads(text)
        return str(written["access_key_id"]), Secret(str(written["secret_access_key"]))
    except (ValueError, KeyError, TypeError) as error:
        raise UnsafeKeyFile(
            f"{file}: holds no access key. Restore it from a backup; without it the next start makes another."
        ) from error
