"""Whom a request is from, behind proxies (T-206)."""

import asyncio
from contextlib import asynccontextmanager
from ipaddress import ip_network

import pytest

from onread.server.proxies import behind_proxies
from onread.wire.message import BytesBody, Headers, Request, Response

TRUSTED = [ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")]


def seen(peer, *headers, trusted=TRUSTED):
    """The peer and scheme that a handler sees."""

    @asynccontextmanager
    async def handler(request):
        yield Response(status=200, headers=[("peer", request.peer), ("scheme", request.scheme)])

    async def ask():
        request = Request(
            method="GET", target="/", host="h", headers=Headers(headers), body=BytesBody(b""), peer=peer
        )
        async with behind_proxies(handler, trusted)(request) as response:
            return tuple(value for _, value in response.headers)

    return asyncio.run(ask())


def forwarded(value):
    return ("X-Forwarded-For", value)


@pytest.mark.parametrize(
    ("hops", "caller"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.9, 192.0.2.1", "192.0.2.1"),
        ("192.0.2.1, 10.1.1.1", "192.0.2.1"),
        ("192.0.2.9,192.0.2.1 ,10.1.1.1,10.2.2.2", "192.0.2.1"),
        ("10.1.1.1, 10.2.2.2", "10.1.1.1"),
        ("192.0.2.1:4711", "192.0.2.1"),
        ('"[2001:dba::1]:4711"', "2001:dba::1"),
        ("2001:dba::1", "2001:dba::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("unknown, 10.1.1.1", "10.1.1.1"),
        ("192.0.2.1, unknown", "10.0.0.1"),
        ("", "10.0.0.1"),
        ("192.0.2.1, ", "10.0.0.1"),
        ("1.2.3.4.5", "10.0.0.1"),
    ],
)
def test_T206_the_caller_is_the_right_most_hop_that_is_no_trusted_proxy(hops, caller):
    assert seen("10.0.0.1", forwarded(hops))[0] == caller


def test_T206_the_lines_of_the_header_are_one_list():
    assert seen("10.0.0.1", forwarded("192.0.2.9"), forwarded("192.0.2.1"))[0] == "192.0.2.1"


def test_T206_a_peer_that_is_no_trusted_proxy_is_not_believed():
    told = (forwarded("192.0.2.1"), ("X-Forwarded-Proto", "https"))
    assert seen("192.0.2.50", *told) == ("192.0.2.50", "http")
    assert seen("", *told) == ("", "http")
    assert seen("10.0.0.1", *told, trusted=[]) == ("10.0.0.1", "http")


@pytest.mark.parametrize(
    ("spoken", "scheme"),
    [
        ("https", "https"),
        ("HTTPS", "https"),
        ("http, https", "https"),
        ("https, http", "http"),
        ("wss", "http"),
    ],
)
def test_T206_the_scheme_is_what_the_nearest_proxy_says(spoken, scheme):
    assert seen("10.0.0.1", ("X-Forwarded-Proto", spoken))[1] == scheme


def test_an_address_of_either_family_may_be_trusted():
    assert seen("2001:db8::5", forwarded("192.0.2.1"))[0] == "192.0.2.1"
    assert seen("::ffff:10.0.0.1", forwarded("192.0.2.1"))[0] == "192.0.2.1"
