"""The Lambda API in one table, by AWS's name."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from onread.control.call import ControlOperation
from onread.control.lambda_aliases import LambdaAliasOperations
from onread.control.lambda_concurrency import LambdaConcurrencyOperations
from onread.control.lambda_event_config import LambdaEventConfigOperations
from onread.control.lambda_events import Pause
from onread.control.lambda_functions import FunctionHost, LambdaFunctionOperations
from onread.control.lambda_invoke import LambdaInvokeOperations, Spawn
from onread.control.lambda_layers import LambdaLayerOperations
from onread.control.lambda_permissions import LambdaPermissionOperations
from onread.control.lambda_provisioned import LambdaProvisionedOperations, WarmHost
from onread.control.lambda_read_backs import LambdaReadBackOperations
from onread.control.lambda_tags import LambdaTagOperations
from onread.control.lambda_versions import LambdaVersionOperations
from onread.control.packages import ReadObject
from onread.functions.invoker import Invoker
from onread.metadata.facade import Records


class LambdaHost(FunctionHost, WarmHost, Protocol):
    """What keeps functions ready and is told of their changes: the function pool."""


def lambda_operations(
    records: Records,
    *,
    host: LambdaHost,
    invoker: Invoker,
    clock: Callable[[], datetime],
    read_object: ReadObject,
    spawn: Spawn,
    pause: Pause,
    strict: bool,
) -> dict[str, ControlOperation]:
    """Every operation of the Lambda API that is served; for the arguments see `control_operations`."""
    functions = LambdaFunctionOperations(
        records, clock=clock, read_object=read_object, host=host, strict=strict
    )
    return {
        **functions.operations(),
        **LambdaVersionOperations(records, prewarm=host.prewarm).operations(),
        **LambdaAliasOperations(records, host=host).operations(),
        **LambdaPermissionOperations(records, clock=clock).operations(),
        **LambdaConcurrencyOperations(records, follow=host.adopt).operations(),
        **LambdaProvisionedOperations(records, host=host, clock=clock).operations(),
        **LambdaEventConfigOperations(records, clock=clock).operations(),
        **LambdaInvokeOperations(records, invoker=invoker, spawn=spawn, pause=pause).operations(),
        **LambdaTagOperations(records).operations(),
        **LambdaLayerOperations(records, clock=clock, read_object=read_object).operations(),
        **LambdaReadBackOperations(records, clock=clock).operations(),
    }
