"""Tokens, routes, lying writers and leaving callers, through a real gateway."""

import re
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import urllib3
from tests.compat.callers import fetch, presign, signed, stage, status_and_code, write_request
from tests.compat.conftest import wait_until

pytestmark = [pytest.mark.compat, pytest.mark.slow]


@pytest.fixture(scope="module")
def on_stage(world):
    with stage(world) as made:
        made.configure("obeys", 4)
        yield made


@pytest.fixture
def waiting(on_stage):
    """A run whose caller waits; ``waiting.call`` is the caller."""
    call = on_stage.call("obeys")
    puppet = on_stage.puppets.next()
    puppet.call = call
    yield puppet
    puppet.close()
    call.exception(timeout=20)


def serve_and_return(puppet, body=b"good"):
    assert puppet.writes(Body=body.decode()) == {"status": 200}
    puppet.returns()
    assert puppet.call.result(20).body == body


def test_T100_unknown_tokens_and_routes_are_all_told_the_same(world, waiting):
    told = set()
    tampered = waiting.token[:-8] + waiting.token[-8:].swapcase()
    strangers = [("x", waiting.route), ("A" * 600, waiting.route), (tampered, waiting.route)]
    strangers += [(waiting.token, "io-other"), (waiting.token, waiting.route + "x")]
    for token, route in strangers:
        answer = world.raw(write_request(world, token, route, body=b"evil"))
        assert status_and_code(answer) == (400, "ValidationError")
        told.add(re.search(rb"<Message>(.*)</Message>", answer)[1])
    assert len(told) == 1
    serve_and_return(waiting)


def test_a_write_with_a_bad_signature_or_none_is_refused_and_the_token_survives(world, waiting):
    request = write_request(world, waiting.token, waiting.route, body=b"evil")
    forged = re.sub(rb"Signature=[0-9a-f]{8}", b"Signature=00000000", request)
    assert status_and_code(world.raw(forged)) == (400, "InvalidSignature")
    unsigned = re.sub(rb"Authorization: .*\r\n", b"", request)
    assert status_and_code(world.raw(unsigned))[0] in (403, 405)  # unsigned, it is plain S3's
    serve_and_return(waiting)


def test_T101_a_used_token_is_refused_after_success(world, waiting):
    token, route = waiting.token, waiting.route
    assert waiting.writes(Body="good") == {"status": 200}
    again = waiting.writes(Body="evil")
    assert (again["status"], again["Code"]) == (400, "ValidationError")
    assert "used" in again["Message"]
    waiting.returns()
    assert waiting.call.result(20).body == b"good"
    assert status_and_code(world.raw(write_request(world, token, route, body=b"x"))) == (
        400,
        "ValidationError",
    )


def test_T101_a_used_token_is_refused_while_the_first_streams(on_stage, world):
    caller = on_stage.raw("obeys")
    puppet = on_stage.puppets.next()
    puppet.begins(ContentLength=8)
    puppet.chunk(b"gooood")
    caller.read_until(b"gooood")
    second = world.raw(write_request(world, puppet.token, puppet.route, body=b"evil"))
    assert status_and_code(second) == (400, "ValidationError")
    puppet.chunk(b"!!")
    assert puppet.ends() == {"status": 200}
    puppet.returns()
    caller.read_until(b"!!")
    caller.leave()


def test_T101_of_sixty_four_at_once_exactly_one_is_taken(on_stage, world):
    with ThreadPoolExecutor(64) as writers:
        for _ in range(4):
            call = on_stage.call("obeys")
            puppet = on_stage.puppets.next()
            barrier = threading.Barrier(64)

            def write(number, puppet=puppet, barrier=barrier):
                request = write_request(world, puppet.token, puppet.route, body=b"writer %02d" % number)
                with socket.create_connection(world.address, timeout=20) as connection:
                    connection.sendall(request[:-9])
                    barrier.wait(20)
                    connection.sendall(request[-9:])
                    got = b"".join(iter(lambda: connection.recv(65536), b""))
                return number, int(got.split(b" ")[1])

            told = list(writers.map(write, range(64)))
            winners = [number for number, status in told if status == 200]
            assert len(winners) == 1
            assert {status for _, status in told} == {200, 400}
            assert call.result(20).body == b"writer %02d" % winners[0]
            puppet.returns()


def test_T102_T141_another_functions_keys_cannot_use_the_token(on_stage, world, waiting):
    other_alias = world.olap_over(on_stage.supporting, on_stage.function("obeys", Timeout=19))[1]
    other_call = on_stage.threads.submit(fetch, presign(world, other_alias, "key"))
    other = on_stage.puppets.next()
    theft = world.raw(write_request(world, waiting.token, waiting.route, body=b"evil", keys=other.keys()))
    assert status_and_code(theft) == (403, "AccessDenied")
    serve_and_return(waiting)
    other.writes(Body="theirs")
    other.returns()
    assert other_call.result(20).body == b"theirs"


def test_T104_a_token_reveals_nothing_and_is_never_logged(world, waiting):
    assert re.fullmatch(r"[A-Za-z0-9_=-]{200,}", waiting.token)
    assert world.gateway.access_key_id not in waiting.token
    serve_and_return(waiting)
    assert waiting.token not in world.log()
    assert waiting.environ["AWS_SESSION_TOKEN"] not in world.log()


def test_T105_a_token_ends_with_its_caller_and_the_body_is_not_waited_for(on_stage, world):
    caller = on_stage.raw("obeys")
    puppet = on_stage.puppets.next()
    caller.leave(reset=True)
    head = write_request(world, puppet.token, puppet.route)
    huge = head.replace(b"Content-Length: 0", b"Content-Length: 100000000")
    wait_until(lambda: status_and_code(world.raw(head))[0] == 400)
    with socket.create_connection(world.address, timeout=5) as connection:
        connection.sendall(huge)
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")
    puppet.returns()


def test_T105_a_token_ends_with_an_error_of_its_function(on_stage, world):
    call = on_stage.call("obeys")
    puppet = on_stage.puppets.next()
    puppet.told("raise")
    assert call.result(20).code == "LambdaRuntimeError"
    late = world.raw(write_request(world, puppet.token, puppet.route, body=b"late"))
    assert status_and_code(late) == (400, "ValidationError")


def test_T105_a_token_does_not_outlive_the_gateway_nor_its_deadline(own_world, tmp_path):
    world = own_world(tmp_path / "data", ONREAD_TRANSFORM_TIMEOUT_SECONDS="2")
    with stage(world) as made:
        made.warm_up()
        call = made.call("obeys")
        puppet = made.puppets.next()
        answer = call.result(20)
        assert (answer.status, answer.code) == (500, "LambdaTimeout")
        late = world.raw(write_request(world, puppet.token, puppet.route, body=b"late"))
        assert status_and_code(late) == (400, "ValidationError")
        wait_until(lambda: fetch(puppet.input_url).status == 403)
        world.gateway.stop()
        again = own_world(tmp_path / "data")
        late = again.raw(write_request(again, puppet.token, puppet.route, body=b"late"))
        assert status_and_code(late) == (400, "ValidationError")
        made.functions.clear()  # that gateway is gone


def test_T106_a_late_writer_never_reaches_the_next_caller(on_stage):
    first = on_stage.raw("obeys")
    late = on_stage.puppets.next()
    first.leave(reset=True)
    call = on_stage.call("obeys")
    puppet = on_stage.puppets.next()
    puppet.begins()
    puppet.chunk(b"two")
    told = late.writes(Body="one")
    assert told["status"] == 400
    late.returns()
    puppet.ends()
    puppet.returns()
    assert call.result(20).body == b"two"


def test_T107_a_writer_that_sends_less_than_it_declared_cuts_the_caller(on_stage, world):
    caller = on_stage.raw("obeys")
    puppet = on_stage.puppets.next()
    request = write_request(world, puppet.token, puppet.route, body=b"1234567890")
    with socket.create_connection(world.address, timeout=20) as connection:
        connection.sendall(request[:-5])
        caller.read_until(b"12345")
    assert caller.rest() == b"reset"
    caller.leave()
    puppet.returns()


def test_T107_a_function_that_lies_about_its_length_gives_no_whole_answer(on_stage, world):
    url = presign(world, on_stage.alias("lies_short"), "key")
    with pytest.raises(urllib3.exceptions.HTTPError):
        fetch(url)


def test_T107_a_chunked_writer_that_ends_without_the_last_chunk_cuts_the_caller(on_stage, world):
    url = presign(world, on_stage.alias("exits_midway"), "key")
    with pytest.raises(urllib3.exceptions.HTTPError):
        fetch(url)


def test_T108_a_writer_that_sends_more_than_it_declared_gives_what_it_declared(on_stage, world):
    call = on_stage.call("obeys")
    puppet = on_stage.puppets.next()
    request = write_request(world, puppet.token, puppet.route, body=b"12345")
    told = world.raw(request.replace(b"Connection: close\r\n", b"") + b"67890 /evil HTTP/9\r\n\r\n")
    assert call.result(20).body == b"12345"
    assert re.findall(rb"HTTP/1\.1 (\d{3}) ", told) in ([b"200", b"400"], [b"200", b"505"])
    puppet.returns()


def test_T111_an_end_before_the_write_is_told_at_once(on_stage):
    for end in ({"do": "raise"}, {"do": "exit", "code": 0}, {"do": "exit", "code": 9}):
        call = on_stage.call("obeys")
        puppet = on_stage.puppets.next()
        puppet.told(**end)
        answer = call.result(2)
        assert (answer.status, answer.code) == (500, "LambdaRuntimeError")
        assert b"told to" not in answer.body
        puppet.close()


def test_T112_a_function_that_dies_while_writing_cuts_the_caller(on_stage):
    caller = on_stage.raw("obeys")
    puppet = on_stage.puppets.next()
    puppet.begins()
    puppet.chunk(b"half of it")
    caller.read_until(b"half of it")
    puppet.told("exit", code=1)
    assert caller.rest() == b"reset"
    caller.leave()


@pytest.mark.parametrize("how", ["fin", "rst", "half"])
@pytest.mark.parametrize("when", ["before", "during"])
def test_T114_a_caller_that_leaves_is_told_to_the_writer(on_stage, world, how, when):
    caller = on_stage.raw("obeys")
    puppet = on_stage.puppets.next()
    if when == "during":
        puppet.begins()
        puppet.chunk(b"first")
        caller.read_until(b"first")
    if how == "half":
        caller.connection.shutdown(socket.SHUT_WR)
    else:
        caller.leave(reset=how == "rst")
    if when == "before":
        wait_until(lambda: puppet.event["xAmzRequestId"] in world.log())
        told = puppet.writes(Body="too late")
    else:
        told = send_until_told(puppet)
    assert told["status"] in (0, 400), told
    if told["status"]:
        assert told["Code"] in ("ValidationError", "ConnectionClosedByRequester")
    caller.leave()
    puppet.returns()


def send_until_told(puppet):
    """Chunks until the writer hears that nobody wants them."""
    puppet.told("chunk", data="eHh4eA==")
    return puppet.ends()


@pytest.mark.usefixtures("no_residue")
def test_T114_nothing_stays_behind_callers_that_left(on_stage):
    for reset in (False, True) * 4:
        caller = on_stage.raw("obeys")
        puppet = on_stage.puppets.next()
        caller.leave(reset=reset)
        puppet.returns()


def test_T116_a_writer_may_dribble(on_stage):
    caller = on_stage.raw("obeys")
    puppet = on_stage.puppets.next()
    puppet.begins(ContentLength=20)
    for letter in b"abcdefghijklmnopqrst":
        puppet.chunk(bytes([letter]))
        caller.read_until(bytes([letter]))
    assert puppet.ends() == {"status": 200}
    puppet.returns()
    caller.leave()


def test_T113_T117_the_deadline_cuts_writers_that_stop_and_writers_that_never_do(own_world):
    world = own_world(ONREAD_TRANSFORM_TIMEOUT_SECONDS="3")
    with stage(world) as made:
        made.warm_up()
        caller = made.raw("obeys")
        puppet = made.puppets.next()
        puppet.begins()
        puppet.chunk(b"first")
        caller.read_until(b"first")
        assert caller.rest() == b"reset"
        caller.leave()
        wait_until(lambda: puppet.pid not in [p.pid for p in world.function_processes()])
        with pytest.raises(urllib3.exceptions.HTTPError):
            fetch(presign(world, made.alias("streams"), "key", "mib=1000000"))
        made.warm_up()
        call = made.call("obeys")
        again = made.puppets.next()  # the place is free again
        again.writes(Body="good")
        again.returns()
        assert call.result(20).body == b"good"


def test_T118_one_environment_gets_one_event_at_a_time(on_stage, world):
    function = on_stage.function("obeys", MemorySize=200)
    world.client("onread").configure_function(FunctionName=function, WarmEnvironments=1)
    alias = world.olap_over(on_stage.supporting, function)[1]
    calls = {n: on_stage.threads.submit(fetch, presign(world, alias, "key", f"n={n}")) for n in range(3)}
    for _ in range(3):
        puppet = on_stage.puppets.next()
        number = puppet.event["userRequest"]["url"].rpartition("=")[2]
        assert not on_stage.puppets.waits(seconds=0.05)  # the others wait
        puppet.writes(Body=f"for {number}")
        puppet.returns()
    assert {n: call.result(20).body.decode() for n, call in calls.items()} == {
        n: f"for {n}" for n in range(3)
    }


def test_T066_our_own_headers_from_outside_mean_nothing(on_stage, world):
    url, headers = signed(world, on_stage.alias("echoes"), "key", headers={"x-amz-request-id": "chosen"})
    answer = fetch(url, headers=headers)
    assert answer.headers["x-amz-request-id"] != "chosen"
