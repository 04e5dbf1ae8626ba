"""T-038: what changes at an access point while an upload comes is what is asked when it has arrived."""

import asyncio
import json
from dataclasses import replace

import pytest
from tests.fakes.road import ACCOUNT, open_road

from onread.wire.message import IteratorBody


def denied_at(record):
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "*",
        "Resource": [record.arn, f"{record.arn}/*"],
    }
    return replace(record, policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


async def point_denies(records):
    await records.update_access_point(ACCOUNT, "point", denied_at)


async def olap_denies(records):
    await records.update_object_lambda_access_point(ACCOUNT, "olap", denied_at)


async def olap_goes(records):
    await records.delete_object_lambda_access_point(ACCOUNT, "olap")


async def point_goes(records):
    await olap_goes(records)
    await records.delete_access_point(ACCOUNT, "point")


async def olap_turns(records):
    def elsewhere(record):
        return replace(record, configuration=record.configuration.replace("/point", "/other"))

    await records.update_object_lambda_access_point(ACCOUNT, "olap", elsewhere)


@pytest.mark.parametrize(
    ("through", "changes", "status"),
    [
        ("point", point_denies, 403),
        ("point", olap_goes, 200),
        ("point", point_goes, 400),
        ("olap", point_denies, 403),
        ("olap", olap_denies, 403),
        ("olap", olap_goes, 400),
        ("olap", olap_turns, 403),
    ],
)
def test_T038_an_upload_is_asked_about_by_the_access_points_there_are_then(
    tmp_path, through, changes, status
):
    async def story():
        async with asyncio.timeout(60), open_road(tmp_path / "data") as road:
            for bucket in ("bucket", "other-bucket"):
                await road.call("PUT", f"/{bucket}")
            await road.access_point("other", "other-bucket")
            point = await road.access_point("point", "bucket")
            olap = await road.olap("olap", point, await road.function("f"))

            async def content():
                yield b"new"
                await changes(road.records)

            alias = {"point": point.alias, "olap": olap.alias}[through]
            body = IteratorBody(content(), 3)
            sent = road.signed("PUT", f"/{alias}/key", payload=body, payload_hash="UNSIGNED-PAYLOAD")
            return (await road.send(sent)).status, list(road.store.buckets["bucket"])

    assert asyncio.run(story()) == (status, ["key"] if status == 200 else [])
