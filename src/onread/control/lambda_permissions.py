"""Lambda API: who may use a function beside those whom their own policies allow.

A resource policy for each function, version and alias, built from statements as AWS writes them; the road
asks it at every invocation.

Source: AWS Lambda Developer Guide, "Viewing resource-based IAM policies in Lambda"; AWS Lambda API
Reference, AddPermission.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

import orjson

from onread.control.call import ControlCall, Operations
from onread.control.function_names import asked_arn, find_function, find_version, read_qualifier
from onread.errors import (
    InvalidParameterValueException,
    MalformedPolicy,
    PolicyLengthExceededException,
    PreconditionFailedException,
    ResourceConflictException,
    ResourceNotFoundException,
)
from onread.metadata.facade import Records
from onread.metadata.function_records import POLICY, Attachment
from onread.metadata.records import LATEST
from onread.policy.document import MAX_POLICY_BYTES, parse_policy
from onread.wire.output import Output

_STATEMENT_ID = re.compile(r"[a-zA-Z0-9_-]{1,100}")
_ACTION = re.compile(r"lambda:[*]|lambda:[a-zA-Z]+|[*]")
_ACCOUNT = re.compile(r"[0-9]{12}")
_SERVICE = re.compile(r"[a-z0-9.-]+\.amazonaws\.com(?:\.cn)?")


class LambdaPermissionOperations:
    """AddPermission, RemovePermission and GetPolicy.

    Args:
        clock: gives the time as aware UTC.
    """

    def __init__(self, records: Records, *, clock: Callable[[], datetime]) -> None:
        self._records = records
        self._clock = clock

    def operations(self) -> Operations:
        """The operations served here, by AWS's name."""
        return {
            "AddPermission": self.add_permission,
            "RemovePermission": self.remove_permission,
            "GetPolicy": self.get_policy,
        }

    async def add_permission(self, call: ControlCall) -> Output:
        """AddPermission: the statement that was added, as JSON text."""
        name, qualifier = self._find(call)
        statement = _build_statement(call.params, asked_arn(find_version(self._records, call), qualifier))

        def added(statements: list[dict[str, Any]]) -> list[dict[str, Any]]:
            if any(each["Sid"] == statement["Sid"] for each in statements):
                raise ResourceConflictException(
                    f"The statement id ({statement['Sid']}) provided already exists. Please provide a new "
                    "statement id, or remove the existing statement."
                )
            return [*statements, statement]

        await self._change(call, name, qualifier, added)
        return Output(members={"Statement": orjson.dumps(statement).decode()}, status=201)

    async def remove_permission(self, call: ControlCall) -> Output:
        """RemovePermission; the policy goes with its last statement."""
        name, qualifier = self._find(call)
        statement_id: str = call.params["StatementId"]

        def removed(statements: list[dict[str, Any]]) -> list[dict[str, Any]]:
            if not statements:
                raise ResourceNotFoundException("No policy is associated with the given resource.")
            kept = [each for each in statements if each["Sid"] != statement_id]
            if len(kept) == len(statements):
                raise ResourceNotFoundException(
                    f"Statement {statement_id[:100]} is not found in resource policy."
                )
            return kept

        await self._change(call, name, qualifier, removed)
        return Output(status=204)

    async def get_policy(self, call: ControlCall) -> Output:
        """GetPolicy."""
        name, qualifier = self._find(call)
        found = self._records.published.attachment(call.account_id, name, POLICY, qualifier or "")
        if found is None:
            raise ResourceNotFoundException("The resource you requested does not exist.")
        return Output(members={"Policy": found.document, "RevisionId": found.revision_id})

    def _find(self, call: ControlCall) -> tuple[str, str | None]:
        """The function's name, and the version or alias that has a policy of its own."""
        qualifier = read_qualifier(call)
        if qualifier == LATEST:
            raise InvalidParameterValueException(
                "We currently do not support adding policies for $LATEST. Leave the version out."
            )
        find_version(self._records, call)
        return find_function(self._records, call).name, qualifier

    async def _change(
        self,
        call: ControlCall,
        name: str,
        qualifier: str | None,
        change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]],
    ) -> None:
        expected, revision_id, now = call.params.get("RevisionId"), str(uuid4()), self._clock()

        def changed(before: Attachment | None) -> Attachment | None:
            if expected and (before is None or expected != before.revision_id):
                raise PreconditionFailedException
            statements = change([] if before is None else orjson.loads(before.document)["Statement"])
            if not statements:
                return None
            return Attachment(
                kind=POLICY,
                qualifier=qualifier or "",
                document=_render(statements),
                revision_id=revision_id,
                modified_at=now,
            )

        await self._records.published.change_attachment(
            call.account_id, name, POLICY, qualifier or "", changed
        )


def policy_of_function(records: Records, account_id: str, name: str, qualifier: str) -> str | None:
    """The resource policy that an invocation of a version or alias is asked about; None: there is none."""
    own = "" if qualifier == LATEST else qualifier
    found = records.published.attachment(account_id, name, POLICY, own)
    return None if found is None else found.document


def _build_statement(params: Mapping[str, Any], resource: str) -> dict[str, Any]:
    """One statement, its members in AWS's order."""
    statement_id, action = params.get("StatementId") or "", params.get("Action") or ""
    if not _STATEMENT_ID.fullmatch(statement_id):
        raise InvalidParameterValueException(
            "StatementId has 1 to 100 letters, digits, hyphens and underscores."
        )
    if not _ACTION.fullmatch(action):
        raise InvalidParameterValueException("Action must be lambda:OPERATION, lambda:* or *.")
    statement: dict[str, Any] = {
        "Sid": statement_id,
        "Effect": "Allow",
        "Principal": _principal(params.get("Principal") or ""),
        "Action": action,
        "Resource": resource,
    }
    if condition := _condition(params):
        statement["Condition"] = condition
    try:
        parse_policy(_render([statement]), resource_policy=True)
    except MalformedPolicy as error:
        raise InvalidParameterValueException(error.text) from error
    return statement


def _principal(principal: str) -> str | dict[str, str]:
    if principal == "*":
        return "*"
    if _ACCOUNT.fullmatch(principal):
        return {"AWS": f"arn:aws:iam::{principal}:root"}
    if principal.startswith("arn:"):
        return {"AWS": principal}
    if _SERVICE.fullmatch(principal):
        return {"Service": principal}
    raise InvalidParameterValueException(
        "The provided principal was invalid. Please check the principal and try again: an account, the ARN "
        "of a user or role, SERVICE.amazonaws.com, or *."
    )


def _condition(params: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    account = params.get("SourceAccount")
    if account and not _ACCOUNT.fullmatch(account):
        raise InvalidParameterValueException("SourceAccount is twelve digits.")
    equal = {
        "AWS:SourceAccount": account,
        "aws:PrincipalOrgID": params.get("PrincipalOrgID"),
        "lambda:EventSourceToken": params.get("EventSourceToken"),
        "lambda:FunctionUrlAuthType": params.get("FunctionUrlAuthType"),
    }
    condition: dict[str, dict[str, Any]] = {}
    if given := {key: value for key, value in equal.items() if value}:
        condition["StringEquals"] = given
    if params.get("SourceArn"):
        condition["ArnLike"] = {"AWS:SourceArn": params["SourceArn"]}
    if params.get("InvokedViaFunctionUrl") is not None:
        condition["Bool"] = {"lambda:InvokedViaFunctionUrl": str(params["InvokedViaFunctionUrl"]).lower()}
    return condition


def _render(statements: list[dict[str, Any]]) -> str:
    text = orjson.dumps({"Version": "2012-10-17", "Id": "default", "Statement": statements}).decode()
    if len(text.encode()) > MAX_POLICY_BYTES:
        raise PolicyLengthExceededException(
            f"The final policy size ({len(text.encode())}) is bigger than the limit ({MAX_POLICY_BYTES})."
        )
    return text
