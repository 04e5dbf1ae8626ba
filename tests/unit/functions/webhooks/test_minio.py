import orjson
import pytest

from onread.functions.webhooks.minio import event_for_minio, status_from_minio


def test_each_header_has_a_list_of_values():
    event = {"getObjectContext": {"outputToken": "t"}, "userRequest": {"url": "u", "headers": {"A": "1"}}}
    made = orjson.loads(event_for_minio(orjson.dumps(event)))
    assert made == {**event, "userRequest": {"url": "u", "headers": {"A": ["1"]}}}


@pytest.mark.parametrize(
    "event", [b"[]", b"1", b"{}", b'{"userRequest":1}', b'{"userRequest":{"headers":[]}}']
)
def test_another_event_is_passed_on(event):
    assert event_for_minio(event) == event


@pytest.mark.parametrize(
    ("text", "status"),
    [("OK", "200"), ("Not Found", "404"), ("Forbidden", "403"), ("404", "404"), ("Odd", "Odd")],
)
def test_a_status_may_be_a_phrase(text, status):
    assert status_from_minio(text) == status
