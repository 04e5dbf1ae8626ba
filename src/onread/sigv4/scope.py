"""What a credential names, and when a signature is good.

Owns the credential scope and the rules about time. The clock is an argument.
"""

from datetime import datetime, timedelta
from typing import Literal

from onread.errors import (
    AccessDenied,
    AuthorizationHeaderMalformed,
    AuthorizationQueryParametersError,
    RequestTimeTooSkewed,
    S3Error,
)
from onread.wire.dates import format_basic, format_iso8601

Form = Literal["header", "query"]

TERMINATOR = "aws4_request"
MAX_SKEW = timedelta(minutes=15)
MAX_EXPIRES_SECONDS = 604_800  # seven days

# "S3 family: the path URI-encoded once, not normalised"; every other service encodes it twice.
_S3_FAMILY = frozenset({"s3", "s3-object-lambda"})

_LONGEST_ACCESS_KEY_ID = 128  # IAM's limit for AccessKeyId
_LONGEST_NAME = 64


def signs_as_s3(service: str) -> bool:
    """Whether this service has S3's rules for paths and payload hashes."""
    return service in _S3_FAMILY


def parse_credential(text: str) -> tuple[str, str, str, str]:
    """Access key id, date, region and service of a ``Credential``.

    Raises:
        ValueError: the text says what is wrong.
    """
    parts = text.split("/")
    if len(parts) != 5:
        raise ValueError(
            'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'
        )
    access_key_id, date, region, service, terminator = parts
    if not access_key_id or len(access_key_id) > _LONGEST_ACCESS_KEY_ID:
        raise ValueError("the Access Key Id of the Credential is not valid.")
    if len(date) != 8 or not (date.isascii() and date.isdigit()):
        raise ValueError(
            'incorrect date format. This date in the credential must be in the format "yyyyMMdd".'
        )
    if not (0 < len(region) <= _LONGEST_NAME and 0 < len(service) <= _LONGEST_NAME):
        raise ValueError("the region or the service of the Credential is not valid.")
    if terminator != TERMINATOR:
        raise ValueError('incorrect terminal. This endpoint uses "aws4_request".')
    return access_key_id, date, region, service


def malformed(form: Form, what: str, *, parameter: str = "Credential") -> S3Error:
    """The error for an Authorization header or for presigned parameters that cannot be read."""
    if form == "query":
        return AuthorizationQueryParametersError(f"Error parsing the X-Amz-{parameter} parameter; {what}")
    return AuthorizationHeaderMalformed(f"The authorization header is malformed; {what}")


def check_skew(timestamp: datetime, now: datetime) -> None:
    """Return when a request was signed within 15 minutes of now.

    Raises:
        RequestTimeTooSkewed: it was not.
    """
    if abs(now - timestamp) > MAX_SKEW:
        raise RequestTimeTooSkewed(
            RequestTime=format_basic(timestamp),
            ServerTime=format_iso8601(now),
            MaxAllowedSkewMilliseconds=str(int(MAX_SKEW.total_seconds() * 1000)),
        )


def check_life(timestamp: datetime, expires_seconds: int, now: datetime) -> None:
    """Return when a presigned URL is good: from its date (less the skew) to the end of its life.

    Raises:
        AccessDenied: it has expired or is not valid yet.
    """
    if now < timestamp - MAX_SKEW:
        raise AccessDenied("Request is not valid yet. Check the clock of the machine that signed it.")
    if (now - timestamp).total_seconds() > expires_seconds:
        expired = AccessDenied("Request has expired", ServerTime=format_iso8601(now))
        expired.fields["X-Amz-Expires"] = str(expires_seconds)
        expired.fields["Expires"] = format_iso8601(timestamp + timedelta(seconds=expires_seconds))
        raise expired
