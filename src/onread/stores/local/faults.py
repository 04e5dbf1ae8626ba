"""What the disk and SQLite raise, as errors of the service."""

import errno
import sqlite3
from types import TracebackType

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


class map_disk_faults:
    """Faults of disk and index leave as errors of the service, logged once with their cause.

    Raises:
        ServiceUnavailable: the disk is full or read-only, descriptors or memory are used up.
        InternalError: anything else; a failed fsync among them.
    """

    __slots__ = ()

    def __enter__(self) -> None:
        return

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if error is None:
            return
        match error:
            case OSError():
                raise _named(error, passing=error.errno in _PASSING_ERRNOS) from error
            case sqlite3.Error():
                code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE
                raise _named(error, passing=code in _PASSING_SQLITE_CODES) from error
            case MemoryError():
                raise _named(error, passing=True) from error


def _named(error: Exception, *, passing: bool) -> S3Error:
    log.error("store.fault", error=str(error), passing=passing)
    if passing:
        return ServiceUnavailable("The store cannot write or read right now. Please try again.")
    return InternalError()
