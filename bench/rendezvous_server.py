"""The smallest handler that holds a GET until a POST delivers its body, and answers constants.

python -m bench.rendezvous_server        prints its port, serves until its input ends
"""

import asyncio
import sys

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


class Answering:
    """The scope of one answer, a plain class as the gateway's."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.sent: asyncio.Future[None] | None = None

    async def __aenter__(self) -> Response:
        place, name = self.request.target[1:].split("/", 1)
        if place == "bytes":
            return Response(status=200, headers=HEADERS, body=b"x" * int(name))
        meeting = meet(name)
        if place == "w":
            meeting.delivered.set_result(self.request)
            await meeting.sent
            return Response(status=200)
        delivery = await meeting.delivered
        self.sent = meeting.sent
        return Response(status=200, headers=HEADERS, body=delivery.body)

    async def __aexit__(self, kind: object, *_: object) -> None:
        if self.sent is not None and kind is None:
            self.sent.set_result(None)


async def main() -> None:
    async with serve(Answering) as listener:
        sys.stdout.write(f"{listener.port}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    run(main)
