"""A refusal as it would leave: a document that any client can read, with a status that blames the client."""

import json
from xml.etree import ElementTree as ET

from onread.errors import ServiceError
from onread.protocol.error_document import render_error
from onread.server.head import render_head

SERVICES = ("s3", "s3control", "lambda", "onread", "iam", "sts")
_NOT_OURS_TO_DO = 501


def check_refusal(error: ServiceError, *services: str) -> None:
    """Fail when the refusal cannot be written, or is the server's fault."""
    for service in services or SERVICES:
        response = render_error(
            error, service=service, request_id="R", host_id="H", resource="/r", head=False
        )
        assert response.status < 500 or response.status == _NOT_OURS_TO_DO, error
        render_head(response.status, response.headers, "")
        if response.status == 304:
            continue
        assert isinstance(response.body, bytes)
        if service in ("lambda", "onread"):
            json.loads(response.body)
        else:
            ET.fromstring(response.body)
