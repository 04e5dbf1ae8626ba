"""Every control operation in one table, by service and AWS's name."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Protocol

from onread.control.access_point_tags import AccessPointTagOperations
from onread.control.access_points import AccessPointOperations, BucketExists
from onread.control.account import AccountOperations
from onread.control.account_public_access import AccountPublicAccessOperations
from onread.control.call import ControlOperation, Operations
from onread.control.code_downloads import CodeDownloads
from onread.control.keys import AccessKeyOperations
from onread.control.lambda_events import Pause
from onread.control.lambda_invoke import Spawn
from onread.control.lambda_operations import LambdaHost, lambda_operations
from onread.control.managed_policies import ManagedPolicyOperations
from onread.control.object_lambda_access_points import ObjectLambdaAccessPointOperations
from onread.control.object_lambda_settings import ObjectLambdaSettingsOperations
from onread.control.onread_operations import LogKeeper, LogsElsewhere, OnreadOperations
from onread.control.packages import ReadObject
from onread.control.policy_attachments import PolicyAttachmentOperations
from onread.control.roles import RoleOperations
from onread.control.simulation import SimulationOperations
from onread.control.stores import LookAtStores, StoreOperations
from onread.control.sts import SessionOperations
from onread.control.users import UserOperations
from onread.control.webhooks import WebhookHost, WebhookOperations
from onread.functions.invoker import Invoker
from onread.metadata.facade import Records


class Functions(LambdaHost, LogKeeper, Protocol):
    """What keeps the logs of functions and is told of their changes: the function pool."""


def control_operations(
    records: Records,
    *,
    functions: Functions,
    invoker: Invoker,
    webhooks: WebhookHost,
    clock: Callable[[], datetime],
    endpoint: str,
    bucket_exists: BucketExists,
    read_object: ReadObject,
    look_at_stores: LookAtStores,
    spawn: Spawn,
    pause: Pause,
    session_key: bytes,
    strict: bool = False,
    logs_elsewhere: LogsElsewhere | None = None,
) -> Mapping[tuple[str, str], ControlOperation]:
    """Every control operation by (service, operation name).

    Args:
        functions: the function pool.
        invoker: runs every kind of function.
        webhooks: judges endpoints.
        clock: gives the time as aware UTC.
        endpoint: ``HOST[:PORT]`` shown as the endpoint of access points.
        bucket_exists: tells whether a bucket of this name can be read through this gateway.
        read_object: reads a function's package from a bucket with the caller's own rights.
        look_at_stores: tells of every store.
        spawn: owns the runs of Event invocations.
        pause: waits between two tries of one.
        session_key: 32 bytes derived for `onread.objectlambda.sessions.SESSION_PURPOSE`.
        strict: refuse roles that do not exist, as AWS does.
        logs_elsewhere: asks other processes of this gateway. None: there are none.
    """
    access_points = AccessPointOperations(
        records, bucket_exists=bucket_exists, endpoint=endpoint, clock=clock
    )
    of_lambda = lambda_operations(
        records,
        host=functions,
        invoker=invoker,
        clock=clock,
        read_object=read_object,
        spawn=spawn,
        pause=pause,
        strict=strict,
    )

    tables = (
        ("s3control", access_points.operations()),
        ("s3control", AccessPointTagOperations(records).operations()),
        ("s3control", AccountPublicAccessOperations(records).operations()),
        ("s3control", ObjectLambdaAccessPointOperations(records, clock=clock).operations()),
        ("lambda", of_lambda),
        *(("iam", table) for table in _iam_tables(records, functions, clock)),
        ("sts", SessionOperations(records, clock=clock, session_key=session_key).operations()),
        (
            "onread",
            OnreadOperations(
                records, logs=functions, follow=functions.prewarm, logs_elsewhere=logs_elsewhere
            ).operations(),
        ),
        ("onread", WebhookOperations(records, clock=clock, host=webhooks).operations()),
        ("onread", ObjectLambdaSettingsOperations(records).operations()),
        ("onread", StoreOperations(look_at_stores).operations()),
        ("onread", CodeDownloads(records, clock=clock).operations()),
    )
    return {(service, name): serve for service, table in tables for name, serve in table.items()}


def _iam_tables(
    records: Records, functions: Functions, clock: Callable[[], datetime]
) -> Iterable[Operations]:
    def role_changed(arn: str) -> None:
        """Functions that run as the role start anew: their keys say which role they were made for."""
        for function in (*records.all_functions(), *records.published.all_versions()):
            if function.role == arn:
                functions.drop(function)

    return (
        UserOperations(records, clock=clock).operations(),
        AccessKeyOperations(records, clock=clock).operations(),
        RoleOperations(records, clock=clock, changed=role_changed).operations(),
        ManagedPolicyOperations(records, clock=clock).operations(),
        PolicyAttachmentOperations(records).operations(),
        AccountOperations(records).operations(),
        SimulationOperations(records, clock=clock).operations(),
    )
