"""Where a webhook may be: one strict reading of its URL, and which addresses may be connected to.

Pure. The table of addresses is our own: what Python calls global has changed between its versions, and
holds NAT64, 6to4 and multicast addresses that lead elsewhere (T-181).

Source: IANA IPv4 and IPv6 Special-Purpose Address Registries.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from onread.errors import InvalidParameterValueException

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

DEFAULT_PORTS = (80, 443, 5000, 8000, 8080, 8443)
MOST_URL_CHARACTERS = 2048

# Only what RFC 3986 allows, in ASCII: no user, no fragment, no backslash, no blank, no control byte.
_URL = re.compile(
    r"(?P<scheme>https?)://"
    r"(?:\[(?P<address>[0-9A-Fa-f:.]{2,45})\]|(?P<name>[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?))"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<target>/[!$&'()*+,./0-9:;=@A-Z_a-z~%-]*)?"
    r"(?P<query>\?[!$&'()*+,./0-9:;=?@A-Z_a-z~%-]*)?"
)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
# The system's resolver takes 0, 127.1, 0x7f.1 and 2130706433 for addresses.
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")

_ELSEWHERE_4 = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip
_GLOBAL_6 = ip_network("2000::/3")
# Inside it: protocol assignments with Teredo, documentation, 6to4.
_ELSEWHERE_6 = tuple(ip_network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookUrl:
    """A URL, taken apart. ``host`` is lower case, IPv6 without brackets; ``target`` is path and query."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """What ``Host`` says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = 443 if self.scheme == "https" else 80
        return host if self.port == usual else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRules:
    """What the operator allows.

    Attributes:
        networks: addresses that are allowed though they are not public, and over plain HTTP.
        ports: the only ports that are connected to.
    """

    networks: tuple[Network, ...] = ()
    ports: tuple[int, ...] = DEFAULT_PORTS

    def permits(self, address: Address, *, scheme: str) -> bool:
        """Whether an address may be connected to: a public one over TLS, or one that is named."""
        address = _unmapped(address)
        if any(address.version == network.version and address in network for network in self.networks):
            return True
        return scheme == "https" and is_public(address)


def is_public(address: Address) -> bool:
    """Whether an address lies in the open Internet and nowhere else."""
    address = _unmapped(address)
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _ELSEWHERE_4)
    return address in _GLOBAL_6 and not any(address in network for network in _ELSEWHERE_6)


def _unmapped(address: Address) -> Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def parse_webhook_url(text: str, rules: WebhookRules) -> WebhookUrl:
    """The one reading of a webhook's URL.

    Raises:
        InvalidParameterValueException: it is not exactly an http or https URL, or its port is not allowed.
    """
    match = _URL.fullmatch(text) if len(text) <= MOST_URL_CHARACTERS else None
    host = _host(match) if match is not None else None
    if match is None or host is None:
        raise InvalidParameterValueException(
            "Url is not valid. Write https://HOST[:PORT][/PATH], in ASCII, without user and fragment."
        )
    port = int(match["port"] or (443 if match["scheme"] == "https" else 80))
    if port not in rules.ports:
        allowed = ", ".join(str(number) for number in rules.ports)
        raise InvalidParameterValueException(
            f"Url names port {port}. Webhooks may listen on {allowed}; the operator's webhook_ports says so."
        )
    target = (match["target"] or "/") + (match["query"] or "")
    return WebhookUrl(scheme=match["scheme"], host=host, port=port, target=target)


def _host(match: re.Match[str]) -> str | None:
    if match["address"] is not None:
        return _literal(match["address"])
    name = match["name"].lower()
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _literal(name)  # four decimal numbers, or nothing
    return name if all(_LABEL.fullmatch(label) for label in labels) else None


def _literal(text: str) -> str | None:
    try:
        return str(ip_address(text))
    except ValueError:
        return None
