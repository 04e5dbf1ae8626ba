"""The smallest handler that holds a GET until a POST delivers its body, and answers constants.

python -m bench.rendezvous_server        prints its port, serves until its input ends
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from onread.server.listener import serve
from onread.server.loop import run
from onread.wire.message import Request, Response

HEADERS = [("Content-Type", "application/octet-stream"), ("x-amz-request-id", "0123456789ABCDEF")]


class Meeting:
    """Where one GET and one POST meet, whichever comes first."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.delivered: asyncio.Future[Request] = loop.create_future()
        self.sent: asyncio.Future[None] = loop.create_future()


meetings: dict[str, Meeting] = {}


def meet(name: str) -> Meeting:
    meeting = meetings.get(name)
    if meeting is not None:
        del meetings[name]
        return meeting
    meeting = meetings[name] = Meeting()
    return meeting


@asynccontextmanager
async def handler(request: Request) -> AsyncIterator[Response]:
    place, name = request.target[1:].split("/", 1)
    if place == "bytes":
        yield Response(status=200, headers=HEADERS, body=b"x" * int(name))
    elif place == "w":
        meeting = meet(name)
        meeting.delivered.set_result(request)
        await meeting.sent
        yield Response(status=200)
    else:
        meeting = meet(name)
        delivery = await meeting.delivered
        yield Response(status=200, headers=HEADERS, body=delivery.body)
        meeting.sent.set_result(None)


async def main() -> None:
    async with serve(handler) as listener:
        sys.stdout.write(f"{listener.port}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    run(main)
