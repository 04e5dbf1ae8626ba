"""Which runs are under way: an ``inputS3Url`` is good while the run it was made for lasts."""

from collections.abc import Iterator
from contextlib import contextmanager

from onread.functions.invoker import Invocation, Invoker, Running
from onread.objectlambda.input_url import InputUrl
from onread.wire.message import Request

# What clients send without being told: no signature takes note of it.
_SENT_BY_CLIENTS = frozenset(
    {
        "accept", "accept-encoding", "accept-language", "connection", "host", "if-match",
        "if-modified-since", "if-none-match", "if-unmodified-since", "range", "traceparent", "user-agent",
    }
)  # fmt: skip


class OpenRuns:
    """The request ids of the runs that this process has begun and that have not ended, and their URLs."""

    def __init__(self) -> None:
        self._request_ids: set[str] = set()
        self._urls: dict[str, InputUrl] = {}

    async def start(self, invoker: Invoker, invocation: Invocation, url: InputUrl | None = None) -> Running:
        """`Invoker.start`, with the run open from before its event leaves until it has finished.

        Cancellation: before it returns, nothing ran and nothing is open.
        """
        self._request_ids.add(invocation.request_id)
        if url is not None:
            self._urls[url.presigned.target] = url
        try:
            running = await invoker.start(invocation)
        except BaseException:
            self._end(invocation.request_id, url)
            raise
        running.finished.add_done_callback(lambda _: self._end(invocation.request_id, url))
        return running

    def _end(self, request_id: str, url: InputUrl | None) -> None:
        self._request_ids.discard(request_id)
        if url is not None:
            self._urls.pop(url.presigned.target, None)

    def url_used_by(self, request: Request) -> InputUrl | None:
        """The URL of an open run that a request is, byte for byte: its signature is known to be true.

        None for whatever differs in a byte or sends a header that a signature would have to cover: whether
        that is a use of it, its signature says. The look-up tells nothing about how much of a target is
        right: it goes by a keyed hash of the whole.
        """
        url = self._urls.get(request.target)
        if url is None:
            return None
        made = url.presigned
        same = request.method == made.method and request.host == made.host
        return url if same and made.claim.signed_headers == ("host",) and _is_plain(request) else None

    @contextmanager
    def open(self, request_id: str) -> Iterator[None]:
        """A question of the gateway's own: open as long as the scope is."""
        self._request_ids.add(request_id)
        try:
            yield
        finally:
            self._request_ids.discard(request_id)

    def __contains__(self, request_id: object) -> bool:
        """Whether the run of this request is under way."""
        return request_id in self._request_ids


def _is_plain(request: Request) -> bool:
    return _SENT_BY_CLIENTS.issuperset(request.headers.names())
