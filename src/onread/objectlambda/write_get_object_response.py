"""WriteGetObjectResponse: a function hands over the answer to the caller that waits for it.

Source: Amazon S3 API Reference, WriteGetObjectResponse.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from onread.errors import (
    AccessDenied,
    ConnectionClosedByRequester,
    IncompleteBody,
    LambdaInvalidResponse,
    ValidationError,
)
from onread.objectlambda.relayed_body import look_into
from onread.objectlambda.rendezvous import ENDED, EXPIRED, Delivery, Meeting, Rendezvous
from onread.objectlambda.response import emptiness_matters, read_response
from onread.objectlambda.route_token import UNKNOWN, OutputTicket, open_ticket
from onread.policy.principal import Principal
from onread.wire.frozen import frozen
from onread.wire.message import Body
from onread.wire.output import Output


@frozen(kw_only=True)
class WriteCall:
    """One write, authenticated and authorised.

    Attributes:
        params: the input's members by AWS's name, the body left out.
        body: unread, decoded and verified while it is read.
        route: the route label of the host; None when the SDK's host prefix was off.
        unreadable: why the other members could not be read; ``params`` then holds route and token alone.
        account_id: the account that the gateway serves.
    """

    params: Mapping[str, Any]
    body: Body
    principal: Principal
    route: str | None
    account_id: str
    unreadable: ValidationError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteGetObjectResponse:
    """The operation.

    Args:
        token_key: 32 bytes derived for `route_token.TOKEN_PURPOSE`.
        forwarded: what `response.forwarded_members` gave.
        clock: the time, aware and in UTC.
    """

    rendezvous: Rendezvous
    token_key: bytes
    forwarded: frozenset[str]
    clock: Callable[[], datetime]

    async def write_get_object_response(self, call: WriteCall, scope: AsyncExitStack) -> Output:
        """Answer the waiting caller; 200 says that it has been sent the complete response.

        Raises:
            ValidationError: the token is unknown, used or expired, or a parameter breaks a rule.
            AccessDenied: a function's own credentials with another function's token.
            ConnectionClosedByRequester: the caller left.
            IncompleteBody, BadDigest: this body is not what it was declared to be; the caller was cut.

        Cancellation: the writer has left; a caller that has not everything is cut.
        """
        ticket = self._open(call)
        meeting = self._find(call.params["RequestToken"], ticket)
        delivery = await self._read(call, meeting)
        meeting.claim(delivery)
        await meeting.served()
        return Output()

    def _open(self, call: WriteCall) -> OutputTicket:
        """What the token is good for, once route, account and function agree with it.

        An account learns nothing of another's tokens: they are as unknown as any noise.
        """
        ticket = open_ticket(call.params["RequestToken"], key=self.token_key)
        routes = {ticket.route, call.params["RequestRoute"], call.route or ticket.route}
        accounts = {ticket.account_id, call.principal.account_id, call.account_id}
        if len(routes) != 1 or len(accounts) != 1:
            raise ValidationError(UNKNOWN)
        session = call.principal.function_session
        if session is not None and session.function_arn != ticket.function_arn:
            raise AccessDenied("The credentials of a function answer only for that function.")
        return ticket

    def _find(self, token: str, ticket: OutputTicket) -> Meeting:
        meeting = self.rendezvous.find(token)
        if meeting is None:
            over = self.clock().timestamp() >= ticket.expires_at
            raise ValidationError(EXPIRED if over else ENDED)
        return meeting

    async def _read(self, call: WriteCall, meeting: Meeting) -> Delivery:
        """The write as a delivery; one that breaks a rule leaves the token open for a better one."""
        call.body.let_sender_pause()  # a function thinks between its writes; the deadline holds all the same
        body, body_is_empty = call.body, False
        try:
            if call.unreadable is not None:
                raise call.unreadable
            if emptiness_matters(call.params):
                async with asyncio.timeout_at(meeting.deadline):
                    body_is_empty, body = await look_into(call.body)
            response = read_response(call.params, forwarded=self.forwarded, body_is_empty=body_is_empty)
        except ValidationError:
            meeting.refuse(LambdaInvalidResponse)
            raise
        except IncompleteBody:
            meeting.refuse(ConnectionClosedByRequester)
            raise
        except TimeoutError as error:
            raise ValidationError(EXPIRED) from error
        return Delivery(response=response, body=body)
