"""A zip of code as a call gives it, of a function or of a layer: fetched, checked, counted."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from onread.control.call import ControlCall
from onread.errors import InvalidParameterValueException
from onread.functions.package import check_package

ReadObject = Callable[[ControlCall, str, str, str | None], Awaitable[bytes]]
"""Reads a package from a bucket with the caller's own rights: call, bucket, key, version id."""


@dataclass(frozen=True, slots=True)
class Package:
    """A zip that may be kept. ``sha256`` is hexadecimal; ``unzipped_bytes`` is what it unpacks to."""

    content: bytes
    sha256: str
    unzipped_bytes: int


async def read_package(call: ControlCall, code: Mapping[str, Any], read_object: ReadObject) -> Package:
    """The zip that a call gives: in itself, or by the name of an object.

    Raises:
        InvalidParameterValueException: none or two are given, or it is no safe package.
        AccessDenied: the caller may not read that object.
    """
    content = await _fetch(call, code, read_object)
    unzipped_bytes = await asyncio.to_thread(check_package, content)
    sha256 = await asyncio.to_thread(lambda: hashlib.sha256(content).hexdigest())
    return Package(content, sha256, unzipped_bytes)


async def _fetch(call: ControlCall, code: Mapping[str, Any], read_object: ReadObject) -> bytes:
    content: bytes | None = code.get("ZipFile")
    bucket, key = code.get("S3Bucket"), code.get("S3Key")
    if content and not bucket and not key:
        return content
    if content or not bucket or not key:
        raise InvalidParameterValueException("Give the code as ZipFile, or as S3Bucket and S3Key.")
    return await read_object(call, bucket, key, code.get("S3ObjectVersion"))
