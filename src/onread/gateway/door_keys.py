"""In whose name a request stands at the door: known from the head alone, and proved by nobody yet."""

from collections.abc import Callable
from dataclasses import dataclass

from onread.sigv4.verify import claimed_credential, glimpsed_credential
from onread.wire.message import Request

S3_SERVICES = frozenset({None, "s3", "s3-object-lambda"})
"""What a request claims to be signed for, or that it is not signed, when its errors are S3's."""


@dataclass(frozen=True, slots=True)
class DoorKeys:
    """See `onread.server.door.Door`: its ``key_of`` and its ``glance``.

    Attributes:
        key_of: by peer and claimed access key id; see `onread.gateway.admission.Admission.key_of`.
        look_behind: changes a request to be its caller's, whose proxies are trusted; None: none are.
    """

    key_of: Callable[[str, str | None], str]
    look_behind: Callable[[Request], None] | None = None

    def read(self, request: Request) -> str:
        """The key of a request that was read."""
        if self.look_behind is not None:
            self.look_behind(request)
        access_key_id, _ = claimed_credential(request)
        return self.key_of(request.peer, access_key_id)

    def glance(self, head: bytes, peer: str) -> str | None:
        """The key of one that was not; None where its errors are not S3's, or only reading it would tell."""
        claimed = glimpsed_credential(head)
        if claimed is None or claimed[1] not in S3_SERVICES:
            return None
        key = self.key_of(peer, claimed[0])
        # For whom a proxy speaks is told by a header.
        return None if key == peer and self.look_behind is not None else key
