"""The spool of slices, and which results may still be asked for."""

import os

from onread.app.foundation import Foundation, spool_folder, utc_now
from onread.metadata.access_points import supporting_access_point_name
from onread.metadata.facade import Records
from onread.metadata.records import RangeHandling
from onread.objectlambda.slices.request import access_point_tag, function_tag
from onread.spool.folder import Folder
from onread.spool.spool import Spool


def build_spool(base: Foundation) -> Spool:
    """The spool, not yet open. Its folder and its bounds are those of the whole gateway."""
    settings = base.settings
    folder = Folder(
        spool_folder(settings),
        limit_bytes=settings.spool_bytes,
        max_age_seconds=settings.spool_seconds,
        now=lambda: utc_now().timestamp(),
    )
    return Spool(
        folder,
        metrics=base.metrics,
        random_bytes=os.urandom,
        wanted=WantedTags(base.records, base.spool_key),
        patience_seconds=settings.transform_timeout_seconds,
        max_age_seconds=settings.spool_seconds,
        reports_space=base.share is None or base.share.index == 0,
    )


class WantedTags:
    """The tags of every sliced access point and of every function as they are now.

    A result whose name bears another one was made by what has since been changed or deleted.
    """

    def __init__(self, records: Records, key: bytes) -> None:
        self._records = records
        self._key = key
        self._epoch: int | None = None
        self._tags: frozenset[str] = frozenset()

    def __call__(self) -> frozenset[str]:
        """The same object as long as no record has changed."""
        if self._epoch != self._records.epoch:
            self._epoch = self._records.epoch
            self._tags = frozenset(self._compute())
        return self._tags

    def _compute(self) -> list[str]:
        records, key = self._records, self._key
        functions = (*records.all_functions(), *records.published.all_versions())
        tags = [function_tag(function, key=key) for function in functions]
        for found in records.all_object_lambda_access_points():
            settings = records.object_lambda_settings.of(found.account_id, found.name)
            if settings.range_handling is not RangeHandling.SLICE:
                continue
            name = supporting_access_point_name(found.configuration)
            if (supporting := records.access_point(found.account_id, name)) is not None:
                tags.append(access_point_tag(found, supporting, key=key))
        return tags
