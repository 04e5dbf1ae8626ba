import pytest

from onread.objectlambda.relay import Relay, worker_route
from onread.wire.message import BytesBody, Headers, Request

OWN = worker_route("0a1b2c3d", 0, 0)
OTHER = worker_route("0a1b2c3d", 3, 12)


def write(route, *, method="POST", target="/WriteGetObjectResponse"):
    headers = Headers([] if route is None else [("x-amz-request-route", route)])
    return Request(method=method, target=target, host="localhost", headers=headers, body=BytesBody(b""))


def test_T101_a_write_belongs_to_the_worker_that_its_route_names():
    relay = Relay("0a1b2c3d", OWN)
    assert relay.destination(write(OTHER)) == OTHER == "io-0a1b2c3d-3-12"
    assert relay.destination(write(OWN)) is None


@pytest.mark.parametrize(
    "route", [None, "", "io-ffffffff-3-12", "../io-0a1b2c3d-3-1", OTHER + "/", OTHER + "\n"]
)
def test_a_route_that_no_worker_of_ours_can_have_is_answered_here(route):
    assert Relay("0a1b2c3d", OWN).destination(write(route)) is None


def test_only_a_write_goes_elsewhere():
    relay = Relay("0a1b2c3d", OWN)
    assert relay.destination(write(OTHER, method="GET")) is None
    assert relay.destination(write(OTHER, target="/bucket/key")) is None
