"""The documents that onread writes to a store itself."""

from datetime import UTC, datetime

from onread.protocol.model import load_services
from onread.protocol.parse_xml import parse_xml
from onread.stores.upstream.documents import render_delete


def test_a_batch_keeps_every_condition_of_the_keys_that_are_left():
    """Without one, a store would delete what its caller wants kept."""
    operation = load_services().operation("s3", "DeleteObjects")
    moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
    item = {"Key": "a&<b>", "VersionId": "v", "ETag": '"e"', "LastModifiedTime": moment, "Size": 0}
    delete = {"Objects": [item, {"Key": "c"}], "Quiet": True}
    assert parse_xml(operation, operation.input, render_delete(delete)) == {"Delete": delete}
