"""Structured logging: events with fields, one JSON object a line, secrets cut out."""

import logging
import re
import sys
from collections.abc import MutableMapping
from functools import lru_cache
from typing import Any, TextIO

import orjson
import structlog

_SECRET_NAMES = re.compile(r"secret|password|token|signature|authorization|credential", re.IGNORECASE)
_SECRET_QUERY = re.compile(r"(X-Amz-(?:Signature|Security-Token|Credential)=)[^&\s\"]*", re.IGNORECASE)
# What JSON leaves as it is, and some reader takes for the end of a line or a terminal for a command:
# DEL and the C1 controls, the separators of lines and paragraphs, and what turns the text around.
_NOT_PRINTABLE = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def configure_logging(level: str, stream: TextIO | None = None) -> None:
    """Send structlog's and the standard library's records to ``stream`` (standard error by default).

    Control characters inside a value are escaped, those that JSON would allow included, so a record is
    always one line, whoever reads it.
    """
    output = stream if stream is not None else sys.stderr
    minimum = getattr(logging, level.upper())
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact,
            structlog.processors.JSONRenderer(serializer=_to_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(minimum),
        logger_factory=structlog.BytesLoggerFactory(output.buffer),
        cache_logger_on_first_use=False,
    )
    handler = _StandardLibrary()
    logging.basicConfig(handlers=[handler], level=max(minimum, logging.WARNING), force=True)


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Cut secrets out of a record: by the name of a field, and in query strings inside a value."""
    for name, value in event.items():
        if _names_a_secret(name):
            event[name] = "***"
        elif isinstance(value, str) and "-Amz-" in value:
            event[name] = _SECRET_QUERY.sub(r"\1***", value)
    return event


@lru_cache(maxsize=1024)  # the same few fields again and again
def _names_a_secret(field: str) -> bool:
    return _SECRET_NAMES.search(field) is not None


def _to_json(event: MutableMapping[str, Any], **_options: Any) -> bytes:
    line = orjson.dumps(event, default=str)
    if line.isascii() and b"\x7f" not in line:
        return line
    return _NOT_PRINTABLE.sub(_escape, line.decode()).encode()


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


class _StandardLibrary(logging.Handler):
    """Passes what libraries log through the same processors."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger(record.name)
        fields = {"exc_info": record.exc_info} if record.exc_info else {}
        log.log(
            max(record.levelno, logging.DEBUG),
            "library",
            logger=record.name,
            text=record.getMessage(),
            **fields,
        )
