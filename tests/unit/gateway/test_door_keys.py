"""Who stands at the door, read and at a glance: the same, or a glance does not tell."""

import pytest
from tests.unit.sigv4.signed_requests import ACCESS_KEY_ID, by_header, by_query, received
from tests.unit.sigv4.test_read import head_of

from onread.gateway.door_keys import DoorKeys

KNOWN = {ACCESS_KEY_ID}


def key_of(peer, claimed):
    return claimed if claimed in KNOWN else peer


def behind_a_proxy(request):
    request.peer = "the caller"


@pytest.mark.parametrize("sign", [by_header, by_query])
@pytest.mark.parametrize("look_behind", [None, behind_a_proxy])
def test_a_known_key_is_told_at_a_glance(sign, look_behind):
    keys, request = DoorKeys(key_of, look_behind), sign()
    assert keys.glance(head_of(request), "the peer") == keys.read(request) == ACCESS_KEY_ID


@pytest.mark.parametrize(
    "request_", [received("GET", "/b/k", [("Host", "h")]), by_query(access_key_id="AKIDINVENTED")]
)
def test_who_has_no_key_counts_as_its_peer(request_):
    keys = DoorKeys(key_of)
    request_.peer = "the peer"
    assert keys.glance(head_of(request_), "the peer") == keys.read(request_) == "the peer"


def test_whoever_a_proxy_speaks_for_is_told_by_reading():
    keys, request = DoorKeys(key_of, behind_a_proxy), received("GET", "/b/k", [("Host", "h")])
    assert keys.glance(head_of(request), "the proxy") is None
    assert keys.read(request) == "the caller"


def test_errors_of_other_services_are_not_told_by_a_glance():
    assert DoorKeys(key_of).glance(head_of(by_header(service="lambda")), "the peer") is None
