"""The tags of an object, as its store tells them."""

from contextlib import AsyncExitStack

from onread.errors import IncompleteBody, MalformedXML, MaxMessageLengthExceeded, ServiceUnavailable
from onread.protocol.xml_reader import Element, read_xml
from onread.stores.store import Store, StoreCall
from onread.stores.tags import Tags

_LONGEST_BYTES = 64 << 10


async def read_tags(store: Store, call: StoreCall) -> Tags:
    """The tags of the object that a GetObjectTagging names, in any kind of store.

    Raises:
        S3Error: the store's refusal; ``ServiceUnavailable`` when what it says are no tags.
    """
    async with AsyncExitStack() as scope:
        answer = await store.execute(call, scope)
        members = getattr(answer, "members", {})
        if "TagSet" in members:
            return {tag["Key"]: tag["Value"] for tag in members["TagSet"]}
        body = answer.body
        try:
            document = body if isinstance(body, bytes) else await body.read(_LONGEST_BYTES) if body else b""
            return dict(map(_read, _tags(read_xml(document))))
        except (IncompleteBody, MalformedXML, MaxMessageLengthExceeded) as error:
            raise ServiceUnavailable("A store answers with what are no tags.") from error


def _tags(root: Element) -> list[Element]:
    """Nothing else passes for an object without tags: a store might not know the question."""
    sets = [one for one in root.children if one.name == "TagSet"]
    if root.name != "Tagging" or len(sets) != 1:
        raise MalformedXML
    return list(sets[0].children)


def _read(tag: Element) -> tuple[str, str]:
    fields = {child.name: child.text for child in tag.children}
    if tag.name != "Tag" or not fields.keys() >= {"Key", "Value"}:
        raise MalformedXML
    return fields["Key"], fields["Value"]
