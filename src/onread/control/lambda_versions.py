"""Lambda API: published versions. Code and configuration of one never change.

Source: AWS Lambda Developer Guide, "Manage Lambda function versions".
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import uuid4

from onread.control.call import ControlCall, Operations
from onread.control.function_names import find_latest
from onread.control.function_settings import function_configuration, read_description
from onread.control.pages import cut_page, items_wanted
from onread.errors import InvalidParameterValueException, PreconditionFailedException
from onread.metadata.facade import Records
from onread.metadata.function_versions import Publish
from onread.metadata.records import LATEST, Function
from onread.wire.output import Output


class LambdaVersionOperations:
    """PublishVersion and ListVersionsByFunction.

    Args:
        prewarm: makes the first call of a version find it warm.
    """

    def __init__(self, records: Records, *, prewarm: Callable[[Function], None]) -> None:
        self._records = records
        self._prewarm = prewarm

    def operations(self) -> Operations:
        """The operations served here, by AWS's name."""
        return {
            "PublishVersion": self.publish_version,
            "ListVersionsByFunction": self.list_versions_by_function,
        }

    async def publish_version(self, call: ControlCall) -> Output:
        """PublishVersion; when nothing has changed, the version published last is the answer."""
        function = find_latest(self._records, call)
        description = read_description(call.params.get("Description"))
        make = publishing(
            description=description,
            code_sha256=call.params.get("CodeSha256"),
            revision_id=call.params.get("RevisionId"),
        )
        made = await self._records.published.publish_version(call.account_id, function.name, make)
        self._prewarm(made)
        return Output(members=function_configuration(made, qualifier=made.version), status=201)

    async def list_versions_by_function(self, call: ControlCall) -> Output:
        """ListVersionsByFunction: ``$LATEST``, then the published ones by number."""
        function = find_latest(self._records, call)
        versions = [function, *self._records.published.versions(call.account_id, function.name)]
        return versions_page(call, versions, "Versions")


def versions_page(call: ControlCall, versions: list[Function], member: str) -> Output:
    """A page of versions, each under its qualified ARN."""
    page = cut_page(
        versions,
        name_of=sortable_name,
        token=call.params.get("Marker"),
        most=items_wanted(call),
        refusal=InvalidParameterValueException,
    )
    listed: Mapping[str, Any] = {
        member: [function_configuration(each, qualifier=each.version) for each in page.items]
    }
    return Output(members={**listed, **({"NextMarker": page.next_token} if page.next_token else {})})


def sortable_name(function: Function) -> str:
    """Function, then ``$LATEST``, then versions by number: as they are listed."""
    number = 0 if function.version == LATEST else int(function.version)
    return f"{function.name} {number:010d}"


def publishing(
    *, description: str | None = None, code_sha256: str | None = None, revision_id: str | None = None
) -> Publish:
    """How a version is made from ``$LATEST``, inside the transaction.

    Args:
        description: the version's own, instead of that of ``$LATEST``.
        code_sha256: base64; what the caller believes the code to be.
        revision_id: the revision of ``$LATEST`` that the caller believes in.
    """
    new_revision_id = str(uuid4())

    def make(latest: Function, number: int) -> Function:
        if revision_id and revision_id != latest.revision_id:
            raise PreconditionFailedException
        present = base64.b64encode(bytes.fromhex(latest.code_sha256)).decode()
        if code_sha256 and code_sha256 != present:
            raise InvalidParameterValueException(
                f"CodeSHA256 ({code_sha256[:64]}) is different from current CodeSHA256 in $LATEST "
                f"({present}). Please try again with the CodeSHA256 in $LATEST."
            )
        return replace(
            latest,
            version=str(number),
            revision_id=new_revision_id,
            description=latest.description if description is None else description,
            last_version=number,
            min_environments=0,
        )

    return make
