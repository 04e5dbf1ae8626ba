"""onread's own operations on functions that are webhooks: AWS has no field for an endpoint."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol
from uuid import uuid4

from onread.control.call import ControlCall, Operations
from onread.control.function_names import find_latest, read_reference
from onread.control.function_settings import MOST_TIMEOUT_SECONDS
from onread.errors import InvalidParameterValueException, ResourceNotFoundException
from onread.metadata.facade import Records
from onread.metadata.function_records import AWS, MINIO, Webhook
from onread.metadata.records import Function
from onread.wire.output import Output
from onread.wire.secret import Secret

DEFAULT_TIMEOUT_SECONDS = 60
DEFAULT_AT_ONCE = 64
# A webhook has no code, but every function has a zip: the one without entries.
NO_CODE = b"PK\x05\x06" + bytes(18)
_MOST_PEM_CHARACTERS = 64 << 10
_AUTHORIZATION = re.compile(r"[!-~]+( [!-~]+)?")
_MOST_AUTHORIZATION_CHARACTERS = 4096


class WebhookHost(Protocol):
    """What calls webhooks."""

    async def check(self, webhook: Webhook) -> None:
        """Raises InvalidParameterValueException for one that could not be called."""
        ...


class WebhookOperations:
    """PutFunctionWebhook and GetFunctionWebhook.

    Args:
        clock: gives the time as aware UTC.
        host: judges URLs, addresses and certificates.
    """

    def __init__(self, records: Records, *, clock: Callable[[], datetime], host: WebhookHost) -> None:
        self._records = records
        self._clock = clock
        self._host = host

    def operations(self) -> Operations:
        """The operations served here, by their name in our model."""
        return {
            "PutFunctionWebhook": self.put_function_webhook,
            "GetFunctionWebhook": self.get_function_webhook,
        }

    async def put_function_webhook(self, call: ControlCall) -> Output:
        """PutFunctionWebhook: a new function, or another endpoint for one that is a webhook already."""
        reference = read_reference(call)
        if reference.qualifier is not None:
            raise InvalidParameterValueException(
                "A webhook is put at the function, not at a version or alias."
            )
        webhook = _read_webhook(call.params)
        timeout = _read_timeout(call.params)
        await self._host.check(webhook)
        known = self._records.function(call.account_id, reference.name)
        if known is None:
            made = await self._records.create_function(
                self._new(call, reference.name, webhook, timeout or DEFAULT_TIMEOUT_SECONDS), NO_CODE
            )
        else:
            made = await self._change(known, webhook, timeout)
        return Output(members=_shown(made))

    async def get_function_webhook(self, call: ControlCall) -> Output:
        """GetFunctionWebhook: everything but the secrets."""
        function = find_latest(self._records, call)
        if function.webhook is None:
            raise ResourceNotFoundException(f"{function.name} is no webhook.")
        return Output(members=_shown(function))

    def _new(self, call: ControlCall, name: str, webhook: Webhook, timeout_seconds: int) -> Function:
        return Function(
            account_id=call.account_id,
            region=call.region,
            name=name,
            runtime="provided.al2023",
            handler="webhook",
            role=f"arn:aws:iam::{call.account_id}:role/onread-webhook",
            code_sha256=sha256(NO_CODE).hexdigest(),
            code_size_bytes=len(NO_CODE),
            modified_at=self._clock(),
            revision_id=str(uuid4()),
            timeout_seconds=timeout_seconds,
            warm_environments=DEFAULT_AT_ONCE,
            webhook=webhook,
        )

    async def _change(self, known: Function, webhook: Webhook, timeout_seconds: int | None) -> Function:
        if known.webhook is None:
            raise InvalidParameterValueException(
                f"{known.name} is a package. Delete it first, or choose another name for the webhook."
            )
        changes: dict[str, Any] = {
            "webhook": webhook,
            "modified_at": self._clock(),
            "revision_id": str(uuid4()),
        }
        if timeout_seconds is not None:
            changes["timeout_seconds"] = timeout_seconds
        return await self._records.update_function(
            known.account_id, known.name, lambda record: replace(record, **changes)
        )


def _read_webhook(params: Mapping[str, Any]) -> Webhook:
    dialect = params.get("Dialect") or AWS
    if dialect not in (AWS, MINIO):
        raise InvalidParameterValueException(f"Dialect must be {AWS} or {MINIO}.")
    certificate, key = _read_pem(params, "Certificate"), _read_pem(params, "PrivateKey")
    if (certificate is None) != (key is None):
        raise InvalidParameterValueException("Give Certificate and PrivateKey, or neither.")
    return Webhook(
        url=params.get("Url") or "",
        dialect=dialect,
        authorization=_read_authorization(params.get("AuthToken")),
        certificate=certificate,
        private_key=None if key is None else Secret(key),
    )


def _read_authorization(token: str | None) -> Secret | None:
    """MinIO's rule: one word is a bearer token, two are the whole value of the header."""
    if not token:
        return None
    if len(token) > _MOST_AUTHORIZATION_CHARACTERS or not _AUTHORIZATION.fullmatch(token):
        raise InvalidParameterValueException("AuthToken must be one word, or a scheme and a word, in ASCII.")
    return Secret(token if " " in token else f"Bearer {token}")


def _read_pem(params: Mapping[str, Any], member: str) -> str | None:
    text: str | None = params.get(member)
    if text is not None and len(text) > _MOST_PEM_CHARACTERS:
        raise InvalidParameterValueException(f"{member} may have {_MOST_PEM_CHARACTERS} characters.")
    return text or None


def _read_timeout(params: Mapping[str, Any]) -> int | None:
    timeout: int | None = params.get("Timeout")
    if timeout is not None and not 1 <= timeout <= MOST_TIMEOUT_SECONDS:
        raise InvalidParameterValueException(f"Timeout must be between 1 and {MOST_TIMEOUT_SECONDS}.")
    return timeout


def _shown(function: Function) -> dict[str, Any]:
    webhook = function.webhook
    assert webhook is not None
    return {
        "FunctionName": function.name,
        "FunctionArn": function.arn,
        "Url": webhook.url,
        "Dialect": webhook.dialect,
        "HasAuthToken": webhook.authorization is not None,
        "HasCertificate": webhook.certificate is not None,
        "Timeout": function.timeout_seconds,
    }
