"""onread's own settings of Object Lambda access points: what AWS's model has no field for."""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

from onread.control.access_points import access_point_name
from onread.control.call import ControlCall, Operations
from onread.errors import InvalidParameterValueException, NoSuchAccessPoint
from onread.metadata.facade import Records
from onread.metadata.records import ListSizes, ObjectLambdaSettings, RangeHandling
from onread.wire.output import Output

_SWITCH = {"on": True, "off": False}
_CHOICES: tuple[tuple[str, str, type[StrEnum]], ...] = (
    ("Range", "range_handling", RangeHandling),
    ("ListSizes", "list_sizes", ListSizes),
)


class ObjectLambdaSettingsOperations:
    """One operation changes some of them, one tells all."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def operations(self) -> Operations:
        """The operations served here, by their name in our model."""
        return {
            "ConfigureObjectLambdaAccessPoint": self.configure_object_lambda_access_point,
            "GetObjectLambdaAccessPointSettings": self.get_object_lambda_access_point_settings,
        }

    async def configure_object_lambda_access_point(self, call: ControlCall) -> Output:
        """ConfigureObjectLambdaAccessPoint: what is left out keeps its value."""
        name = self._existing_name(call)
        changes = _read_changes(call.params)
        if not changes:
            return self._shown(call, name)
        await self._records.object_lambda_settings.update(
            call.account_id, name, lambda settings: _changed(settings, changes)
        )
        return self._shown(call, name)

    async def get_object_lambda_access_point_settings(self, call: ControlCall) -> Output:
        """GetObjectLambdaAccessPointSettings: the defaults where nothing was ever set."""
        return self._shown(call, self._existing_name(call))

    def _existing_name(self, call: ControlCall) -> str:
        name = access_point_name(call, service="s3-object-lambda")
        if self._records.object_lambda_access_point(call.account_id, name) is None:
            raise NoSuchAccessPoint
        return name

    def _shown(self, call: ControlCall, name: str) -> Output:
        settings = self._records.object_lambda_settings.of(call.account_id, name)
        return Output(members={"Name": name, **_members(settings)})


def _read_changes(params: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `ObjectLambdaSettings` that the call gives a value.

    Raises:
        InvalidParameterValueException: a value that the model does not name.
    """
    changes: dict[str, Any] = {}
    for member, field, values in _CHOICES:
        if (given := params.get(member)) is not None:
            try:
                changes[field] = values(given)
            except ValueError as error:
                raise InvalidParameterValueException(
                    f"{member} must be one of {', '.join(values)}."
                ) from error
    if (given := params.get("Anonymous")) is not None:
        if given not in _SWITCH:
            raise InvalidParameterValueException("Anonymous must be on or off.")
        changes["anonymous"] = _SWITCH[given]
    return changes


def _changed(settings: ObjectLambdaSettings, changes: Mapping[str, Any]) -> ObjectLambdaSettings:
    """The settings with the changes.

    Raises:
        InvalidParameterValueException: they cannot stand together.
    """
    changed = replace(settings, **changes)
    if changed.list_sizes is ListSizes.TRANSFORMED and changed.range_handling is not RangeHandling.SLICE:
        raise InvalidParameterValueException(
            "ListSizes transformed needs Range slice: the sizes are those of kept results. Set both, or "
            "set ListSizes to original."
        )
    return changed


def _members(settings: ObjectLambdaSettings) -> dict[str, Any]:
    return {
        "Range": settings.range_handling.value,
        "Anonymous": "on" if settings.anonymous else "off",
        "ListSizes": settings.list_sizes.value,
    }
