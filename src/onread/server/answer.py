"""One answer on its way out: how it is framed, and its body pulled to the peer."""

from onread.errors import IncompleteBody
from onread.server.head import given_length, render_head
from onread.server.request import ReceivedRequest
from onread.server.sender import GATHER_BYTES, Sender
from onread.wire.message import Body, Response

_CHUNKED_LINE = "Transfer-Encoding: chunked\r\n"
_LAST_CHUNK = b"0\r\n\r\n"


def begin_response(
    sender: Sender, request: ReceivedRequest, response: Response, standing_lines: str
) -> bytes | Body | None:
    """Send the head of a response, and a small body with it; return a body that is still to be sent.

    ``request.keep_alive`` is cleared when only closing can end the answer.

    Args:
        standing_lines: the header lines of every answer (``Date``, ``Server``).

    Raises:
        UnsafeHead: the head must not be written; nothing was.
    """
    body = response.body
    head, has_body = _render(request, response, standing_lines)
    sender.started = True
    if not has_body:
        sender.write(head)
    elif isinstance(body, bytes) and len(body) <= GATHER_BYTES:
        sender.write(head + body)
    else:
        sender.put(head)
        return body
    return None


def _render(request: ReceivedRequest, response: Response, standing_lines: str) -> tuple[bytes, bool]:
    """The head of an answer, and whether a body follows it."""
    body = response.body
    length = len(body) if isinstance(body, bytes) else body.length_bytes
    bodiless = request.method == "HEAD" or response.status in (204, 304)
    if bodiless:
        framing = _bodiless_framing(response, length)
    elif length is not None:
        framing = f"Content-Length: {length}\r\n"
    else:
        framing = _unknown_length_framing(request)
    if not request.keep_alive:
        framing += "Connection: close\r\n"
    elif request.version != "1.1":
        framing += "Connection: keep-alive\r\n"
    return render_head(response.status, response.headers, standing_lines + framing), not bodiless


def _bodiless_framing(response: Response, length: int | None) -> str:
    """RFC 9110 section 8.6: what a GET would have had, and nothing in a 204."""
    if response.status == 204:
        return ""
    given = given_length(response.headers)
    if given is None and response.status != 304:
        given = length
    return "" if given is None else f"Content-Length: {given}\r\n"


def _unknown_length_framing(request: ReceivedRequest) -> str:
    if request.version == "1.1":
        return _CHUNKED_LINE
    request.keep_alive = False
    return ""


async def send_body(sender: Sender, body: bytes | Body, version: str) -> None:
    """Send the body of a response; returns when all but its last few KiB are with the kernel.

    Raises:
        IncompleteBody: the body gave fewer or more bytes than were declared.
        Whatever reading the body raises.

    Cancellation: the answer is broken off; the connection must be cut.
    """
    if isinstance(body, bytes):
        sender.put(body)
    elif body.length_bytes is not None:
        await _send_sized(sender, body, body.length_bytes)
    elif version == "1.1":
        await _send_chunked(sender, body)
    else:
        await _send_to_the_end(sender, body)
    await sender.handed_over()


async def _send_sized(sender: Sender, body: Body, length: int) -> None:
    left = length
    async for chunk in body:
        left -= len(chunk)
        if left < 0:
            raise IncompleteBody(f"More than the declared {length} bytes came.")
        sender.put(chunk)
        if sender.paused:
            await sender.room()
    if left:
        raise IncompleteBody(f"{length - left} of the declared {length} bytes came.")


async def _send_chunked(sender: Sender, body: Body) -> None:
    async for chunk in body:
        size = len(chunk)
        if size <= GATHER_BYTES:
            sender.put(b"%x\r\n%b\r\n" % (size, chunk))
        else:
            sender.put(b"%x\r\n" % size)
            sender.put(chunk)
            sender.put(b"\r\n")
        if sender.paused:
            await sender.room()
    sender.put(_LAST_CHUNK)


async def _send_to_the_end(sender: Sender, body: Body) -> None:
    async for chunk in body:
        sender.put(chunk)
        if sender.paused:
            await sender.room()
