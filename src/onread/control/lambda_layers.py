"""Lambda API: layers, zips that several functions share.

Source: AWS Lambda Developer Guide, "Managing Lambda dependencies with layers"; AWS Lambda API Reference.
"""

import base64
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from onread.control.call import ControlCall, Operations
from onread.control.code_downloads import CodeDownloads
from onread.control.function_settings import format_modified, read_description
from onread.control.packages import ReadObject, read_package
from onread.control.pages import cut_page, items_wanted
from onread.control.storage import require_room
from onread.errors import InvalidParameterValueException, ResourceNotFoundException
from onread.functions.package import UNZIPPED_LIMIT_BYTES
from onread.metadata.facade import Records
from onread.metadata.function_records import FunctionLayer, LayerVersion
from onread.wire.output import Output

MOST_LAYERS = 5
_MOST_RUNTIMES, _MOST_LICENSE = 15, 512
_ARN = re.compile(
    r"arn:aws:lambda:([a-z0-9-]+):([0-9]{12}):layer:([a-zA-Z0-9_-]{1,140})(?::([1-9][0-9]{0,8}))?"
)
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,140}")
_NEWEST_FIRST = 10**9


class LambdaLayerOperations:
    """The operations on layers.

    Args:
        clock: gives the time as aware UTC.
        read_object: reads a package from a bucket with the caller's own rights.
    """

    def __init__(self, records: Records, *, clock: Callable[[], datetime], read_object: ReadObject) -> None:
        self._records = records
        self._clock = clock
        self._read_object = read_object
        self._downloads = CodeDownloads(records, clock=clock)

    def operations(self) -> Operations:
        """The operations served here, by AWS's name."""
        return {
            "PublishLayerVersion": self.publish_layer_version,
            "GetLayerVersion": self.get_layer_version,
            "GetLayerVersionByArn": self.get_layer_version_by_arn,
            "GetLayerVersionPolicy": self.get_layer_version_policy,
            "ListLayers": self.list_layers,
            "ListLayerVersions": self.list_layer_versions,
            "DeleteLayerVersion": self.delete_layer_version,
        }

    async def publish_layer_version(self, call: ControlCall) -> Output:
        """PublishLayerVersion."""
        name, params = self._name(call), call.params
        runtimes = tuple(params.get("CompatibleRuntimes") or ())
        license_info = params.get("LicenseInfo") or ""
        if len(runtimes) > _MOST_RUNTIMES:
            raise InvalidParameterValueException(f"CompatibleRuntimes may name {_MOST_RUNTIMES} runtimes.")
        if len(license_info) > _MOST_LICENSE:
            raise InvalidParameterValueException(f"LicenseInfo may have {_MOST_LICENSE} characters.")
        description = read_description(params.get("Description")) or ""
        package = await read_package(call, params.get("Content") or {}, self._read_object)
        require_room(self._records, call.account_id, len(package.content))
        now = self._clock()

        def make(number: int) -> LayerVersion:
            return LayerVersion(
                account_id=call.account_id,
                region=call.region,
                name=name,
                number=number,
                code_sha256=package.sha256,
                code_size_bytes=len(package.content),
                unzipped_bytes=package.unzipped_bytes,
                created_at=now,
                description=description,
                license=license_info,
                runtimes=runtimes,
                architectures=tuple(params.get("CompatibleArchitectures") or ()),
            )

        published = self._records.published
        made = await published.publish_layer_version(call.account_id, name, make, package.content)
        return Output(members=self._whole(call, made), status=201)

    async def get_layer_version(self, call: ControlCall) -> Output:
        """GetLayerVersion."""
        return Output(members=self._whole(call, self._find(call)))

    async def get_layer_version_by_arn(self, call: ControlCall) -> Output:
        """GetLayerVersionByArn."""
        arn: str = call.params["Arn"]
        found = find_layer_version(self._records, arn, account_id=call.account_id, region=call.region)
        if found is None:
            raise _missing()
        return Output(members=self._whole(call, found))

    async def get_layer_version_policy(self, call: ControlCall) -> Output:
        """GetLayerVersionPolicy: layers are their account's own, and have none."""
        self._find(call)
        raise ResourceNotFoundException("No policy is associated with the given resource.")

    async def list_layers(self, call: ControlCall) -> Output:
        """ListLayers, by name, each with its latest version that fits."""
        latest = [fitting[-1] for versions in self._all(call) if (fitting := _fitting(call, versions))]
        page = cut_page(
            latest,
            name_of=lambda version: version.name,
            token=call.params.get("Marker"),
            most=items_wanted(call),
            refusal=InvalidParameterValueException,
        )
        listed = [
            {"LayerName": each.name, "LayerArn": each.layer_arn, "LatestMatchingVersion": _listed(each)}
            for each in page.items
        ]
        more = {"NextMarker": page.next_token} if page.next_token else {}
        return Output(members={"Layers": listed, **more})

    async def list_layer_versions(self, call: ControlCall) -> Output:
        """ListLayerVersions, the latest first; a layer that is not known has none."""
        name = self._name(call)
        versions = [each for every in self._all(call) for each in every if each.name == name]
        page = cut_page(
            list(reversed(_fitting(call, versions))),
            name_of=lambda version: f"{_NEWEST_FIRST - version.number:010d}",
            token=call.params.get("Marker"),
            most=items_wanted(call),
            refusal=InvalidParameterValueException,
        )
        more = {"NextMarker": page.next_token} if page.next_token else {}
        return Output(members={"LayerVersions": [_listed(each) for each in page.items], **more})

    async def delete_layer_version(self, call: ControlCall) -> Output:
        """DeleteLayerVersion; functions that use it go on. Nothing to delete is no error."""
        name, number = self._name(call), call.params["VersionNumber"]
        await self._records.published.delete_layer_version(call.account_id, name, number)
        return Output(status=204)

    def _whole(self, call: ControlCall, version: LayerVersion) -> dict[str, Any]:
        content: dict[str, Any] = {
            "CodeSha256": base64.b64encode(bytes.fromhex(version.code_sha256)).decode(),
            "CodeSize": version.code_size_bytes,
        }
        if (location := self._downloads.layer_url(call, version)) is not None:
            content["Location"] = location
        return {**_listed(version), "LayerArn": version.layer_arn, "Content": content}

    def _all(self, call: ControlCall) -> list[Sequence[LayerVersion]]:
        return self._records.published.layers(call.account_id)

    def _name(self, call: ControlCall) -> str:
        """The name in ``LayerName``, which may be an ARN."""
        text: str = call.params["LayerName"]
        if _NAME.fullmatch(text):
            return text
        found = _ARN.fullmatch(text)
        if found is None:
            raise InvalidParameterValueException(
                "A layer has a name of 1 to 140 letters, digits, hyphens and underscores, or an ARN."
            )
        if found[1] != call.region or found[2] != call.account_id:
            raise _missing()
        return found[3]

    def _find(self, call: ControlCall) -> LayerVersion:
        found = self._records.published.layer_version(
            call.account_id, self._name(call), call.params["VersionNumber"]
        )
        if found is None:
            raise _missing()
        return found


def read_layers(
    records: Records,
    arns: Sequence[str],
    known: Sequence[FunctionLayer],
    *,
    account_id: str,
    region: str,
) -> tuple[FunctionLayer, ...]:
    """The layers that a function shall have, in their order.

    Args:
        known: those that it has: they may stay after their layer version was deleted.

    Raises:
        InvalidParameterValueException: more than five, two versions of one layer, or one that is not there.
    """
    if len(arns) > MOST_LAYERS:
        raise InvalidParameterValueException(f"Cannot reference more than {MOST_LAYERS} layers.")
    having = {layer.arn: layer for layer in known}
    layers: dict[str, FunctionLayer] = {}
    for arn in arns:
        layer = having.get(arn) or _function_layer(records, arn, account_id=account_id, region=region)
        name = arn.rpartition(":")[0]
        if name in layers:
            raise InvalidParameterValueException(
                "Two different versions of the same layer are not allowed to be referenced in the same "
                f"function. {layers[name].arn} and {arn}."
            )
        layers[name] = layer
    return tuple(layers.values())


def check_unzipped(code_bytes: int, layers: Sequence[FunctionLayer]) -> None:
    """Code and layers together fit.

    Raises:
        InvalidParameterValueException: they unpack to more than 250 MiB.
    """
    total = code_bytes + sum(layer.unzipped_bytes for layer in layers)
    if total > UNZIPPED_LIMIT_BYTES:
        raise InvalidParameterValueException(
            "Function code combined with layers exceeds the maximum allowed size of "
            f"{UNZIPPED_LIMIT_BYTES} bytes. The actual size is {total} bytes."
        )


def find_layer_version(records: Records, arn: str, *, account_id: str, region: str) -> LayerVersion | None:
    """The layer version of this ARN, when it is of this account and Region.

    Raises:
        InvalidParameterValueException: it is no ARN of a layer version.
    """
    found = _ARN.fullmatch(arn)
    if found is None or found[4] is None:
        raise InvalidParameterValueException(
            f"{arn[:200]!r} is no layer version: write arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION."
        )
    if found[1] != region or found[2] != account_id:
        return None
    return records.published.layer_version(account_id, found[3], int(found[4]))


def _function_layer(records: Records, arn: str, *, account_id: str, region: str) -> FunctionLayer:
    found = find_layer_version(records, arn, account_id=account_id, region=region)
    if found is None:
        raise InvalidParameterValueException(f"Layer version {arn[:200]} does not exist.")
    return FunctionLayer(
        arn=found.arn,
        code_sha256=found.code_sha256,
        code_size_bytes=found.code_size_bytes,
        unzipped_bytes=found.unzipped_bytes,
    )


def _fitting(call: ControlCall, versions: Sequence[LayerVersion]) -> list[LayerVersion]:
    runtime, architecture = call.params.get("CompatibleRuntime"), call.params.get("CompatibleArchitecture")
    return [
        each
        for each in versions
        if (not runtime or runtime in each.runtimes)
        and (not architecture or architecture in each.architectures)
    ]


def _listed(version: LayerVersion) -> dict[str, Any]:
    members: dict[str, Any] = {
        "LayerVersionArn": version.arn,
        "Version": version.number,
        "Description": version.description,
        "CreatedDate": format_modified(version.created_at),
    }
    if version.runtimes:
        members["CompatibleRuntimes"] = list(version.runtimes)
    if version.architectures:
        members["CompatibleArchitectures"] = list(version.architectures)
    if version.license:
        members["LicenseInfo"] = version.license
    return members


def _missing() -> ResourceNotFoundException:
    return ResourceNotFoundException("The resource you requested does not exist.")
