"""Lists in pages: the next page begins behind a name, so nothing is skipped or shown twice by changes.

Tokens are opaque to clients; they hold the last name of the page before and nothing else.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from onread.control.call import ControlCall
from onread.errors import InvalidParameterValueException, ServiceError

Item = TypeVar("Item")
_MOST_CHARACTERS = 1024
DEFAULT_ITEMS, MOST_ITEMS = 50, 10_000


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some of a list. ``next_token`` is None on the last page."""

    items: Sequence[Item]
    next_token: str | None


def cut_page(
    items: Sequence[Item],
    *,
    name_of: Callable[[Item], str],
    token: str | None,
    most: int,
    refusal: type[ServiceError],
) -> Page[Item]:
    """The page behind a token, of at most ``most`` items.

    Args:
        items: the whole list, sorted by ``name_of``.
        token: what the page before gave; None: the first page.

    Raises:
        refusal: the token is none of ours.
    """
    after = decode_token(token, refusal) if token else ""
    rest = [item for item in items if name_of(item) > after]
    shown = rest[:most]
    more = len(rest) > most
    return Page(shown, encode_token(name_of(shown[-1])) if more else None)


def check_page_size(
    asked: int | None, *, default: int, largest: int, member: str, refusal: type[ServiceError]
) -> int:
    """How many items a page holds; an absent or zero size means the default.

    Raises:
        refusal: it is negative or larger than ``largest``.
    """
    if not asked:
        return default
    if not 1 <= asked <= largest:
        raise refusal(f"{member} must be between 1 and {largest}.")
    return asked


def items_wanted(call: ControlCall) -> int:
    """How many items a list of the Lambda API shall hold.

    Raises:
        InvalidParameterValueException: ``MaxItems`` is out of range.
    """
    return check_page_size(
        call.params.get("MaxItems"),
        default=DEFAULT_ITEMS,
        largest=MOST_ITEMS,
        member="MaxItems",
        refusal=InvalidParameterValueException,
    )


def encode_token(name: str) -> str:
    """A token for the page that begins behind ``name``."""
    return base64.urlsafe_b64encode(b"1" + name.encode()).decode().rstrip("=")


def decode_token(token: str, refusal: type[ServiceError]) -> str:
    """The name that `encode_token` was given.

    Raises:
        refusal: the token is none of ours.
    """
    padded = token + "=" * (-len(token) % 4)
    try:
        content = base64.b64decode(padded, altchars=b"-_", validate=True)
        if len(token) > _MOST_CHARACTERS or content[:1] != b"1":
            raise refusal("The continuation token is not valid. Begin the list again without one.")
        return content[1:].decode()
    except (binascii.Error, ValueError) as error:
        raise refusal("The continuation token is not valid. Begin the list again without one.") from error
