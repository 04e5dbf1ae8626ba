"""What ``onread doctor`` may ask of the database: the command line itself knows none."""

import os
from collections.abc import Iterator

from onread.config import Settings
from onread.metadata.checkup import Finding, check_up
from onread.metadata.first_start import UnsafeKeyFile, load_master_key


def check_up_database(settings: Settings) -> Iterator[Finding]:
    """What is found at ``database_url``; nothing is changed."""
    if settings.database_url is not None and not settings.database_url.reveal().startswith("sqlite"):
        yield from check_up(settings.database_url.reveal(), _known_master_key(settings))


def _known_master_key(settings: Settings) -> bytes | None:
    """The master key with which a gateway would start; None when it would make one."""
    if settings.master_key is not None:
        return settings.master_key.reveal().encode()
    file = settings.master_key_file or settings.data_dir / "master-key"
    if not file.exists():
        return None
    try:
        return load_master_key(file, random_bytes=os.urandom)
    except (UnsafeKeyFile, OSError):  # another look tells of it
        return None
