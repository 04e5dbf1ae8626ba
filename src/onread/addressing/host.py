"""A ``Host`` header taken apart: which label stands below which service domain?

Owns normalisation: port, letter case and one trailing dot do not change what a host names. What no
resolver would produce is refused, so that two parts can never read one host in two ways.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address

from onread.errors import InvalidHostHeader

_MAX_HOST_CHARACTERS = 255 + len(":65535")
_LABEL = re.compile(r"[A-Za-z0-9-]{1,63}")
_PORT = re.compile(r"[0-9]{1,5}")
# Longest name first: `s3` alone would read `s3-control` as a region written the old way (`s3-us-west-2`).
_AWS_HOST = re.compile(
    r"(?:(?P<label>.+)\.)?(?P<service>s3-object-lambda|s3-accesspoint|s3-control|s3)(?:-fips)?"
    r"(?:\.dualstack)?(?:[.-][a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?"
)


@dataclass(frozen=True, slots=True)
class HostParts:
    """What a host says.

    Attributes:
        label: what stands below the domain, dots included; None for the plain endpoint.
        service: for AWS's own host names the service they belong to (``s3-control``, ...); ``s3``
            below a configured domain, where one name serves all.
    """

    label: str | None
    service: str = "s3"


@lru_cache(maxsize=1024)
def split_host(host: str, domains: tuple[str, ...]) -> HostParts:
    """Take a host apart. An IP address, a bare domain and a name below no domain are the plain endpoint.

    Args:
        host: as sent, port included; empty when HTTP/1.0 sent none.
        domains: lower case, without port.

    Raises:
        InvalidHostHeader: userinfo, underscore, two ports, a zone id, an empty or over-long label.
    """
    if not host:
        return HostParts(None)
    name = _without_port(host)
    if name is None:
        return HostParts(None)
    for domain in sorted(domains, key=len, reverse=True):
        if name == domain:
            return HostParts(None)
        if name.endswith("." + domain):
            return HostParts(name[: -len(domain) - 1])
    if (aws := _AWS_HOST.fullmatch(name)) is not None:
        return HostParts(aws["label"], aws["service"])
    return HostParts(None)


def _without_port(host: str) -> str | None:
    """The name in lower case without port and trailing dot; None for an IPv6 address."""
    if len(host) > _MAX_HOST_CHARACTERS:
        raise InvalidHostHeader("The host is longer than a name can be.")
    if host.startswith("["):
        _check_ipv6(host)
        return None
    name, colon, port = host.partition(":")
    _check_port(colon, port)
    name = name.removesuffix(".")
    if not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise InvalidHostHeader("A host is made of labels of 1 to 63 letters, digits and hyphens.")
    return name.lower()


def _check_port(colon: str, port: str) -> None:
    if colon and not (_PORT.fullmatch(port) and 0 < int(port) < 65536):
        raise InvalidHostHeader("The port in the host is not a number from 1 to 65535.")


def _check_ipv6(host: str) -> None:
    address, bracket, rest = host[1:].partition("]")
    if not bracket or "%" in address or (rest and not rest.startswith(":")):
        raise InvalidHostHeader("An IPv6 host has the form [ADDRESS] or [ADDRESS]:PORT, without a zone.")
    _check_port(rest[:1], rest[1:])
    try:
        IPv6Address(address)
    except AddressValueError as error:
        raise InvalidHostHeader("The host is not an IPv6 address.") from error
