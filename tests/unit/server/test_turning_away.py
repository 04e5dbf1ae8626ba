"""What a connection does while its request stands at the door, and when it is turned away there."""

import asyncio
import weakref

import pytest

from onread.server.door import REQUEST_ID, Door, DoorLimits, Place
from onread.server.limits import Limits
from onread.server.listener import serve
from onread.wire.message import Response

from .peer import Echo, connected
from .test_connection import until

GET = b"GET /%b HTTP/1.1\r\nHost: h\r\n\r\n"
AN_ID = REQUEST_ID.replace("0", "1")
PUT = b"PUT /put HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n"


class Refuser:
    answer = Response(status=503, headers=[("x-id", REQUEST_ID)], body=b"<%b>" % REQUEST_ID.encode())

    def suits(self, request):
        return not request.target.startswith("/own-words")

    def __call__(self, peers):
        return [AN_ID for _ in peers]


class Doorkeeper:
    """A door at which each request waits until the test has decided."""

    refuser = Refuser()

    def __init__(self):
        self.crowded = False
        self.places = []
        self.left = []
        self.unread = []

    def knock(self, guest, request):
        place = Place(guest, request.peer, "", 0.0)
        self.places.append(place)
        return place

    def wave_off(self, guest, head, peer):
        place = Place(guest, peer, "", 0.0)
        self.places.append(place)
        self.unread.append(head)
        return place

    def leave(self, place):
        self.left.append(place)

    async def next(self):
        await until(lambda: self.places)
        return self.places.pop(0)

    async def come_in(self):
        (await self.next()).guest.come_in()

    async def turn_away(self):
        self.tell(await self.next())

    def tell(self, place):
        place.guest.turn_away(AN_ID if place.guest.is_simple() else None)


async def put_aside(peer, door):
    """The place of a request that the crowded door has not read."""
    door.crowded = True
    peer.send(GET % b"a")
    return await door.next()


def told(run, story, limits=None):
    async def main():
        door, echo = Doorkeeper(), Echo()
        async with serve(echo, door=door, limits=limits or Limits()) as listener, connected(listener) as peer:
            await asyncio.wait_for(story(peer, door, echo, listener), 30)

    run(main())


def test_R042_a_connection_outlives_that_its_request_is_turned_away(run):
    async def story(peer, door, echo, _):
        for _ in range(3):
            peer.send(GET % b"a")
            await door.turn_away()
            refused = await peer.answer()
            assert (refused.status, refused.headers["x-id"]) == (503, AN_ID)
            assert refused.body == b"<%b>" % AN_ID.encode()
            assert {"date", "server"} <= refused.headers.keys()
            peer.send(GET % b"b")
            await door.come_in()
            assert (await peer.answer()).body == b"GET /b:"
        assert [request.target for request in echo.seen] == ["/b"] * 3

    told(run, story)


def test_R042_what_a_crowded_door_sends_away_was_not_even_read(run):
    async def story(peer, door, echo, listener):
        await until(lambda: listener.connection_count)
        for _ in range(3):
            door.crowded = True
            peer.send(GET % b"a")
            await door.turn_away()
            refused = await peer.answer()
            assert (refused.status, refused.body) == (503, b"<%b>" % AN_ID.encode())
            door.crowded = False
            peer.send(GET % b"b")
            await door.come_in()
            assert (await peer.answer()).body == b"GET /b:"
        assert door.unread == [GET % b"a"] * 3
        assert [request.target for request in echo.seen] == ["/b"] * 3

    told(run, story)


@pytest.mark.parametrize(
    "head",
    [
        PUT + b"abc",
        GET % b"a" + GET % b"b",
        b"GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
        b"GET /a HTTP/1.1\r\nHost: h\r\nOrigin: https://example.com\r\n\r\n",
        b"\r\n" + GET % b"a",
    ],
)
def test_what_is_more_than_a_plain_read_is_read_at_a_crowded_door_too(run, head):
    async def story(peer, door, echo, _):
        door.crowded = True
        peer.send(head)
        await door.come_in()
        assert (await peer.answer()).status == 200
        assert not door.unread

    told(run, story)


@pytest.mark.parametrize("ahead", [b"", GET % b"a"])
def test_T040_a_body_that_comes_in_pieces_at_a_crowded_door_is_never_taken_for_requests(run, ahead):
    async def story(peer, door, echo, listener):
        door.crowded = True
        smuggled = GET % b"smuggled"
        peer.send(ahead + b"PUT /put HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(smuggled))
        if ahead:
            await door.turn_away()
            assert (await peer.answer()).status == 503
        place = await door.next()
        peer.send(smuggled)
        [connection] = listener._connections
        await until(lambda: connection._held or connection._reader.received[0].body.received_bytes)
        door.tell(place)
        assert (await peer.answer()).body == b"PUT /put:" + smuggled
        door.crowded = False
        peer.send(GET % b"b")
        await door.come_in()
        assert (await peer.answer()).body == b"GET /b:"
        assert [request.target for request in echo.seen] == ["/put", "/b"]

    told(run, story)


def test_what_is_no_request_is_refused_as_ever_at_a_crowded_door(run):
    async def story(peer, door, echo, _):
        door.crowded = True
        peer.send(b"nonsense\r\n\r\n")
        assert (await peer.answer()).status == 400
        assert not echo.seen

    told(run, story)


def test_whoever_leaves_unread_is_let_go_at_once(run, no_collector):
    async def story(peer, door, _, listener):
        await put_aside(peer, door)
        [lost] = [weakref.ref(connection) for connection in listener._connections]
        peer.writer.transport.abort()
        await until(lambda: door.left)
        door.left.clear()
        await until(lambda: lost() is None)

    told(run, story)


def test_what_is_sent_ahead_of_an_unread_request_is_read_behind_it(run):
    async def story(peer, door, echo, listener):
        place = await put_aside(peer, door)
        door.crowded = False
        peer.send(GET % b"b")
        connection = next(iter(listener._connections))
        await until(lambda: connection._held)
        door.tell(place)
        assert (await peer.answer()).status == 503
        await door.come_in()
        assert (await peer.answer()).body == b"GET /b:"

    told(run, story)


def test_a_drain_answers_what_was_not_read(run):
    async def story(peer, door, _, listener):
        place = await put_aside(peer, door)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(listener.drain(20))
            await asyncio.sleep(0)
            door.tell(place)
            answer = await peer.answer()
            assert (answer.body, answer.headers["connection"]) == (b"GET /a:", "close")

    told(run, story)


def test_requests_sent_ahead_come_to_the_door_one_after_the_other(run):
    async def story(peer, door, echo, _):
        peer.send(b"".join(GET % name for name in (b"a", b"b", b"c", b"d")))
        peer.send(GET % b"e")
        answers = []
        for decide in (door.turn_away, door.turn_away, door.come_in, door.turn_away, door.come_in):
            await decide()
            answers.append((await peer.answer()).body)
            assert len(door.places) <= 1
        assert answers == [
            b"<%b>" % AN_ID.encode(),
            b"<%b>" % AN_ID.encode(),
            b"GET /c:",
            b"<%b>" % AN_ID.encode(),
            b"GET /e:",
        ]
        assert [request.target for request in echo.seen] == ["/c", "/e"]

    told(run, story)


def test_what_has_a_body_or_another_form_is_told_by_its_handler(run):
    async def story(peer, door, echo, _):
        peer.send(PUT + b"abc")
        await door.turn_away()
        assert (await peer.answer()).body == b"PUT /put:abc"
        peer.send(GET % b"own-words")
        await door.turn_away()
        assert (await peer.answer()).body == b"GET /own-words:"
        peer.send(GET % b"a")
        await door.come_in()
        await peer.answer()
        assert [request.turned_away for request in echo.seen] == [True, True, False]

    told(run, story)


def test_whoever_leaves_while_it_waits_gives_its_place_back(run):
    async def story(peer, door, _, listener):
        peer.send(GET % b"a")
        place = await door.next()
        await peer.close()
        await until(lambda: door.left == [place])
        await until(lambda: not listener.connection_count)

    told(run, story)


def test_waiting_at_the_door_is_not_taken_for_idleness(run):
    """The limits of a connection that says nothing are tiny here, and looked at all the time."""

    async def story(peer, door, _, listener):
        for _ in range(3):
            peer.send(GET % b"a")
            place = await door.next()
            for connection in listener._connections:
                connection.check(1e12)
            place.guest.come_in()
            for connection in listener._connections:
                connection.check(1e12)  # told, and not yet begun
            answer = await peer.answer()
            assert (answer.status, answer.headers.get("connection")) == (200, None)

    told(run, story)


def test_a_drain_lets_those_at_the_door_be_decided(run):
    async def story(peer, door, _, listener):
        peer.send(GET % b"a")
        place = await door.next()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(listener.drain(20))
            await asyncio.sleep(0)
            door.tell(place)  # by its handler, which may say good-bye
            answer = await peer.answer()
            assert (answer.body, answer.headers["connection"]) == (b"GET /a:", "close")

    told(run, story)


def test_R042_a_real_door_serves_a_burst_whole(run):
    async def main():
        echo = Echo()
        door = Door(DoorLimits(), key_of=lambda request: request.peer, refuser=Refuser())
        async with serve(echo, door=door) as listener:

            async def ask():
                async with connected(listener) as peer:
                    peer.send(GET % b"a")
                    return (await peer.answer()).status

            statuses = await asyncio.gather(*(ask() for _ in range(100)))
            assert statuses == [200] * 100
            await until(lambda: door.waiting == 0)

    run(main())
