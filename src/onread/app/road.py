"""The road of requests and the pool of functions, over a foundation."""

import os
import random
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from onread.app.elsewhere import Elsewhere
from onread.app.foundation import DOORS, Foundation, Share, utc_now
from onread.app.slices import build_spool
from onread.app.targets import FunctionTargets
from onread.config import Settings
from onread.control.account_public_access import account_blocks
from onread.control.lambda_permissions import policy_of_function
from onread.control.operations import control_operations
from onread.functions.observe import InvocationObserver, log_function_line
from onread.functions.pool import FunctionPool
from onread.functions.registry import Registry
from onread.functions.settings import PoolSettings
from onread.functions.webhooks.address import WebhookRules
from onread.functions.webhooks.invoker import WebhookInvoker
from onread.gateway.admission import Admission
from onread.gateway.attached_policies import AttachedPolicies
from onread.gateway.authenticate import Authenticator
from onread.gateway.authorize import Authorizer
from onread.gateway.background import Background
from onread.gateway.cors import Cors
from onread.gateway.dispatch import Dispatch
from onread.gateway.door_keys import DoorKeys
from onread.gateway.function_keys import function_keys
from onread.gateway.gate import AdmissionLimits
from onread.gateway.observe import new_request_id
from onread.gateway.own_reads import OwnReads
from onread.gateway.pipeline import Pipeline
from onread.gateway.resolve import Resolver
from onread.gateway.stored_tags import StoredTags
from onread.gateway.turning_away import TurningAway
from onread.objectlambda.rendezvous import Rendezvous
from onread.objectlambda.response import forwarded_members
from onread.objectlambda.slices.sliced import SlicedReads
from onread.objectlambda.slices.source import OwnRoad
from onread.objectlambda.transform import Transformation, TransformSettings
from onread.objectlambda.webhook_answer import WebhookAnswers
from onread.objectlambda.write_get_object_response import WriteGetObjectResponse
from onread.server.door import REQUEST_ID, Door, DoorLimits
from onread.server.listener import serve
from onread.server.proxies import looking_behind
from onread.spool.spool import Spool
from onread.wire.message import Handler

HOST_ID = "{host-id}"


def worker_folder(settings: Settings, share: Share) -> Path:
    """Where a worker keeps its functions; of no use once it has ended."""
    return settings.data_dir / "functions" / DOORS / share.route


def _pool_settings(base: Foundation) -> PoolSettings:
    settings = PoolSettings(
        cache_directory=base.settings.data_dir / "functions",
        search_path=os.pathsep.join(os.get_exec_path()),
    )
    share = base.share
    if share is None:
        return settings
    return replace(
        settings,
        cache_directory=worker_folder(base.settings, share),
        environments_limit=share.of(settings.environments_limit),
        code_cache_bytes=share.of(settings.code_cache_bytes),
        share=(share.index, share.count),
    )


def _build_function_pool(base: Foundation) -> FunctionPool:
    """The pool, not yet open."""
    return FunctionPool(
        _pool_settings(base),
        serve_runtime_api=_serve_runtime_api,
        endpoint=lambda: base.functions_endpoint,
        code=base.records.load_code,
        credentials=partial(
            function_keys,
            records=base.records,
            key=base.session_key,
            clock=utc_now,
            random_bytes=os.urandom,
        ),
        log_sink=log_function_line,
        observer=InvocationObserver(base.metrics),
        clock=utc_now,
    )


def _build_write(base: Foundation) -> WriteGetObjectResponse:
    """The operation, with the place where writers and callers of this process meet."""
    return WriteGetObjectResponse(
        rendezvous=Rendezvous(),
        token_key=base.token_key,
        forwarded=forwarded_members(base.services),
        clock=utc_now,
    )


def _build_webhooks(base: Foundation, write: WriteGetObjectResponse) -> WebhookInvoker:
    """The caller of webhooks, not yet open."""
    settings = base.settings
    return WebhookInvoker(
        WebhookRules(networks=settings.webhook_networks, ports=settings.webhook_ports),
        own_ports={settings.listen.port, settings.admin_listen.port},
        deliver=WebhookAnswers(services=base.services, write=write),
        observer=InvocationObserver(base.metrics),
        clock=utc_now,
    )


@asynccontextmanager
async def _serve_runtime_api(handler: Handler) -> AsyncIterator[str]:
    async with serve(handler, host="127.0.0.1", port=0) as listener:
        yield f"127.0.0.1:{listener.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Runners:
    """Whatever runs functions, the operation by which they answer, and where results are kept."""

    pool: FunctionPool
    webhooks: WebhookInvoker
    write: WriteGetObjectResponse
    spool: Spool


async def open_runners(base: Foundation, scope: AsyncExitStack) -> Runners:
    """The runners of this process, open for as long as ``scope`` is."""
    write = _build_write(base)
    return Runners(
        pool=await scope.enter_async_context(_build_function_pool(base)),
        webhooks=await scope.enter_async_context(_build_webhooks(base, write)),
        write=write,
        spool=await scope.enter_async_context(build_spool(base)),
    )


def build_pipeline(
    base: Foundation, runners: Runners, background: Background, elsewhere: Elsewhere | None
) -> Pipeline:
    """The road without admission: as functions travel it."""
    own_road = OwnRoad()
    settings, records = base.settings, base.records
    resolver = Resolver(records, settings.account_id)
    authorizer = Authorizer(
        records=records,
        account_id=settings.account_id,
        region=settings.region,
        resolve=resolver,
        attached=AttachedPolicies(
            bucket_settings=base.stores.bucket_settings,
            policy_of_function=partial(policy_of_function, records),
            public_access_is_restricted=partial(
                account_blocks, records, settings.account_id, "RestrictPublicBuckets"
            ),
        ),
        look_up_tags=StoredTags(base.stores, settings.account_id),
        forwards=base.stores.forwards,
    )
    dispatch = _dispatch(base, runners, background, elsewhere, own_road)
    pipeline = Pipeline(
        services=base.services,
        authenticate=Authenticator(
            records=records,
            account_id=settings.account_id,
            region=settings.region,
            session_key=base.session_key,
            is_live=runners.pool.is_live,
            chain_of=runners.pool.chain_of,
            open_runs=dispatch.transformation.runs,
        ),
        resolve=resolver,
        authorize=authorizer,
        dispatch=dispatch,
        cors=Cors(find_bucket=resolver.bucket_of, bucket_settings=base.stores.bucket_settings),
        metrics=base.metrics,
        domains=settings.domains,
        host_id=HOST_ID,
        clock=utc_now,
        catch_up=records.catch_up if base.has_others else None,
    )
    own_road.handler = pipeline.handle
    return pipeline


def build_admission(base: Foundation, pool: FunctionPool, descriptors: int) -> Admission:
    """The callers' admission; each request in flight may hold a file beside its connection."""
    records = base.records
    return Admission(
        AdmissionLimits(
            in_flight=min(base.limit(base.settings.max_in_flight), max(1, descriptors // 4)),
            memory_bytes=base.limit(base.settings.max_request_memory_bytes),
        ),
        is_known=lambda access_key_id: records.access_key(access_key_id) is not None,
        clock=time.monotonic,
        metrics=base.metrics,
        targets=FunctionTargets(records, pool),
    )


def build_door(base: Foundation, admission: Admission) -> Door:
    """The callers' door: it knows them as admission does, and behind trusted proxies."""
    trusted = base.settings.trusted_proxies
    keys = DoorKeys(admission.key_of, looking_behind(trusted) if trusted else None)
    refuser = TurningAway(base.metrics, host_id=HOST_ID, placeholder=REQUEST_ID)
    door = Door(DoorLimits(), key_of=keys.read, glance=keys.glance, refuser=refuser)
    base.metrics.at_the_door.set_function(lambda: door.waiting)
    return door


def _dispatch(
    base: Foundation,
    runners: Runners,
    background: Background,
    elsewhere: Elsewhere | None,
    own_road: OwnRoad,
) -> Dispatch:
    settings = base.settings
    invoker = Registry(runners.pool, runners.webhooks)
    transformation = _transformation(base, invoker, runners.write.rendezvous)
    reads = OwnReads(base.stores, settings.account_id)
    return Dispatch(
        records=base.records,
        stores=base.stores,
        transformation=transformation,
        slices=SlicedReads(
            transformation=transformation,
            find_version=base.records.published.find,
            spool=runners.spool,
            travel=own_road,
            key=base.spool_key,
            clock=utc_now,
            new_request_id=new_request_id,
        ),
        write=runners.write,
        control=control_operations(
            base.records,
            functions=runners.pool,
            invoker=invoker,
            webhooks=runners.webhooks,
            clock=utc_now,
            endpoint=(settings.public_url or f"//{settings.listen}").partition("//")[2],
            bucket_exists=reads.bucket_exists,
            read_object=reads.read_object,
            look_at_stores=base.stores.look,
            spawn=background.spawn,
            pause=background.pause,
            strict=settings.strict,
            logs_elsewhere=None if elsewhere is None else elsewhere.logs,
            session_key=base.session_key,
        ),
        account_id=settings.account_id,
        region=settings.region,
    )


def _transformation(base: Foundation, invoker: Registry, rendezvous: Rendezvous) -> Transformation:
    return Transformation(
        services=base.services,
        find_function=lambda account_id, name, qualifier: base.records.published.find(
            account_id, name, qualifier, random.random()
        ),
        invoker=invoker,
        rendezvous=rendezvous,
        settings=TransformSettings(
            route=base.route,
            timeout_seconds=base.settings.transform_timeout_seconds,
            strict=base.settings.strict,
        ),
        endpoint=lambda: base.functions_endpoint,
        session_key=base.session_key,
        token_key=base.token_key,
        clock=utc_now,
        random_bytes=os.urandom,
        metrics=base.metrics,
    )
