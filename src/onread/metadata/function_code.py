"""Zips of functions and layers: kept once for each content in the database, which every gateway reaches.

One goes when the last function, version or layer that used it is changed or deleted, in the same
transaction.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from io import BytesIO

from sqlalchemy import Connection, LargeBinary, delete, exists, func, insert, select

from onread.errors import ResourceConflictException, ResourceNotFoundException
from onread.metadata.schema import function_code, function_versions, functions, layer_versions

_PIECE_BYTES = 1 << 20


def keep_code(connection: Connection, code: bytes, stored_at: datetime) -> None:
    """Keep a zip under its SHA-256."""
    sha256 = hashlib.sha256(code).hexdigest()
    if not connection.scalar(select(exists().where(function_code.c.sha256 == sha256))):
        connection.execute(insert(function_code).values(sha256=sha256, content=code, stored_at=stored_at))


def require_code(connection: Connection, sha256s: Iterable[str]) -> None:
    """Every one of these zips is kept: a layer that was looked up may have been deleted since.

    Raises:
        ResourceConflictException: one is not.
    """
    for sha256 in sha256s:
        if not connection.scalar(select(exists().where(function_code.c.sha256 == sha256))):
            raise ResourceConflictException(
                "A layer of the function was deleted meanwhile. Please try again."
            )


def drop_unused_code(connection: Connection, sha256s: Iterable[str]) -> None:
    """Forget those of these zips that nothing names any more."""
    for sha256 in set(sha256s):
        if not _is_used(connection, sha256):
            connection.execute(delete(function_code).where(function_code.c.sha256 == sha256))


def load_code(connection: Connection, sha256: str) -> bytes:
    """The zip with this hexadecimal SHA-256.

    Raises:
        ResourceNotFoundException: nothing uses such code any more.
    """
    named = function_code.c.sha256 == sha256
    length = connection.scalar(select(func.length(function_code.c.content)).where(named))
    if length is None:
        raise ResourceNotFoundException("The function's code is no longer stored.")
    # In pieces: PostgreSQL's driver would hold the whole three times, as hexadecimal digits among others.
    whole = BytesIO()
    for offset in range(0, length, _PIECE_BYTES):
        piece = func.substr(function_code.c.content, offset + 1, _PIECE_BYTES, type_=LargeBinary)
        whole.write(connection.scalar(select(piece).where(named)) or b"")
    return whole.getvalue()


def _is_used(connection: Connection, sha256: str) -> bool:
    naming = [table.c.code_sha256 == sha256 for table in (functions, function_versions, layer_versions)]
    # A function names the zips of its layers in JSON: 64 hexadecimal digits stand nowhere else in it.
    naming += [table.c.layers.contains(sha256) for table in (functions, function_versions)]
    return any(connection.scalar(select(exists().where(condition))) for condition in naming)
