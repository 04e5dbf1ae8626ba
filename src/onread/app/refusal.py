"""Why a gateway cannot start, in one line."""

from onread.metadata.database import DatabaseRefused
from onread.metadata.first_start import (
    UnsafeKeyFile,
)
from onread.server.tls import TlsRefused
from onread.stores.local.schema import NewerSchema
from onread.stores.local.store import UnusableDirectory
from onread.stores.stores import BucketInTwoStores


class CannotStart(Exception):
    """One line that says why, and what to do."""


# What may keep a gateway from starting; anything else is a bug of ours.
REASONS = (
    CannotStart,
    BucketInTwoStores,
    UnsafeKeyFile,
    DatabaseRefused,
    UnusableDirectory,
    NewerSchema,
    TlsRefused,
    OSError,
)


def one_line(reason: Exception) -> str:
    """The reason as people read it."""
    if isinstance(reason, OSError):
        return f"{reason.filename or 'the system'}: {reason.strerror or reason}"
    return str(reason)
