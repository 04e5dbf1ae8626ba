"""May they read and write: objects and buckets, directly or through a standard access point."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from onread.addressing.names import is_alias
from onread.errors import AccessDenied
from onread.gateway.asker import Asker
from onread.gateway.attached_policies import AttachedPolicies, Place, bucket_and_key
from onread.gateway.call import ResolvedCall
from onread.gateway.conditions import Conditions
from onread.gateway.known_tags import TaggedObject
from onread.gateway.spellings import plain_spelling, spellings, without_end
from onread.gateway.tag_conditions import existing_tag, requested_tags
from onread.metadata.records import AccessPoint
from onread.objectlambda.input_url import check_input_grant
from onread.policy.actions import further_actions, object_arn, required_action, source_reads
from onread.policy.patterns import FindLate
from onread.policy.principal import PrincipalKind
from onread.protocol.query_string import read_query

# What their document names decides: asked when it has been read.
_ASKED_LATER = frozenset({"DeleteObjects", "PutObjectTagging"})
# SeaweedFS does none of these to ``a`` when it is asked for ``a/``: folders' markers are read and written so.
_OF_MARKERS = frozenset(
    {
        "AbortMultipartUpload",
        "CompleteMultipartUpload",
        "CopyObject",
        "CreateMultipartUpload",
        "DeleteObject",
        "GetObject",
        "HeadObject",
        "ListParts",
        "PutObject",
        "UploadPart",
        "UploadPartCopy",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRules:
    """What operations on objects and buckets need.

    Args:
        forwards: whether a bucket is another store's, which may read a key less exactly than policies do.
        find_source: the access point that a copy reads through, by its ARN or alias.
    """

    attached: AttachedPolicies
    forwards: Callable[[str], bool]
    find_source: Callable[[str], AccessPoint | None]

    def check(self, call: ResolvedCall, asker: Asker, place: Place) -> None:
        """Ask for every action that the operation needs on the key, or on the place itself.

        Raises:
            AccessDenied: one of them is not allowed.
        """
        operation, params = call.known.routed.operation, call.known.routed.params
        if operation.name in _ASKED_LATER:
            if asker.principal.kind is PrincipalKind.ANONYMOUS:
                raise AccessDenied
        else:
            self._require_all(asker, place, operation.name, params)
        for action, source, version_id in source_reads(operation.name, params):
            if not self._may_at_source(asker, action, source, version_id):
                raise AccessDenied

    def require_tags(self, operation: str, asker: Asker, place: Place, params: Mapping[str, Any]) -> None:
        """PutObjectTagging, when its document has been read: policies may look at the tags in it.

        Raises:
            AccessDenied: it is not allowed.
        """
        self._require_all(asker, place, operation, params)

    def may_delete(
        self, asker: Asker, place: Place, item: Mapping[str, Any], params: Mapping[str, Any]
    ) -> bool:
        """Whether the caller may delete one key of a batch: as DeleteObject would, with the batch's head."""
        asked = of_batch(item, params)
        actions = (required_action("s3", "DeleteObject", asked), *further_actions("DeleteObject", asked))
        key, version_id, extra = item["Key"], asked["VersionId"], conditions_of(asked)
        return all(self._may(asker, place, each, key, version_id, extra) for each in actions)

    def may_list(self, asker: Asker, place: Place) -> bool:
        """Whether the caller may list, which decides between 404 and 403 for a missing key."""
        return self._may(asker, place, "s3:ListBucket", None)

    def may_read_tags(self, asker: Asker, place: Place, params: Mapping[str, Any]) -> bool:
        """Whether the caller may know how many tags an object has."""
        version_id = params.get("VersionId")
        action = required_action("s3", "GetObjectTagging", params)
        return self._may(asker, place, action, params["Key"], version_id, bare=True)

    def may_read_input(self, asker: Asker, place: Place, params: Mapping[str, Any]) -> bool:
        """Whether the caller may read the original through the supporting access point."""
        action = required_action("s3", "GetObject", params)
        return self._may(asker, place, action, params["Key"], params.get("VersionId"))

    def may_read_object(self, asker: Asker, bucket: str, key: str, version_id: str | None) -> bool:
        """Whether the caller may read one more object, wherever the request itself leads to."""
        action = required_action("s3", "GetObject", {"VersionId": version_id})
        return self._may_at_source(asker, action, object_arn(bucket, key), version_id)

    def may_copy_tags(self, operation: str, asker: Asker, place: Place, params: Mapping[str, Any]) -> bool:
        """Whether the caller may read the tags of a copy's source and set those of its target.

        Source: Amazon S3 API Reference, CopyObject, "Permissions".
        """
        reads = all(
            self._may_at_source(asker, f"{action}Tagging", source, version_id)
            for action, source, version_id in source_reads(operation, params)
        )
        return reads and self._may(asker, place, "s3:PutObjectTagging", params["Key"])

    def may_at_object_lambda(
        self,
        asker: Asker,
        place: Place,
        action: str,
        original: TaggedObject | None,
        extra: Conditions,
        *,
        granted: bool = False,
        bare: bool = False,
    ) -> bool:
        """Whether an Object Lambda access point lets the caller do it, by the tags of the original.

        It has no resources below its own.
        """
        if original is None:
            return asker.allows(action, place.arn, place.attached, extra, granted=granted)
        return all(
            asker.allows(
                action,
                place.arn,
                place.attached,
                extra,
                _tags(asker, original.bucket, each, original.version_id),
                granted=allowed,
            )
            for each, allowed in self._spellings(original.bucket, original.key, granted=granted, bare=bare)
        )

    def _require_all(self, asker: Asker, place: Place, operation: str, params: Mapping[str, Any]) -> None:
        requested, key, version_id = requested_tags(params), params.get("Key"), params.get("VersionId")
        for action in (required_action("s3", operation, params), *further_actions(operation, params)):
            for prefix in self._prefixes(place.bucket, params.get("Prefix")):
                asked = {**requested, **prefix}
                if not self._may(
                    asker,
                    place,
                    action,
                    key,
                    version_id,
                    asked,
                    granted=asker.let_in,
                    bare=is_bare(operation),
                ):
                    raise AccessDenied

    def _may(
        self,
        asker: Asker,
        place: Place,
        action: str,
        key: str | None,
        version_id: str | None = None,
        requested: Mapping[str, tuple[str, ...]] | None = None,
        *,
        granted: bool = False,
        bare: bool = False,
    ) -> bool:
        conditions = {**place.conditions, **requested} if requested else place.conditions
        if key is None:
            return asker.allows(action, place.arn, place.attached, conditions, granted=granted)
        return all(
            asker.allows(
                action,
                place.object_arn(each),
                place.attached_at(each),
                conditions,
                _tags(asker, place.bucket, each, version_id),
                granted=allowed,
            )
            for each, allowed in self._spellings(place.bucket, key, granted=granted, bare=bare)
        )

    def _may_at_source(self, asker: Asker, action: str, source: str, version_id: str | None) -> bool:
        bucket, key = bucket_and_key(source)
        if not bucket or is_alias(bucket):
            container, _, below = source.partition("/object/")
            return self._may_through(asker, action, bucket or container, key or below, version_id)
        self.attached.refuse_strangers(asker.principal, bucket)
        return all(
            asker.allows(
                action,
                object_arn(bucket, each),
                self.attached.of_object(object_arn(bucket, each)),
                _version(version_id),
                _tags(asker, bucket, each, version_id),
                granted=allowed,
            )
            for each, allowed in self._spellings(bucket, key, granted=False, bare=True)
        )

    def _spellings(self, bucket: str, key: str, *, granted: bool, bare: bool) -> Iterator[tuple[str, bool]]:
        """The keys to ask about, and of each whether only a deny refuses it; see `is_bare`."""
        if not self.forwards(bucket):
            yield key, granted
            return
        for each in spellings(key):
            yield each, granted
        if bare and (plain := without_end(key)) is not None:
            yield plain, True

    def _prefixes(self, bucket: str, prefix: str | None) -> Iterator[Conditions]:
        """What is asked about a list: nothing more, and the prefix as its store may read it."""
        yield {}
        if prefix and self.forwards(bucket) and (plain := plain_spelling(prefix)) != prefix:
            yield {"s3:prefix": (plain,)}

    def _may_through(
        self, asker: Asker, action: str, access_point: str, key: str, version_id: str | None
    ) -> bool:
        """A copy that reads through an access point needs what any read through it does."""
        found = self.find_source(access_point)
        if found is None:
            return False
        self.attached.refuse_strangers(asker.principal, found.bucket, found)
        place = self.attached.access_point(found, {})
        return self._may(asker, place, action, key, version_id, _version(version_id), bare=True)


def is_bare(operation: str) -> bool:
    """Whether a store may take a slash at the end of the key for nothing; see `without_end`."""
    return operation not in _OF_MARKERS


def of_batch(item: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of the DeleteObject that one key of a batch stands for, which has the batch's head."""
    return {
        **params,
        "VersionId": item.get("VersionId"),
        "IfMatch": item.get("ETag"),
        "IfMatchSize": item.get("Size"),
        "IfMatchLastModifiedTime": item.get("LastModifiedTime"),
    }


def conditions_of(params: Mapping[str, Any]) -> Conditions:
    """What is asked with an object that the request names in no head."""
    etag = params.get("IfMatch")
    return {**_version(params.get("VersionId")), **({"s3:if-match": (etag,)} if etag is not None else {})}


def _tags(asker: Asker, bucket: str, key: str, version_id: str | None) -> FindLate:
    return partial(existing_tag, asker.tags, bucket, key, version_id)


def _version(version_id: str | None) -> Conditions:
    """What is asked with an object that the request does not name in its head."""
    if version_id is None:
        return {}
    return {"s3:versionid": (version_id,), "s3-object-lambda:versionid": (version_id,)}


def check_grant(call: ResolvedCall, source_arn: str) -> None:
    """An ``inputS3Url`` reads what it was made for; other callers pass.

    Args:
        source_arn: the access point or the bucket that is addressed.

    Raises:
        AccessDenied: it was made for something else.
    """
    routed, principal = call.known.routed, call.known.principal
    if principal.input_grant is None:
        return
    check_input_grant(
        principal,
        method=routed.request.method,
        access_point_arn=source_arn,
        key=routed.params.get("Key"),
        version_id=routed.params.get("VersionId"),
        parameters=read_query(routed.request.query).names(),
    )
