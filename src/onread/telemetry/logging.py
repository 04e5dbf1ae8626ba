"""Structured logging: events with fields, one JSON object a line, secrets cut out."""

import asyncio
import atexit
import logging
import re
import sys
from collections import deque
from collections.abc import MutableMapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, BinaryIO, TextIO

import orjson
import structlog

_SECRET_NAMES = re.compile(r"secret|password|token|signature|authorization|credential", re.IGNORECASE)
_SECRET_QUERY = re.compile(r"(X-Amz-(?:Signature|Security-Token|Credential)=)[^&\s\"]*", re.IGNORECASE)
# What JSON leaves as it is, and some reader takes for the end of a line or a terminal for a command:
# DEL and the C1 controls, the separators of lines and paragraphs, and what turns the text around.
_NOT_PRINTABLE = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_LEVEL_NAMES = {"warn": "warning", "exception": "error"}
# How long a line about a request may wait for others, and how many may.
_WAIT_SECONDS = 0.05
_MOST_LINES = 64
_minimum = logging.NOTSET


def configure_logging(level: str, stream: TextIO | None = None) -> None:
    """Send structlog's and the standard library's records to ``stream`` (standard error by default).

    Control characters inside a value are escaped, those that JSON would allow included, so a record is
    always one line, whoever reads it.
    """
    global _minimum
    output = stream if stream is not None else sys.stderr
    minimum = _minimum = getattr(logging, level.upper())
    structlog.configure(
        processors=[_render],
        wrapper_class=_wrapper(minimum),
        logger_factory=lambda *_names: _lines_to(output.buffer),
        cache_logger_on_first_use=False,
    )
    handler = _StandardLibrary()
    logging.basicConfig(handlers=[handler], level=max(minimum, logging.WARNING), force=True)


def _wrapper(minimum: int) -> type[structlog.typing.FilteringBoundLogger]:
    """structlog's own, but for the level of requests' lines: those go through its processors in one step."""
    filtering: Any = structlog.make_filtering_bound_logger(minimum)
    return type("Logger", (filtering,), {"info": _info} if minimum <= logging.INFO else {})


def _info(logger: Any, event: str, **fields: Any) -> None:
    record: Any = {**logger._context, **fields, "event": event}
    try:
        for processor in logger._processors:
            record = processor(logger._logger, "info", record)
    except structlog.DropEvent:
        return
    logger._logger.info(record)


def is_logged(level: int) -> bool:
    """Whether records of this level (as ``logging`` numbers them) are written at all."""
    return level >= _minimum


def _render(_logger: Any, method: str, event: MutableMapping[str, Any]) -> bytes:
    """A record as one line of JSON, secrets cut out. All in one step: it is done for each request."""
    event["level"] = _LEVEL_NAMES.get(method, method)
    event["timestamp"] = datetime.now(UTC).isoformat()[:-6] + "Z"
    if event.get("exc_info"):
        event = structlog.processors.format_exc_info(_logger, method, event)
    for name in _secret_names(tuple(event)):
        event[name] = "***"
    line = orjson.dumps(event, default=str)
    if b"-Amz-" in line:
        line = orjson.dumps({name: _without_secrets(value) for name, value in event.items()}, default=str)
    if line.isascii() and b"\x7f" not in line:
        return line
    return _NOT_PRINTABLE.sub(_escape, line.decode()).encode()


@lru_cache(maxsize=1024)  # the same few fields again and again
def _secret_names(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if _SECRET_NAMES.search(name))


def _without_secrets(value: Any) -> Any:
    """A value without what query strings in it hold of a signature."""
    return _SECRET_QUERY.sub(r"\1***", value) if isinstance(value, str) and "-Amz-" in value else value


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


class _Lines:
    """Where lines are written: what is said about requests together with its neighbours, the rest at once.

    A line waits a moment for others, as long as the loop turns; every record of a warning or worse takes all
    that waits along, and so does the end of the process.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._pending: deque[bytes] = deque()  # appended to and emptied by any thread
        self._planned = False
        atexit.register(self.flush)

    def info(self, line: bytes) -> None:
        """Write a line soon."""
        self._pending.append(line)
        loop = asyncio._get_running_loop()
        if loop is None or len(self._pending) >= _MOST_LINES:
            self.flush()
        elif not self._planned:
            self._planned = True
            loop.call_later(_WAIT_SECONDS, self._flush_planned)

    debug = info

    def warning(self, line: bytes) -> None:
        """Write a line now, behind all that waits."""
        self._pending.append(line)
        self.flush()

    msg = warn = error = critical = exception = fatal = log = warning

    def _flush_planned(self) -> None:
        self._planned = False
        self.flush()

    def flush(self) -> None:
        """Write what waits. Lines of several threads are never mixed: each write is of whole lines."""
        lines = []
        with suppress(IndexError):
            while True:
                lines.append(self._pending.popleft() + b"\n")
        if lines:
            self._file.write(b"".join(lines))
            self._file.flush()


@lru_cache(maxsize=1)  # a reload changes the level, never where lines go
def _lines_to(file: BinaryIO) -> _Lines:
    return _Lines(file)


def write_waiting_lines() -> None:
    """For who ends the process without its ``atexit``."""
    if structlog.is_configured():
        lines = structlog.get_config()["logger_factory"]()
        if isinstance(lines, _Lines):
            lines.flush()


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
