"""A webhook's HTTP answer that bears a request token: it is a WriteGetObjectResponse by another way.

So it keeps the same rules and meets its caller in the same place. Owns only the translation.
"""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from onread.errors import IncompleteBody
from onread.functions.invoker import Invocation
from onread.functions.webhooks.minio import FORWARDED_STATUS, status_from_minio
from onread.metadata.function_records import MINIO
from onread.metadata.records import Function
from onread.objectlambda.write_get_object_response import WriteCall, WriteGetObjectResponse
from onread.outbound.failures import CutAnswer
from onread.policy.principal import FunctionSession, Principal, PrincipalKind
from onread.protocol.model import Services
from onread.protocol.parse_head import parse_head
from onread.protocol.route import Routed
from onread.wire.message import Body, BytesBody, Headers, Response

# MinIO's clients see these of the answer itself; the rest of an answer's headers is between it and us.
_OWN_HEADERS = ("Content-Type", "Content-Encoding", "Cache-Control", "Content-Disposition")
_FORWARDED = "x-amz-fwd-header-"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookAnswers:
    """Hands answers to the callers who wait for them."""

    services: Services
    write: WriteGetObjectResponse

    async def __call__(self, invocation: Invocation, response: Response) -> None:
        """Serve the caller of this invocation; returns when it has everything.

        Raises:
            ValidationError: route or token are not those of the event, or a member breaks a rule.
            ConnectionClosedByRequester, IncompleteBody, BadDigest: see `WriteGetObjectResponse`.
        """
        function = invocation.function
        operation = self.services.operation("s3", "WriteGetObjectResponse")
        params = parse_head(Routed(operation), query="", headers=_written_headers(function, response))
        async with AsyncExitStack() as scope:
            call = WriteCall(
                params=params,
                body=_written_body(params.get("StatusCode"), response),
                principal=_principal(function),
                route=None,
                account_id=function.account_id,
            )
            await self.write.write_get_object_response(call, scope)


def _written_headers(function: Function, response: Response) -> Headers:
    """The answer's head as a function would have written it."""
    given = Headers(response.headers)
    written = [(name, value) for name, value in response.headers if name.lower().startswith("x-amz-")]
    if FORWARDED_STATUS not in given:
        written.append((FORWARDED_STATUS, str(response.status)))
    elif function.webhook is not None and function.webhook.dialect == MINIO:
        written = [_numbered(name, value) for name, value in written]
    for name in _OWN_HEADERS:
        value = given.get(name.lower())
        if value is not None and _FORWARDED + name.lower() not in given:
            written.append((_FORWARDED + name, value))
    return Headers(written)


def _numbered(name: str, value: str) -> tuple[str, str]:
    return (name, status_from_minio(value)) if name.lower() == FORWARDED_STATUS else (name, value)


def _written_body(status: int | None, response: Response) -> Body:
    """The answer's body; an error has none: a web framework gives one all the same."""
    if (status or 200) >= 400 or isinstance(response.body, bytes):
        return BytesBody(b"")
    return _AnswerBody(response.body)


def _principal(function: Function) -> Principal:
    """Who writes: the function itself, for its own invocations alone."""
    return Principal(
        kind=PrincipalKind.ASSUMED_ROLE,
        account_id=function.account_id,
        arn=function.arn,
        principal_id=function.name,
        function_session=FunctionSession(function_arn=function.arn, environment_id="webhook"),
    )


class _AnswerBody(Body):
    """The bytes of an answer, with the promise of `Body` about those that are cut short."""

    def __init__(self, source: Body) -> None:
        self.length_bytes = source.length_bytes
        self._source = source

    async def __anext__(self) -> bytes:
        try:
            return await self._source.__anext__()
        except CutAnswer as error:
            raise IncompleteBody("The webhook stopped before it had written the whole answer.") from error
