"""Lambda API: tags of functions. Versions and aliases have none of their own."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from onread.control.call import ControlCall, Operations
from onread.control.function_names import read_function_arn
from onread.control.function_settings import read_tags
from onread.errors import InvalidParameterValueException, ResourceNotFoundException
from onread.metadata.facade import Records
from onread.metadata.records import Function
from onread.wire.output import Output

TagChange = Callable[[Mapping[str, str]], Mapping[str, str]]


class LambdaTagOperations:
    """TagResource, UntagResource and ListTags."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def operations(self) -> Operations:
        """The operations served here, by AWS's name."""
        return {
            "TagResource": self.tag_resource,
            "UntagResource": self.untag_resource,
            "ListTags": self.list_tags,
        }

    async def tag_resource(self, call: ControlCall) -> Output:
        """TagResource: adds tags, and replaces those of the same keys."""
        function, added = self._find(call), read_tags(call.params.get("Tags"))
        await self._change(function, lambda tags: read_tags({**tags, **added}))
        return Output(status=204)

    async def untag_resource(self, call: ControlCall) -> Output:
        """UntagResource; a key that is not there is no error."""
        function, gone = self._find(call), set(call.params.get("TagKeys") or ())
        await self._change(function, lambda tags: {key: tags[key] for key in tags if key not in gone})
        return Output(status=204)

    async def list_tags(self, call: ControlCall) -> Output:
        """ListTags."""
        return Output(members={"Tags": dict(self._find(call).tags)})

    def _find(self, call: ControlCall) -> Function:
        arn: str = call.params["Resource"]
        if not arn.startswith(f"arn:aws:lambda:{call.region}:{call.account_id}:function:"):
            raise ResourceNotFoundException(f"The resource you requested does not exist: {arn[:256]}")
        reference = read_function_arn(call, arn)
        if reference.qualifier is not None:
            raise InvalidParameterValueException(
                "Tags on function aliases and versions are not supported. Please specify a function ARN."
            )
        function = self._records.function(call.account_id, reference.name)
        if function is None:
            raise ResourceNotFoundException(f"Function not found: {arn}")
        return function

    async def _change(self, function: Function, change: TagChange) -> None:
        await self._records.update_function(
            function.account_id, function.name, lambda record: replace(record, tags=change(record.tags))
        )
