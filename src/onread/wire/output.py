"""What a handler answers with: members in AWS's own names, serialised later by ``protocol``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from onread.wire.message import Body


@dataclass(slots=True, kw_only=True)
class Output:
    """The output of one operation.

    Attributes:
        members: the operation's output members by AWS's name. Timestamps are aware datetimes, blobs
            bytes, structures mappings, lists sequences.
        body: the streaming payload (``Body`` of GetObject), or None.
        status: the HTTP status when it is not the one the model implies.
        extra_headers: headers that no member names; used sparingly.
    """

    members: Mapping[str, Any] = field(default_factory=dict)
    body: Body | bytes | None = None
    status: int | None = None
    extra_headers: list[tuple[str, str]] = field(default_factory=list)
