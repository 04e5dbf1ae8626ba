"""The Query protocol's form: ``Action=CreateUser&UserName=a``."""

from onread.errors import InvalidURI, ValidationError
from onread.protocol.query_string import decode_query_text

_MOST_FIELDS = 1_000


def read_form(content: bytes) -> dict[str, str]:
    """The fields of a form by name.

    Raises:
        ValidationError: it is not percent-encoded UTF-8, a field comes twice, or there are too many.
    """
    fields: dict[str, str] = {}
    pairs = content.decode("latin-1").split("&") if content else []
    if len(pairs) > _MOST_FIELDS:
        raise ValidationError(f"The form may hold at most {_MOST_FIELDS} fields.")
    for pair in pairs:
        encoded_name, _, encoded_value = pair.partition("=")
        try:
            name, value = decode_query_text(encoded_name), decode_query_text(encoded_value)
        except InvalidURI as error:
            raise ValidationError("The form is not percent-encoded UTF-8.") from error
        if name in fields:
            raise ValidationError(f"The field {name[:80]} comes twice.")
        fields[name] = value
    return fields
