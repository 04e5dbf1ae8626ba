"""Runs functions that are HTTP endpoints (an `Invoker`): the event is posted, the answer is the result.

One pool of connections for each version of a function, so one endpoint that hangs hinders no other.
"""

import asyncio
import socket
import ssl
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import structlog

from onread.errors import (
    InvalidParameterValueException,
    MaxMessageLengthExceeded,
    ServiceError,
    TooManyRequestsException,
)
from onread.functions.failures import (
    RESPONSE_LIMIT_BYTES,
    render_error_document,
    response_too_large,
    task_timed_out,
)
from onread.functions.invoker import INVALID_ANSWER, UNREACHABLE, Failed, Invocation, Outcome, Returned
from onread.functions.run import Run
from onread.functions.webhooks.address import Address, WebhookRules, WebhookUrl, parse_webhook_url
from onread.functions.webhooks.clients import Clients
from onread.functions.webhooks.minio import event_for_minio
from onread.metadata.function_records import MINIO, Webhook
from onread.metadata.records import Function
from onread.outbound.client import Client
from onread.outbound.failures import LateAnswer, NotPermitted, OutboundFailure, Unreachable
from onread.outbound.message import Limits, Origin, Outgoing, tls_terms
from onread.outbound.names import Names
from onread.wire.message import Headers, Response

_log = structlog.get_logger("onread.webhook")

REQUEST_TOKEN = "x-amz-request-token"
HEAD_BYTES = 32 << 10
_USER_AGENT = "onread"

Deliver = Callable[[Invocation, Response], Awaitable[None]]
"""Hands an answer that bears a request token to the caller who waits for it, and returns when it is served.

Raises a ServiceError when nobody waits for it, when it breaks a rule, or when the caller has left.
"""


class Observer(Protocol):
    """Whoever counts."""

    def ran(self, function: Function, outcome: Outcome, seconds: float) -> None:
        """A run is over."""


class WebhookInvoker:
    """See the module. Use it as ``async with``: leaving cuts what is under way.

    Args:
        own_ports: where this gateway itself listens; no webhook may lead there. It may grow.
        deliver: see `Deliver`.
        clock: the time, aware and in UTC.
    """

    def __init__(
        self,
        rules: WebhookRules,
        *,
        own_ports: set[int],
        deliver: Deliver,
        observer: Observer,
        clock: Callable[[], datetime],
    ) -> None:
        self._rules = rules
        self.own_ports = own_ports
        self._deliver = deliver
        self._observer = observer
        self._clock = clock
        self._clients = Clients(make=self._make_client, close=self._close_client)
        self._open: Counter[tuple[str, str]] = Counter()
        self._group = asyncio.TaskGroup()
        self._tasks: dict[Run, asyncio.Task[None]] = {}
        self._closed = True

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._closed = False
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        for task in self._tasks.values():
            task.cancel()
        self._clients.close()
        await self._group.__aexit__(kind, error, trace)

    async def check(self, webhook: Webhook) -> None:
        """Refuse what could not be called.

        Raises:
            InvalidParameterValueException: the URL, its address or the certificate is not to be used.
        """
        url = parse_webhook_url(webhook.url, self._rules)
        try:
            _tls(url, webhook)
        except (OSError, ssl.SSLError, ValueError) as error:
            raise InvalidParameterValueException("The certificate and its key are no PEM pair.") from error
        names = Names(url.host, url.port, permit=self._permit(url))
        try:
            await names.addresses()
        except NotPermitted as error:
            raise InvalidParameterValueException(
                "Url leads to an address that webhooks may not have, or to a private one without leave. "
                "Public ones need https; others must lie in the operator's webhook_networks."
            ) from error
        except Unreachable as error:
            raise InvalidParameterValueException("The host in Url has no address.") from error
        finally:
            names.close()

    async def start(self, invocation: Invocation) -> Run:
        """See `onread.functions.invoker.Invoker.start`; here nobody waits for a place: there is one or none.

        Raises:
            TooManyRequestsException: as many runs are open as the function may have.
        """
        function = invocation.function
        if self._closed:
            raise TooManyRequestsException("The gateway is stopping.")
        limit = function.warm_environments
        if function.reserved_concurrency is not None:
            limit = min(limit, function.reserved_concurrency)
        place = (function.account_id, function.name)
        if self._open[place] >= limit:
            raise TooManyRequestsException(f"{function.name} runs {limit} times at once already.")
        run = Run(invocation, "", self._abandon)
        self._open[place] += 1
        self._tasks[run] = self._group.create_task(self._run(run), name=f"webhook {function.name}")
        return run

    def _abandon(self, run: Run) -> None:
        if run in self._tasks:
            self._tasks[run].cancel()

    async def _run(self, run: Run) -> None:
        loop, function = asyncio.get_running_loop(), run.invocation.function
        began = loop.time()
        deadline = min(run.invocation.deadline, began + function.timeout_seconds)
        outcome: Outcome = _failed(UNREACHABLE, "The run was given up.")
        try:
            async with asyncio.timeout_at(deadline):
                outcome = await self._exchange(run.invocation, deadline - began)
        except TimeoutError:
            outcome = task_timed_out(run.invocation.request_id, self._clock(), deadline - began)
        except Exception as bug:  # whatever this is, it is ours, and ends no other run and no gateway
            _log.exception("webhook.bug", request_id=run.invocation.request_id, exc_info=bug)
        finally:
            del self._tasks[run]
            self._open[function.account_id, function.name] -= 1
            run.finish(outcome)
            self._observer.ran(function, outcome, loop.time() - began)

    async def _exchange(self, invocation: Invocation, seconds: float) -> Outcome:
        function, webhook = invocation.function, invocation.function.webhook
        assert webhook is not None  # the registry hands no other function here
        try:
            outgoing = self._prepare(invocation, webhook, seconds)
            async with AsyncExitStack() as scope:
                client = scope.enter_context(self._clients.use(function, webhook))
                return await self._read(invocation, await client.send(outgoing, scope))
        except LateAnswer as error:
            raise TimeoutError from error
        except (OutboundFailure, ServiceError) as error:
            kind = UNREACHABLE if isinstance(error, Unreachable) else INVALID_ANSWER
            return _failed(kind, str(error) or type(error).__name__)

    def _prepare(self, invocation: Invocation, webhook: Webhook, seconds: float) -> Outgoing:
        url = parse_webhook_url(webhook.url, self._rules)
        event = event_for_minio(invocation.event) if webhook.dialect == MINIO else invocation.event
        headers = [("Host", url.authority), ("User-Agent", _USER_AGENT), ("Content-Type", "application/json")]
        if webhook.authorization is not None:
            headers.append(("Authorization", webhook.authorization.reveal()))
        return Outgoing(
            method="POST", target=url.target, headers=headers, body=event, first_byte_seconds=seconds
        )

    def _make_client(self, function: Function, webhook: Webhook) -> Client:
        url = parse_webhook_url(webhook.url, self._rules)
        limits = Limits(
            connections=function.warm_environments,
            stall_seconds=function.timeout_seconds,
            head_bytes=HEAD_BYTES,
        )
        origin = Origin(host=url.host, port=url.port, tls=_tls(url, webhook))
        return Client(origin, limits, permit=self._permit(url))

    def _close_client(self, client: Client) -> None:
        self._group.create_task(client.close(), name="webhook.close")

    def _permit(self, url: WebhookUrl) -> Callable[[Address], bool]:
        def permit(address: Address) -> bool:
            if url.port in self.own_ports and _is_of_this_machine(address):
                return False
            return self._rules.permits(address, scheme=url.scheme)

        return permit

    async def _read(self, invocation: Invocation, response: Response) -> Outcome:
        if 300 <= response.status < 400:
            return _failed(INVALID_ANSWER, f"The webhook answered {response.status}; nothing is followed.")
        if REQUEST_TOKEN in Headers(response.headers):
            await self._deliver(invocation, response)
            return Returned(b"null")
        assert not isinstance(response.body, bytes)
        try:
            payload = await response.body.read(RESPONSE_LIMIT_BYTES)
        except MaxMessageLengthExceeded:
            return response_too_large()
        if response.status != 200:
            return _failed("Webhook.Status", f"The webhook answered {response.status}.")
        if invocation.function.webhook is not None and invocation.function.webhook.dialect == MINIO:
            return _failed(INVALID_ANSWER, "The webhook answered without a request token.")
        return Returned(payload or b"null")


def _failed(kind: str, message: str) -> Failed:
    return Failed(kind, render_error_document(message, kind))


def _tls(url: WebhookUrl, webhook: Webhook) -> ssl.SSLContext | None:
    if url.scheme == "http":
        if webhook.certificate is not None:
            raise ValueError("a certificate needs https")
        return None
    if webhook.certificate is None or webhook.private_key is None:
        return tls_terms()
    # The standard library loads a key from a file alone.
    with tempfile.TemporaryDirectory(prefix="onread-") as folder:
        pair = Path(folder, "pair.pem")
        pair.touch(mode=0o600)
        pair.write_text(f"{webhook.certificate}\n{webhook.private_key.reveal()}\n")
        return tls_terms(certificate=pair)


def _is_of_this_machine(address: Address) -> bool:
    """Whether it is one of our own: only these can be bound."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(address), 0))
        except OSError:
            return False
    return True
