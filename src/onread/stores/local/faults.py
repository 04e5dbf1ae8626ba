"""What the disk and SQLite raise, as errors of the service."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from onread.errors import InternalError, S3Error, ServiceUnavailable

log = structlog.get_logger(__name__)

# What ends when an operator or time helps: the client may try again.
_PASSING_ERRNOS = frozenset(
    {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
        errno.EROFS,
        errno.EAGAIN,
        errno.EBUSY,
    }
)
_PASSING_SQLITE_CODES = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
    }
)
_PRIMARY_CODE = 0xFF  # extended result codes keep the primary one in the low byte


@contextmanager
def map_disk_faults() -> Iterator[None]:
    """Faults of disk and index leave as errors of the service, logged once with their cause.

    Raises:
        ServiceUnavailable: the disk is full or read-only, descriptors or memory are used up.
        InternalError: anything else; a failed fsync among them.
    """
    try:
        yield
    except OSError as error:
        raise _named(error, passing=error.errno in _PASSING_ERRNOS) from error
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE
        raise _named(error, passing=code in _PASSING_SQLITE_CODES) from error
    except MemoryError as error:
        raise _named(error, passing=True) from error


def _named(error: Exception, *, passing: bool) -> S3Error:
    log.error("store.fault", error=str(error), passing=passing)
    if passing:
        return ServiceUnavailable("The store cannot write or read right now. Please try again.")
    return InternalError()
