"""A request as the operation's members: the head first, the document later.

The head is parsed before anybody knows who asks, for policies look at it; the document only after the
call is authorised, so nobody unknown gets to a parser of XML or JSON.
"""

from typing import Any

from onread.protocol.model import Operation
from onread.protocol.parse_form import parse_form
from onread.protocol.parse_head import parse_head
from onread.protocol.parse_json import parse_json
from onread.protocol.parse_xml import parse_xml

__all__ = ["parse_body", "parse_head"]


def parse_body(operation: Operation, content: bytes) -> dict[str, Any]:
    """The members of a request's document by AWS's name, typed.

    A payload that is one blob or text is its one member. An operation without a document has none,
    whatever was sent.

    Args:
        operation: what is asked for; streaming payloads are not read here.
        content: the whole body, at most ``operation.document_limit_bytes`` long.

    Raises:
        MalformedXML: the XML is refused or not what the model asks for.
        InvalidRequestContentException, InvalidParameterValueException: as much of the Lambda API's JSON.
        ValidationError: as much of a form.
    """
    if operation.input is None or not operation.reads_document:
        return {}
    match operation.protocol:
        case "query":
            return parse_form(operation.input, content)
        case "rest-json":
            return parse_json(operation.input, content)
        case _:
            return parse_xml(operation, operation.input, content)
