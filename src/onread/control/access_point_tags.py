"""s3control: tags of access points. Object Lambda access points have none, as on AWS."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from onread.addressing.arn import parse_access_point_arn
from onread.control.call import ControlCall, Operations
from onread.errors import InvalidArgument, InvalidRequest, NoSuchAccessPoint
from onread.metadata.facade import Records
from onread.metadata.records import AccessPoint
from onread.wire.output import Output

MOST_TAGS = 50
_MOST_KEY, _MOST_VALUE = 128, 256
Tags = Mapping[str, str]


class AccessPointTagOperations:
    """TagResource, UntagResource and ListTagsForResource."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def operations(self) -> Operations:
        """The operations served here, by AWS's name."""
        return {
            "TagResource": self.tag_resource,
            "UntagResource": self.untag_resource,
            "ListTagsForResource": self.list_tags_for_resource,
        }

    async def tag_resource(self, call: ControlCall) -> Output:
        """TagResource: adds tags, and replaces those of the same keys."""
        added = read_tags(call.params.get("Tags"))
        await self._change(call, lambda tags: _bounded({**tags, **added}))
        return Output(status=204)

    async def untag_resource(self, call: ControlCall) -> Output:
        """UntagResource; a key that is not there is no error."""
        gone = set(call.params.get("TagKeys") or ())
        await self._change(call, lambda tags: {key: tags[key] for key in tags if key not in gone})
        return Output(status=204)

    async def list_tags_for_resource(self, call: ControlCall) -> Output:
        """ListTagsForResource."""
        tags = self._find(call).tags
        return Output(members={"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]})

    def _find(self, call: ControlCall) -> AccessPoint:
        try:
            arn = parse_access_point_arn(call.params["ResourceArn"])
        except InvalidArgument as error:
            raise InvalidRequest(error.text) from error
        if (arn.service, arn.account_id, arn.region) != ("s3", call.account_id, call.region):
            raise NoSuchAccessPoint
        found = self._records.access_point(call.account_id, arn.name)
        if found is None:
            raise NoSuchAccessPoint
        return found

    async def _change(self, call: ControlCall, change: Callable[[Tags], Tags]) -> None:
        found = self._find(call)
        await self._records.update_access_point(
            call.account_id, found.name, lambda record: replace(record, tags=change(record.tags))
        )


def read_tags(given: Sequence[Mapping[str, str]] | None) -> dict[str, str]:
    """Tags as s3control takes them.

    Raises:
        InvalidRequest: more than fifty, a key twice, or a key or value that AWS refuses.
    """
    tags: dict[str, str] = {}
    for tag in given or ():
        key, value = tag.get("Key") or "", tag.get("Value") or ""
        if not 1 <= len(key) <= _MOST_KEY or len(value) > _MOST_VALUE or key.lower().startswith("aws:"):
            raise InvalidRequest(
                f"The tag {key[:_MOST_KEY]!r} is not valid: a key has 1 to {_MOST_KEY} characters and does "
                f"not begin with aws:, a value has at most {_MOST_VALUE}."
            )
        if key in tags:
            raise InvalidRequest(f"The tag {key!r} is there twice.")
        tags[key] = value
    return _bounded(tags)


def _bounded(tags: dict[str, str]) -> dict[str, str]:
    if len(tags) > MOST_TAGS:
        raise InvalidRequest(f"An access point may have at most {MOST_TAGS} tags.")
    return tags
