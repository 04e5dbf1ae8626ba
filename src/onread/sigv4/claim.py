"""What a request says about its signature, proved by nobody yet, and the elements it is made of.

Owns what may stand in each element, wherever it was found (`onread.sigv4.read`).
"""

import re
from datetime import datetime
from functools import lru_cache

from onread.errors import InvalidArgument, UnsupportedSignature
from onread.sigv4.scope import TERMINATOR, Form, malformed, parse_credential
from onread.wire.frozen import frozen
from onread.wire.message import Headers

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
STREAMING_PAYLOADS = frozenset(
    {
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    }
)

_SIGNED_HEADERS = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]++(?:;[a-z0-9!#$%&'*+.^_`|~-]++)*+")
_SIGNATURE = re.compile(r"[0-9A-Za-z]{1,128}")
_SHA256_HEX = re.compile(r"[0-9A-Fa-f]{64}")
_MOST_SIGNED_HEADERS = 100


@frozen(kw_only=True)
class ClaimedSignature:
    """What a request says about its signature. Nothing of it is proved.

    Attributes:
        form: ``header`` (Authorization) or ``query`` (presigned URL).
        date: ``yyyymmdd`` of the credential scope.
        timestamp: when the request says it was signed.
        expires_seconds: the life of a presigned URL; None in the header form.
        signed_headers: names in lower case, sorted, each once; ``host`` is among them.
        signature: 64 hex digits.
        payload_hash: as signed: 64 hex digits, ``UNSIGNED-PAYLOAD`` or ``STREAMING-...``. None: the
            hash of the body, which whoever verifies must give.
    """

    form: Form
    access_key_id: str
    date: str
    region: str
    service: str
    timestamp: datetime
    expires_seconds: int | None
    signed_headers: tuple[str, ...]
    signature: str
    session_token: str | None
    payload_hash: str | None

    @property
    def scope(self) -> str:
        """``date/region/service/aws4_request``."""
        return f"{self.date}/{self.region}/{self.service}/{TERMINATOR}"

    def __repr__(self) -> str:
        # Never the signature or the session token: a repr ends in a log one day.
        return f"ClaimedSignature({self.form}, {self.access_key_id}, {self.scope})"


@lru_cache(maxsize=512)  # a client sends the same one all day; a refusal is not kept
def read_credential(form: Form, text: str) -> tuple[str, str, str, str]:
    """Access key id, date, region and service of a ``Credential``.

    Raises:
        AuthorizationHeaderMalformed, AuthorizationQueryParametersError: by the form.
    """
    try:
        return parse_credential(text)
    except ValueError as error:
        raise malformed(form, str(error)) from error


@lru_cache(maxsize=512)  # a client signs the same few sets of names
def read_signed_headers(form: Form, text: str) -> tuple[str, ...]:
    """The names in ``SignedHeaders``.

    Raises:
        AuthorizationHeaderMalformed, AuthorizationQueryParametersError: they are not in canonical
            order and lower case, or are too many. A signer that differs here signs something else.
    """
    names = tuple(text.split(";"))
    well_formed = len(names) <= _MOST_SIGNED_HEADERS and _SIGNED_HEADERS.fullmatch(text) is not None
    if not well_formed or list(names) != sorted(set(names)):
        raise malformed(
            form,
            f"SignedHeaders must name at most {_MOST_SIGNED_HEADERS} headers in lower case, in alphabetical "
            "order, each once, separated by semicolons.",
            parameter="SignedHeaders",
        )
    return names


def read_signature_text(form: Form, text: str) -> str:
    """The signature as text; any letters and digits, for a wrong one is SignatureDoesNotMatch.

    Raises:
        AuthorizationHeaderMalformed, AuthorizationQueryParametersError: by the form.
    """
    if _SIGNATURE.fullmatch(text) is None:
        raise malformed(form, "the Signature is not valid.", parameter="Signature")
    return text


def read_single(headers: Headers, name: str) -> str | None:
    """The value of a header that may stand once, or None.

    Raises:
        InvalidArgument: it stands several times.
    """
    if name not in headers:
        return None
    values = headers.get_all(name)
    if len(values) > 1:
        raise InvalidArgument(f"The header {name} must be given once.", ArgumentName=name)
    return values[0]


def read_payload_hash(value: str) -> str:
    """The value of ``x-amz-content-sha256``, when it is one of those that AWS names.

    Raises:
        UnsupportedSignature: a streaming payload of SigV4A.
        InvalidArgument: none of them.
    """
    if _SHA256_HEX.fullmatch(value) or value == UNSIGNED_PAYLOAD or value in STREAMING_PAYLOADS:
        return value
    if value.startswith("STREAMING-AWS4-ECDSA-"):
        raise unsupported_algorithm()
    raise InvalidArgument(
        "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, "
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-UNSIGNED-PAYLOAD-TRAILER or a valid "
        "sha256 value.",
        ArgumentName="x-amz-content-sha256",
        ArgumentValue=value,
    )


def unsupported_algorithm() -> UnsupportedSignature:
    """The error for a signature of another kind than `ALGORITHM`."""
    return UnsupportedSignature(f"The signature algorithm is not supported. Please use {ALGORITHM}.")
