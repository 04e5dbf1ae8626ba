import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onread.addressing.alias import access_point_alias, object_lambda_alias, region_code
from onread.addressing.names import is_alias

ARGUMENTS = {"account_id": "111122223333", "region": "us-east-1", "nonce": b"n" * 16}
NAMES = st.from_regex(r"[a-z0-9]([a-z0-9-]{1,43}[a-z0-9])", fullmatch=True)


def test_an_object_lambda_alias_has_the_shape_of_the_published_ones():
    alias = object_lambda_alias("my-object-lambda-access-point", **ARGUMENTS)
    assert re.fullmatch(r"my-object-lambda-acc-[a-z0-9]{24}use1a--ol-s3", alias)


def test_an_access_point_alias_has_the_shape_of_the_published_ones():
    alias = access_point_alias("my-access-point", **ARGUMENTS)
    assert re.fullmatch(r"my-access-point-[a-z0-9]{29}use1a-s3alias", alias)


@given(NAMES, st.text(max_size=30), st.binary(min_size=16, max_size=32))
def test_every_alias_is_a_dns_label_and_known_by_its_suffix(name, region, nonce):
    for make in (object_lambda_alias, access_point_alias):
        alias = make(name, account_id="111122223333", region=region, nonce=nonce)
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", alias)
        assert is_alias(alias)


def test_an_alias_is_determined_by_its_arguments_and_by_each_of_them():
    aliases = {
        make(name, account_id=account, region=region, nonce=nonce)
        for make in (object_lambda_alias, access_point_alias)
        for name in ("one", "two")
        for account in ("111122223333", "222233334444")
        for region in ("us-east-1", "us-west-2")
        for nonce in (b"a" * 16, b"b" * 16)
        for _ in range(2)
    }
    assert len(aliases) == 32


@pytest.mark.parametrize(
    ("region", "code"),
    [
        ("us-east-1", "use1"),
        ("us-west-2", "usw2"),
        ("ap-southeast-2", "apse2"),
        ("eu-central-1", "euc1"),
        ("us-gov-west-1", "usgw1"),
        ("garage", "garage"),
        ("Zürich-Main_7", "zrichm"),
        ("", ""),
    ],
)
def test_a_region_has_a_short_code(region, code):
    assert region_code(region) == code
