"""The values that a policy's conditions compare with: texts, numbers, dates, addresses, ARNs.

Owns how each kind is read and compared. A value in a policy that cannot be read is refused when the
policy is; a value in a request that cannot be read fits nothing.

Source: IAM User Guide, "IAM JSON policy elements: Condition operators".
"""

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Protocol

from onread.errors import MalformedPolicy
from onread.policy.patterns import (
    ArnPattern,
    Context,
    Template,
    TextPattern,
    split_arn,
    split_tokens,
    tokenize,
)

Build = Callable[[str, bool], "Wanted"]
"""Reads a value of a policy; the second argument says whether policy variables are replaced."""


class Wanted(Protocol):
    """One value of a condition in a policy."""

    def matches(self, actual: str, context: Context) -> bool | None:
        """Whether a request's value fits; None when a policy variable has no value."""
        ...


@dataclass(frozen=True, slots=True)
class _Text:
    template: Template
    fold: bool

    def matches(self, actual: str, context: Context) -> bool | None:
        values = self.template.values(context)
        if values is None:
            return None
        tokens = self.template.fill(values)
        text = str(tokens[0]) if tokens else ""
        return actual.casefold() == text.casefold() if self.fold else actual == text


@dataclass(frozen=True, slots=True)
class _StaticText:
    text: str

    def matches(self, actual: str, context: Context) -> bool | None:
        return actual == self.text


@dataclass(frozen=True, slots=True)
class _ArnLike:
    pattern: ArnPattern

    def matches(self, actual: str, context: Context) -> bool | None:
        return self.pattern.matches(split_arn(actual), context)


@dataclass(frozen=True, slots=True)
class _Number:
    compare: Callable[[Decimal, Decimal], bool]
    number: Decimal

    def matches(self, actual: str, context: Context) -> bool | None:
        number = parse_number(actual)
        return number is not None and self.compare(number, self.number)


@dataclass(frozen=True, slots=True)
class _Date:
    compare: Callable[[datetime, datetime], bool]
    date: datetime

    def matches(self, actual: str, context: Context) -> bool | None:
        date = parse_date(actual)
        return date is not None and self.compare(date, self.date)


@dataclass(frozen=True, slots=True)
class _Bool:
    text: str

    def matches(self, actual: str, context: Context) -> bool | None:
        return actual.lower() == self.text


@dataclass(frozen=True, slots=True)
class _Binary:
    content: bytes

    def matches(self, actual: str, context: Context) -> bool | None:
        return _decode_binary(actual) == self.content


@dataclass(frozen=True, slots=True)
class _Network:
    version: int
    prefix: int
    mask: int

    def matches(self, actual: str, context: Context) -> bool | None:
        address = parse_address(actual)
        if address is None:
            return False
        version, number = address
        return version == self.version and number & self.mask == self.prefix


_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?")
_DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_EPOCH_SECONDS = re.compile(r"[0-9]{1,11}(?:\.[0-9]{1,6})?")
_NETWORK = re.compile(r"[0-9a-fA-F.:]{2,45}(?:/[0-9]{1,3})?")


@lru_cache(maxsize=1024)
def parse_number(text: str) -> Decimal | None:
    """A decimal number; None for anything else."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


@lru_cache(maxsize=1024)
def parse_date(text: str) -> datetime | None:
    """A point of time in ISO 8601 (UTC unless it says otherwise) or in epoch seconds; else None."""
    try:
        if _EPOCH_SECONDS.fullmatch(text):
            return datetime.fromtimestamp(float(text), UTC)
        if _DATE.fullmatch(text) is None:
            return None
        date = datetime.fromisoformat(text)
    except ValueError:
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)


@lru_cache(maxsize=1024)
def parse_address(text: str) -> tuple[int, int] | None:
    """Version and number of an IP address, an IPv4 one inside IPv6 taken out; None for anything else."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.version, int(address)


def parse_network(text: str) -> IPv4Network | IPv6Network | None:
    """An address or a CIDR block; None for anything else."""
    try:
        return ip_network(text, strict=False) if _NETWORK.fullmatch(text) else None
    except ValueError:
        return None


def _decode_binary(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def read_text(value: str, variables: bool) -> Wanted:
    """Equal, letter case included."""
    template = Template(tokenize(value, variables=variables, wildcards=False))
    if not template.is_static:
        return _Text(template, fold=False)
    return _StaticText("".join(map(str, template.fill(()))))


def read_folded_text(value: str, variables: bool) -> Wanted:
    """Equal, whatever the letter case."""
    return _Text(Template(tokenize(value, variables=variables, wildcards=False)), fold=True)


def read_like(value: str, variables: bool) -> Wanted:
    """A pattern with wildcards."""
    return TextPattern(tokenize(value, variables=variables))


def read_arn_like(value: str, variables: bool) -> Wanted:
    """A pattern over the six parts of an ARN."""
    template = Template(tokens := tokenize(value, variables=variables))
    if template.is_static and split_tokens(template.fill(())) is None:
        raise MalformedPolicy(f"{value[:100]!r} is no ARN.")
    return _ArnLike(ArnPattern(tokens))


def read_number(compare: Callable[[Decimal, Decimal], bool], value: str, variables: bool) -> Wanted:
    """A number on the right of ``compare``."""
    number = parse_number(value)
    if number is None:
        raise MalformedPolicy(f"{value[:100]!r} is no number.")
    return _Number(compare, number)


def read_date(compare: Callable[[datetime, datetime], bool], value: str, variables: bool) -> Wanted:
    """A point of time on the right of ``compare``."""
    date = parse_date(value)
    if date is None:
        raise MalformedPolicy(f"{value[:100]!r} is no date: write it as 2030-01-01T00:00:00Z.")
    return _Date(compare, date)


def parse_boolean(value: str) -> str:
    """``true`` or ``false`` in lower case.

    Raises:
        MalformedPolicy: neither.
    """
    if value.lower() not in ("true", "false"):
        raise MalformedPolicy(f"{value[:100]!r} is neither true nor false.")
    return value.lower()


def read_boolean(value: str, variables: bool) -> Wanted:
    """``true`` or ``false``, in any letter case."""
    return _Bool(parse_boolean(value))


def read_binary(value: str, variables: bool) -> Wanted:
    """Bytes, in base64."""
    content = _decode_binary(value)
    if content is None:
        raise MalformedPolicy(f"{value[:100]!r} is not base64.")
    return _Binary(content)


def read_network(value: str, variables: bool) -> Wanted:
    """An IP address or CIDR block that holds the request's address."""
    network = parse_network(value)
    if network is None:
        raise MalformedPolicy(f"{value[:100]!r} is neither an IP address nor a CIDR block.")
    return _Network(network.version, int(network.network_address), int(network.netmask))
