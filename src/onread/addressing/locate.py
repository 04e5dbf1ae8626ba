"""Host and path become an address: decided here, in this order, once.

1. a host below a domain: an account, an access point, an alias, a route, else a bucket;
2. ``POST /WriteGetObjectResponse``, signed for ``s3-object-lambda``, with the route header;
3. the claimed service: ``lambda``, ``iam``, ``sts``, ``onread``, or ``s3`` under ``/v20180820/``;
4. the first path segment: a bucket, an alias, ``NAME.olap`` or an access point's ARN.

Owns that decision; refuses to know which of the names exist. What is claimed about the service comes
from the credential scope and is verified later with the signature.
"""

import re
from collections.abc import Sequence
from urllib.parse import unquote_to_bytes

from onread.addressing.address import (
    AccessPointAddress,
    AliasAddress,
    BucketAddress,
    ControlAddress,
    DataAddress,
    Located,
    ObjectLambdaAccessPointAddress,
    ServiceAddress,
    WriteAddress,
)
from onread.addressing.arn import parse_access_point_arn
from onread.addressing.host import HostParts, split_host
from onread.addressing.names import CONTROL_PREFIX, is_account_id, is_alias
from onread.errors import InvalidBucketName, InvalidHostHeader, InvalidRequest, InvalidURI
from onread.wire.remembered import remembered

_WRITE_PATH = "/WriteGetObjectResponse"
_CONTROL_PATH = f"/{CONTROL_PREFIX}/"
_SERVICES_BY_SCOPE = frozenset({"lambda", "iam", "sts", "onread"})
_NAME_AND_ACCOUNT = re.compile(r"([^.]+)-([0-9]{12})")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def locate(
    *,
    method: str,
    host: str,
    path: str,
    claimed_service: str | None,
    has_route_header: bool,
    account_header: str | None,
    domains: Sequence[str],
) -> Located:
    """Decide what a request names, from its head alone.

    Args:
        host: as sent, port included; empty when HTTP/1.0 sent none.
        path: as received, percent-encoded, without the query.
        claimed_service: the service of the credential scope; None when nothing is signed.
        has_route_header: whether ``x-amz-request-route`` was sent.
        account_header: the value of ``x-amz-account-id``, None when it was not sent.
        domains: names below which hosts are read, lower case, without port.

    Raises:
        InvalidHostHeader: the host names nothing, or more than one thing.
        InvalidURI, InvalidBucketName, InvalidArgument: the first path segment cannot be a name.
        InvalidRequest: two accounts are named, or the ARN in the path is not an access point's.
    """
    if not path.startswith("/"):
        raise InvalidURI("The path of a request begins with a slash.")
    parts = split_host(host, tuple(domains))
    writes = (
        method == "POST"
        and path == _WRITE_PATH
        and claimed_service == "s3-object-lambda"
        and has_route_header
    )
    if parts.service == "s3-control":
        return Located(_control(parts.label, account_header), path)
    if parts.label is not None:
        return _below_domain(parts, path, claimed_service, account_header, writes=writes)
    if writes:
        return Located(WriteAddress(None), path)
    if claimed_service in _SERVICES_BY_SCOPE:
        return Located(ServiceAddress(claimed_service), path)
    if claimed_service == "s3" and path.startswith(_CONTROL_PATH):
        return Located(_control(None, account_header), path)
    if path == "/":
        return Located(ServiceAddress("s3"), path)
    return _first_segment(path)


def _control(label: str | None, header: str | None) -> ControlAddress:
    """s3control, by the host's account or the header's; both must say the same."""
    if label is not None and not is_account_id(label):
        raise InvalidHostHeader("s3control is reached at ACCOUNT.s3-control.REGION.amazonaws.com.")
    if header is not None and not is_account_id(header):
        raise InvalidRequest("The header x-amz-account-id holds twelve digits.")
    if label is not None and header is not None and label != header:
        raise InvalidRequest("The account in the host and in x-amz-account-id must be the same.")
    return ControlAddress(label or header)


def _below_domain(
    parts: HostParts, path: str, claimed_service: str | None, account_header: str | None, *, writes: bool
) -> Located:
    label = parts.label or ""
    if parts.service == "s3" and is_account_id(label):
        return Located(_control(label, account_header), path)
    if (named := _NAME_AND_ACCOUNT.fullmatch(label)) is not None:
        kind = claimed_service if parts.service == "s3" else parts.service
        return Located(_access_point(kind, named[1], named[2]), path)
    if parts.service == "s3" and is_alias(label):
        return Located(AliasAddress(label), path)
    if writes:
        return Located(WriteAddress(_route(label)), path)
    if parts.service != "s3":
        raise InvalidHostHeader(
            f"An access point is reached at NAME-ACCOUNT.{parts.service}.REGION.amazonaws.com."
        )
    return Located(BucketAddress(label), path)


def _access_point(
    service: str | None, name: str, account_id: str
) -> AccessPointAddress | ObjectLambdaAccessPointAddress:
    # Both kinds have the same host below one domain; only the credential scope tells them apart.
    if service == "s3-object-lambda":
        return ObjectLambdaAccessPointAddress(name, account_id)
    return AccessPointAddress(name, account_id)


def _route(label: str) -> str:
    if "." in label:
        raise InvalidHostHeader("A route is a single label of the host.")
    return label


def _first_segment(path: str) -> Located:
    segment, _, rest = path[1:].partition("/")
    address = _named(segment)
    if address is None:  # a client that left the slash of the ARN as it is
        behind, _, rest = rest.partition("/")
        address = _by_arn(f"{_decode_once(segment)}/{_decode_once(behind)}")
    return Located(address, f"/{rest}")


@remembered(1024)  # the same few buckets and access points again and again; a refusal is not kept
def _named(segment: str) -> DataAddress | None:
    """What the first segment names; None: an ARN of which the second one is a part."""
    name = _decode_once(segment)
    if name.startswith("arn:"):
        return None if name.endswith(":accesspoint") else _by_arn(name)
    if not name:
        raise InvalidBucketName("The path names no bucket: it begins with two slashes.")
    if "/" in name:
        raise InvalidURI("A bucket's name holds no slash, encoded or not.")
    return AliasAddress(name) if is_alias(name) else BucketAddress(name)


def _by_arn(text: str) -> DataAddress:
    arn = parse_access_point_arn(text)
    return _access_point(arn.service, arn.name, arn.account_id)


def _decode_once(segment: str) -> str:
    if _BAD_ESCAPE.search(segment):
        raise InvalidURI("A percent sign in the path is followed by two hexadecimal digits.")
    try:
        return unquote_to_bytes(segment.encode("latin-1")).decode()
    except UnicodeError as error:
        raise InvalidURI("The path is not UTF-8.") from error
