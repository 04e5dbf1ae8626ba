"""What a function wrote becomes the output of GetObject."""

from onread.errors import LambdaInvalidResponse
from onread.objectlambda.relayed_body import RelayedBody
from onread.objectlambda.rendezvous import Delivery
from onread.objectlambda.response import DEFAULT_CONTENT_TYPE, DeclaredChecksum
from onread.wire.checksums import new_checksum
from onread.wire.output import Output


def answer(delivery: Delivery, *, verify: bool) -> tuple[Output, RelayedBody | None]:
    """GetObject's output as the function wrote it, and its body, if it has one.

    Nothing of the original comes along: its checksums and its length are not those of this body.

    Args:
        verify: the caller asked for checksums, so the function's own is compared with its bytes.

    Raises:
        FunctionReportedError: the function answered with an error.
        LambdaInvalidResponse: the checksum of an empty body is wrong; a longer one is seen on its way.
    """
    response = delivery.response
    if response.error is not None:
        raise response.error
    if not response.has_body:
        return Output(status=response.status, members=response.members), None
    checksum = response.checksum if verify else None
    body = RelayedBody(delivery.body, checksum)
    if checksum is not None and body.length_bytes == 0:
        _check_empty(checksum)
    members = {"ContentType": DEFAULT_CONTENT_TYPE, **response.members}
    if body.length_bytes is not None:
        members["ContentLength"] = body.length_bytes
    return Output(status=response.status, members=members, body=body), body


def _check_empty(checksum: DeclaredChecksum) -> None:
    """A body of no bytes is never pulled, so it is compared before its head leaves."""
    if new_checksum(checksum.algorithm).value() != checksum.value:
        raise LambdaInvalidResponse(f"The {checksum.algorithm} checksum given is not that of the Body.")
