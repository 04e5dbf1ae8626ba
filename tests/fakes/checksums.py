"""S3's checksums once more, by libraries that onread does not use where there are any."""

import base64
import zlib
from hashlib import md5, sha1, sha256, sha512

import xxhash
from awscrt.checksums import crc32c, crc64nvme

DIGESTS = {
    "CRC32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
    "CRC32C": lambda data: crc32c(data).to_bytes(4, "big"),
    "CRC64NVME": lambda data: crc64nvme(data).to_bytes(8, "big"),
    "SHA1": lambda data: sha1(data).digest(),
    "SHA256": lambda data: sha256(data).digest(),
    "SHA512": lambda data: sha512(data).digest(),
    "MD5": lambda data: md5(data).digest(),
    "XXHASH64": xxhash.xxh64_digest,
    "XXHASH3": xxhash.xxh3_64_digest,
    "XXHASH128": xxhash.xxh3_128_digest,
}


def base64_value(algorithm: str, data: bytes) -> str:
    """The checksum as S3's headers carry it."""
    return base64.b64encode(DIGESTS[algorithm](data)).decode("ascii")


def composite(algorithm: str, parts: list[bytes]) -> str:
    """Of a multipart object."""
    whole = b"".join(DIGESTS[algorithm](part) for part in parts)
    return f"{base64_value(algorithm, whole)}-{len(parts)}"
