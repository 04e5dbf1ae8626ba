"""What admission knows of the functions behind Object Lambda access points."""

from onread.functions.pool import FunctionPool
from onread.metadata.facade import Records
from onread.metadata.records import Function, RangeHandling
from onread.objectlambda.configuration import parse_configuration, parse_function_arn


class FunctionTargets:
    """Targets whose reads take one run each of a function of this process (`onread.gateway.gate.Targets`).

    Of an alias with weights one version stands for all.
    """

    def __init__(self, records: Records, pool: FunctionPool) -> None:
        self._records = records
        self._pool = pool

    def runs_at_once(self, target: str) -> int | None:
        """None for webhooks, whose number nobody knows, and where slices answer many with one run."""
        function = self._function(target)
        return None if function is None else self._pool.runs_at_once(function)

    def shed(self, target: str) -> None:
        """See `onread.gateway.gate.Targets`."""
        function = self._function(target)
        if function is not None:
            self._pool.shed(function)

    def _function(self, target: str) -> Function | None:
        records = self._records
        found = records.object_lambda_access_point_by_alias(target)
        if found is None:
            found = records.object_lambda_access_point(records.account_id, target)
        if found is None:
            return None
        settings = records.object_lambda_settings.of(found.account_id, found.name)
        transformation = parse_configuration(found.configuration).transformation_for("GetObject")
        if transformation is None or settings.range_handling is RangeHandling.SLICE:
            return None
        reference = parse_function_arn(transformation.function_arn)
        function = records.published.find(found.account_id, reference.name, reference.qualifier, 0.0)
        return None if function is None or function.webhook is not None else function
