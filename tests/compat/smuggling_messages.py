"""What the raw requests of the smuggling corpus are made of."""

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: h\r\nX-A: b\r\n\r\n"
CHUNKED_BODY = b"5\r\nabcde\r\n0\r\n\r\n"
HOST = b"Host: h\r\n"


def head(
    *lines: bytes, method: bytes = b"POST", target: bytes = b"/attack", version: bytes = b"HTTP/1.1"
) -> bytes:
    """A head whose lines are given without their ends; Host stands first."""
    return (
        b"%b %b %b\r\n%b" % (method, target, version, HOST)
        + b"".join(line + b"\r\n" for line in lines)
        + b"\r\n"
    )


def chunk(content: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(content), content)


def listed(text: str) -> list[bytes]:
    """The values of a list written with bars between them, escapes as in Python; ``\\e`` is an empty one."""
    values = [value.strip() for value in text.strip().split("|")]
    return [
        b"" if value == r"\e" else value.encode().decode("unicode_escape").encode("latin-1")
        for value in values
    ]
