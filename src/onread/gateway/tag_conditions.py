"""The condition keys that are tags: those an object has, and those that a request would give it.

Source: Service Authorization Reference, Amazon S3, ``s3:ExistingObjectTag/<key>``,
``s3:RequestObjectTag/<key>`` and ``s3:RequestObjectTagKeys``; Amazon S3 User Guide, "Tagging and access
control policies".
"""

from collections.abc import Mapping
from typing import Any

from onread.gateway.known_tags import KnownTags, TaggedObject
from onread.policy.conditions import EXISTING_OBJECT_TAG
from onread.stores.tags import MOST_OBJECT_TAGS, read_tag_set, read_tagging_header

_REQUESTED = "s3:requestobjecttag/"
_REQUESTED_KEYS = "s3:requestobjecttagkeys"


def existing_tag(
    tags: KnownTags, bucket: str, key: str, version_id: str | None, condition_key: str
) -> tuple[str, ...] | None:
    """The values of ``s3:ExistingObjectTag/...`` for one object; None for every other condition key.

    Raises:
        TagsNotKnown: see `KnownTags.of`.
    """
    if not condition_key.startswith(EXISTING_OBJECT_TAG):
        return None
    found = tags.of(TaggedObject(bucket, key, version_id))
    return _by_condition_key(EXISTING_OBJECT_TAG, found).get(condition_key)


def requested_tags(params: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The tags that a request would set, by its header or, once that has been read, its document.

    Raises:
        InvalidArgument, InvalidTag, BadRequest: they cannot be.
    """
    given = params.get("Tagging")
    if not given:
        return {}
    if isinstance(given, str):
        tags = read_tagging_header(given)
    else:
        tags = read_tag_set(given.get("TagSet") or (), MOST_OBJECT_TAGS)
    return {**_by_condition_key(_REQUESTED, tags), _REQUESTED_KEYS: tuple(tags)} if tags else {}


def _by_condition_key(prefix: str, tags: Mapping[str, str]) -> Mapping[str, tuple[str, ...]]:
    """Names of condition keys have no letter case; of tags that differ in it alone, all values count."""
    found: dict[str, tuple[str, ...]] = {}
    for key, value in tags.items():
        name = prefix + key.lower()
        found[name] = (*found.get(name, ()), value)
    return found
