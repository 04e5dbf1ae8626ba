"""Messages of AWS's event stream encoding (``application/vnd.amazon.eventstream``). Pure.

Source: Smithy specification, "Amazon Event Stream Specification".
"""

import struct
from collections.abc import Mapping
from zlib import crc32

CONTENT_TYPE = "application/vnd.amazon.eventstream"
_STRING = 7
_OVERHEAD_BYTES = 16


def encode_event(event_type: str, content_type: str, payload: bytes) -> bytes:
    """One event of a stream.

    Args:
        event_type: the member of the model's event stream structure.
        content_type: of the payload: a blob's ``application/octet-stream``, or ``application/json``.
    """
    headers = {":event-type": event_type, ":content-type": content_type, ":message-type": "event"}
    return encode_message(headers, payload)


def encode_message(headers: Mapping[str, str], payload: bytes) -> bytes:
    """A message: lengths, their checksum, headers of strings, payload, the checksum of it all."""
    encoded = b"".join(_header(name, value) for name, value in headers.items())
    prelude = struct.pack(">II", _OVERHEAD_BYTES + len(encoded) + len(payload), len(encoded))
    message = prelude + struct.pack(">I", crc32(prelude)) + encoded + payload
    return message + struct.pack(">I", crc32(message))


def _header(name: str, value: str) -> bytes:
    name_bytes, value_bytes = name.encode(), value.encode()
    head = struct.pack(">B", len(name_bytes)) + name_bytes
    return head + struct.pack(">BH", _STRING, len(value_bytes)) + value_bytes
