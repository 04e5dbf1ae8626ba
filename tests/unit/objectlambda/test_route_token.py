import os
import re

import pytest
from tests.fakes.object_lambda import ACCOUNT, FUNCTION, REQUEST_ID, ROUTE, TOKEN_KEY, olap

from onread.errors import ValidationError
from onread.objectlambda.route_token import (
    RANDOM_BYTES,
    UNKNOWN,
    OutputTicket,
    mint,
    open_ticket,
    output_route,
)

TICKET = OutputTicket(
    route=ROUTE,
    request_id=REQUEST_ID,
    account_id=ACCOUNT,
    access_point_arn=olap().arn,
    function_arn=FUNCTION.arn,
    expires_at=1893553505.0,
)


def fresh() -> str:
    return mint(TICKET, key=TOKEN_KEY, randomness=os.urandom(RANDOM_BYTES))


def test_a_token_opens_to_the_ticket_it_was_minted_from():
    assert open_ticket(fresh(), key=TOKEN_KEY) == TICKET


def test_T104_a_token_is_opaque_and_safe_in_a_header_and_a_url():
    token = fresh()
    assert re.fullmatch(r"[A-Za-z0-9_-]+", token)
    for told in (ACCOUNT, "my-olap", "upper", REQUEST_ID, ROUTE):
        assert told not in token


def test_T104_tokens_of_one_ticket_never_repeat_nor_begin_alike():
    tokens = {fresh() for _ in range(10_000)}
    assert len(tokens) == 10_000
    assert len({token[:16] for token in tokens}) == 10_000


@pytest.mark.parametrize(
    "change", [lambda t: t[:-1], lambda t: t + "A", lambda t: "_" + t[1:], lambda t: t[::-1]]
)
def test_T100_a_token_that_was_changed_is_unknown(change):
    token = mint(TICKET, key=TOKEN_KEY, randomness=b"\x01" * RANDOM_BYTES)
    with pytest.raises(ValidationError) as refused:
        open_ticket(change(token), key=TOKEN_KEY)
    assert refused.value.text == UNKNOWN


@pytest.mark.parametrize("token", ["", "x", "é" * 40, "A" * 100_000, "\x00"])
def test_T100_noise_is_unknown_in_the_same_words(token):
    with pytest.raises(ValidationError) as refused:
        open_ticket(token, key=TOKEN_KEY)
    assert refused.value.text == UNKNOWN


def test_T105_a_token_of_another_master_key_is_unknown():
    with pytest.raises(ValidationError, match="not valid"):
        open_ticket(fresh(), key=b"u" * 32)


def test_a_route_is_a_dns_label():
    assert output_route("local") == "io-local"


@pytest.mark.parametrize("node_id", ["", "A", "a.b", "a_b", "a-", "x" * 61])
def test_a_node_id_that_makes_no_dns_label_is_refused(node_id):
    with pytest.raises(ValueError, match="DNS label"):
        output_route(node_id)
