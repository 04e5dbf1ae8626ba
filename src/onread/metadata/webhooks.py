"""The webhook of a function, sealed: its token and its key are secrets."""

from typing import Any

import orjson

from onread.metadata.function_records import Webhook
from onread.metadata.records import Function
from onread.metadata.sealing import Sealer
from onread.wire.secret import Secret


def seal_webhook(sealer: Sealer, function: Function) -> bytes | None:
    """The webhook of one version of a function; put into another row, it does not open."""
    webhook = function.webhook
    if webhook is None:
        return None
    document = {
        "url": webhook.url,
        "dialect": webhook.dialect,
        "authorization": _plain(webhook.authorization),
        "certificate": webhook.certificate,
        "private_key": _plain(webhook.private_key),
    }
    return sealer.seal(orjson.dumps(document), _context(f"{function.arn}:{function.version}"))


def open_webhook(sealer: Sealer, sealed: bytes | None, qualified_arn: str) -> Webhook | None:
    """The inverse of `seal_webhook`.

    Raises:
        WrongMasterKey: it was sealed under another master key, or for another version.
    """
    if sealed is None:
        return None
    document: dict[str, Any] = orjson.loads(sealer.open(sealed, _context(qualified_arn)))
    return Webhook(
        url=document["url"],
        dialect=document["dialect"],
        authorization=_secret(document["authorization"]),
        certificate=document["certificate"],
        private_key=_secret(document["private_key"]),
    )


def _context(qualified_arn: str) -> str:
    return f"webhook {qualified_arn}"


def _plain(secret: Secret | None) -> str | None:
    return None if secret is None else secret.reveal()


def _secret(text: str | None) -> Secret | None:
    return None if text is None else Secret(text)
