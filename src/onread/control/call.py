"""A control operation's input, and the shape of everything that serves one."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from onread.policy.principal import Principal
from onread.wire.output import Output

MayReadObject = Callable[[str, str, str | None], Awaitable[bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlCall:
    """One authorised call of a control operation.

    Attributes:
        params: the operation's input members by AWS's name, from head and document.
        account_id: the account that is managed: the one in the address, else the caller's.
        may_read_object: whether the caller may read one object, by bucket, key and version id, asked with the
            request's own conditions.
        take_scope: takes over what the request holds until its answer has left (its place among those in
            flight), for what goes on after the answer.
        endpoint: scheme and host under which the caller reached us.
    """

    params: Mapping[str, Any]
    principal: Principal
    account_id: str
    region: str
    request_id: str
    may_read_object: MayReadObject
    take_scope: Callable[[], AsyncExitStack] = AsyncExitStack
    endpoint: str = ""


ControlOperation = Callable[[ControlCall], Awaitable[Output]]

Operations = Mapping[str, ControlOperation]
"""Operations of one service by AWS's name: what ``dispatch`` looks up."""
