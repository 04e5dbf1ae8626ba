"""The dialect of MinIO's Object Lambda, which RustFS speaks too: their event, their reply by headers.

Pure. Source: github.com/minio/minio, ``docs/lambda/README.md`` and ``cmd/object-lambda-handlers.go``, for the
facts of the wire.
"""

from http import HTTPStatus

import orjson

FORWARDED_STATUS = "x-amz-fwd-status"

# MinIO compares with the phrases of Go, which differ from Python's in these.
_PHRASES = {status.phrase: status.value for status in HTTPStatus} | {
    "Request Entity Too Large": 413,
    "Request URI Too Long": 414,
    "Requested Range Not Satisfiable": 416,
    "I'm a teapot": 418,
}


def event_for_minio(event: bytes) -> bytes:
    """AWS's event as MinIO's functions read it: each header has a list of values."""
    document = orjson.loads(event)
    request = document.get("userRequest") if isinstance(document, dict) else None
    if not isinstance(request, dict) or not isinstance(request.get("headers"), dict):
        return event
    request["headers"] = {name: [value] for name, value in request["headers"].items()}
    return orjson.dumps(document)


def status_from_minio(text: str) -> str:
    """The number of a status that may be given by its phrase (``Not Found``); else the text as it is."""
    return str(_PHRASES.get(text, text))
