"""Liveness, readiness and metrics, as one Handler for the admin listener."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from onread.wire.message import Handler, Request, Response

_TEXT = [("Content-Type", "text/plain; charset=utf-8"), ("X-Content-Type-Options", "nosniff")]


def admin_handler(
    exposition: Callable[[], bytes] | Callable[[], Awaitable[bytes]], is_ready: Callable[[], bool]
) -> Handler:
    """Answers ``/health/live``, ``/health/ready`` (503 before and while draining) and ``/metrics``.

    Args:
        exposition: renders the metrics as they are now.
    """

    @asynccontextmanager
    async def handle(request: Request) -> AsyncIterator[Response]:
        if request.method not in ("GET", "HEAD"):
            yield Response(status=405, headers=_TEXT, body=b"only GET\n")
        elif request.path == "/health/live":
            yield Response(status=200, headers=_TEXT, body=b"live\n")
        elif request.path == "/health/ready":
            ready = is_ready()
            yield Response(
                status=200 if ready else 503, headers=_TEXT, body=b"ready\n" if ready else b"not ready\n"
            )
        elif request.path == "/metrics":
            rendered = exposition()
            content = rendered if isinstance(rendered, bytes) else await rendered
            kind = [("Content-Type", "text/plain; version=0.0.4; charset=utf-8")]
            yield Response(status=200, headers=kind, body=content)
        else:
            yield Response(status=404, headers=_TEXT, body=b"try /health/ready or /metrics\n")

    return handle
