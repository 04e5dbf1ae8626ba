"""When keys were used last: saved without a change for anybody, the newest use of all gateways wins."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from onread.metadata.key_uses import KeyUse

from .conftest import NOW, OpenRecords, a_key, a_user

USE = KeyUse(NOW, "s3", "us-east-1")
LATER = replace(USE, at=NOW + timedelta(seconds=1), service="iam")
KEY = a_key().access_key_id


def test_a_use_is_known_at_once_and_everywhere_once_it_is_saved(open_records: OpenRecords) -> None:
    async def scenario() -> None:
        async with open_records() as records, open_records() as other:
            await records.create_user(a_user())
            await records.create_access_key(a_key())
            epoch = records.epoch
            assert await records.key_uses.last(KEY) is None
            records.key_uses.note(KEY, USE)
            assert await records.key_uses.last(KEY) == USE
            assert await other.key_uses.last(KEY) is None
            await records.key_uses.save()
            assert await other.key_uses.last(KEY) == USE
            assert not await records.refresh_if_changed()
            assert records.epoch == epoch  # nobody reads anything anew
            assert records.key_uses._unsaved == {}

    asyncio.run(scenario())


def test_an_older_use_never_replaces_a_newer_one(open_records: OpenRecords) -> None:
    async def scenario() -> None:
        async with open_records() as records, open_records() as other:
            await records.create_user(a_user())
            await records.create_access_key(a_key())
            other.key_uses.note(KEY, LATER)
            await other.key_uses.save()
            records.key_uses.note(KEY, USE)
            assert await records.key_uses.last(KEY) == LATER
            await records.key_uses.save()
            assert await other.key_uses.last(KEY) == LATER

    asyncio.run(scenario())


def test_uses_of_a_key_that_is_gone_are_forgotten(open_records: OpenRecords) -> None:
    async def scenario() -> None:
        async with open_records() as records:
            records.key_uses.note("AKIAGONE", USE)
            await records.key_uses.save()
            assert await records.key_uses.last("AKIAGONE") is None

    asyncio.run(scenario())
