"""Our event stream messages, read by botocore."""

from botocore.eventstream import EventStreamBuffer

from onread.protocol.event_stream import encode_event


def test_botocore_reads_what_is_written():
    buffer = EventStreamBuffer()
    buffer.add_data(encode_event("PayloadChunk", "application/octet-stream", b"\0\xff" * 5000))
    buffer.add_data(encode_event("InvokeComplete", "application/json", b"{}"))
    first, second = list(buffer)
    assert first.headers == {
        ":event-type": "PayloadChunk",
        ":content-type": "application/octet-stream",
        ":message-type": "event",
    }
    assert first.payload == b"\0\xff" * 5000
    assert (second.headers[":event-type"], second.payload) == ("InvokeComplete", b"{}")
