"""Running checksums by the names S3 gives them, and the values of multipart objects.

Owns algorithms, header names and base64 forms. Refuses to know where bytes come from.

Source: Amazon S3 User Guide, "Checking object integrity".
"""

import base64
import binascii
import hashlib
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from awscrt import checksums as crt

from onread.errors import InvalidDigest, InvalidRequest

Buffer = bytes | bytearray | memoryview


class Checksum(ABC):
    """A checksum of the bytes seen so far."""

    @abstractmethod
    def update(self, data: Buffer) -> None:
        """Take the next bytes."""

    @abstractmethod
    def digest(self) -> bytes:
        """The checksum in binary, big-endian. No bytes may follow."""

    def value(self) -> str:
        """The checksum as S3's headers carry it: base64 of `digest`."""
        return base64.b64encode(self.digest()).decode("ascii")


class _Crc(Checksum):
    def __init__(self, step: Callable[[Any, int], int], size_bytes: int) -> None:
        self._step = step
        self._size_bytes = size_bytes
        self._crc = 0

    def update(self, data: Buffer) -> None:
        self._crc = self._step(data, self._crc)

    def digest(self) -> bytes:
        return self._crc.to_bytes(self._size_bytes, "big")


class _Hash(Checksum):
    def __init__(self, name: str) -> None:
        self._hash = hashlib.new(name, usedforsecurity=False)

    def update(self, data: Buffer) -> None:
        self._hash.update(data)

    def digest(self) -> bytes:
        return self._hash.digest()


class _XXHash(Checksum):
    def __init__(self, start: Callable[[], Any]) -> None:
        self._hash = start()
        self._digest: bytes | None = None

    def update(self, data: Buffer) -> None:
        self._hash.update(bytes(data))  # it takes no memoryview

    def digest(self) -> bytes:
        if self._digest is None:  # the native object can be finished once
            self._digest = bytes(self._hash.finalize())
        return self._digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """One checksum algorithm of S3.

    Attributes:
        name: AWS's, ``CRC32C``.
        size_bytes: length of the digest.
        start: makes a running checksum.
        combine: (crc of A, crc of B, length of B in bytes) -> crc of A then B; None for hashes, which
            cannot be combined and so exist for multipart objects as composite values only.
        composite: whether S3 forms composite values with it.
    """

    name: str
    size_bytes: int
    start: Callable[[], Checksum]
    combine: Callable[[int, int, int], int] | None = None
    composite: bool = True

    @property
    def header(self) -> str:
        """The header or trailer that carries the value, in lower case."""
        return "x-amz-checksum-" + self.name.lower()

    @property
    def member(self) -> str:
        """The name of the value in AWS's models, ``ChecksumCRC32C``."""
        return "Checksum" + self.name


def _crc(name: str, size_bytes: int, step: Any, combine: Any, *, composite: bool = True) -> Algorithm:
    return Algorithm(
        name=name,
        size_bytes=size_bytes,
        start=lambda: _Crc(step, size_bytes),
        combine=combine,
        composite=composite,
    )


def _hash(name: str, size_bytes: int) -> Algorithm:
    return Algorithm(name=name, size_bytes=size_bytes, start=lambda: _Hash(name.lower()))


def _xxhash(name: str, size_bytes: int, start: Callable[[], Any]) -> Algorithm:
    return Algorithm(name=name, size_bytes=size_bytes, start=lambda: _XXHash(start))


ALGORITHMS = {
    algorithm.name: algorithm
    for algorithm in (
        _crc("CRC32", 4, zlib.crc32, crt.combine_crc32),
        _crc("CRC32C", 4, crt.crc32c, crt.combine_crc32c),
        # "CRC64NVME ... full object only": S3 has no composite value of it.
        _crc("CRC64NVME", 8, crt.crc64nvme, crt.combine_crc64nvme, composite=False),
        _hash("SHA1", 20),
        _hash("SHA256", 32),
        _hash("SHA512", 64),
        _hash("MD5", 16),
        _xxhash("XXHASH64", 8, crt.XXHash.new_xxhash64),
        _xxhash("XXHASH3", 8, crt.XXHash.new_xxhash3_64),
        _xxhash("XXHASH128", 16, crt.XXHash.new_xxhash3_128),
    )
}

BY_HEADER = {algorithm.header: algorithm for algorithm in ALGORITHMS.values()}


def new_checksum(algorithm: str) -> Checksum:
    """A running checksum by AWS's name for it, in any letter case.

    Raises:
        InvalidRequest: S3 knows no such algorithm.
    """
    return find_algorithm(algorithm).start()


def find_algorithm(name: str) -> Algorithm:
    """The algorithm of this name, in any letter case.

    Raises:
        InvalidRequest: S3 knows no such algorithm.
    """
    found = ALGORITHMS.get(name.upper())
    if found is None:
        known = ", ".join(ALGORITHMS)
        raise InvalidRequest(
            f"Checksum algorithm provided is unsupported. Please try again with any of {known}."
        )
    return found


def decode_value(algorithm: Algorithm, value: str, *, kind: str = "header") -> bytes:
    """The digest that a checksum header or ``Content-MD5`` (algorithm MD5) carries.

    Args:
        kind: of what carries it, for the message.

    Raises:
        InvalidDigest: a Content-MD5 that is not base64 of 16 bytes.
        InvalidRequest: a checksum that is not base64 of as many bytes as the algorithm has.
    """
    try:
        digest = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) == algorithm.size_bytes:
        return digest
    if algorithm.name == "MD5":
        raise InvalidDigest
    raise InvalidRequest(f"Value for {algorithm.header} {kind} is invalid.")


def composite_value(algorithm: Algorithm, part_values: Sequence[str]) -> str:
    """The composite checksum of a multipart object, ``{base64}-{parts}``.

    Raises:
        InvalidRequest: a part's value is not one of this algorithm.

    Source: Amazon S3 User Guide, "a checksum of checksums": over the parts' binary digests.
    """
    checksum = algorithm.start()
    for value in part_values:
        checksum.update(decode_value(algorithm, value))
    return f"{checksum.value()}-{len(part_values)}"


def full_object_value(algorithm: Algorithm, parts: Iterable[tuple[str, int]]) -> str:
    """The checksum of a multipart object's bytes, from the values and sizes in bytes of its parts.

    Raises:
        InvalidRequest: the algorithm is a hash, whose values cannot be combined, or a part's value is not
            one of this algorithm.
    """
    if algorithm.combine is None:
        raise InvalidRequest(
            f"The FULL_OBJECT checksum type cannot be used with the {algorithm.name} checksum algorithm."
        )
    crc = 0  # the CRC of no bytes
    for value, size_bytes in parts:
        part = int.from_bytes(decode_value(algorithm, value), "big")
        crc = algorithm.combine(crc, part, size_bytes)
    return base64.b64encode(crc.to_bytes(algorithm.size_bytes, "big")).decode("ascii")


def multipart_etag(part_md5s: Sequence[bytes]) -> str:
    """The entity tag of a multipart object without quotes, ``{hex}-{parts}``, from its parts' MD5s."""
    together = hashlib.md5(b"".join(part_md5s), usedforsecurity=False)
    return f"{together.hexdigest()}-{len(part_md5s)}"
