"""The whole road in memory: requests in, responses out, over real records and fake ends."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.fakes.fake_invoker import FakeFunction, FakeInvoker
from tests.fakes.fake_store import FakeStore

from onread.gateway.attached_policies import AttachedPolicies
from onread.gateway.authenticate import Authenticator
from onread.gateway.authorize import Authorizer
from onread.gateway.dispatch import Dispatch
from onread.gateway.function_keys import function_keys
from onread.gateway.observe import new_request_id
from onread.gateway.pipeline import Pipeline
from onread.gateway.resolve import Resolver
from onread.metadata.facade import Records
from onread.metadata.first_start import root_access_key
from onread.metadata.records import AccessKey, AccessPoint, Function, ObjectLambdaAccessPoint, Secret, User
from onread.objectlambda.rendezvous import Rendezvous
from onread.objectlambda.response import forwarded_members
from onread.objectlambda.slices.sliced import SlicedReads
from onread.objectlambda.slices.source import OwnRoad
from onread.objectlambda.transform import Transformation, TransformSettings
from onread.objectlambda.write_get_object_response import WriteGetObjectResponse
from onread.protocol.model import load_services
from onread.sigv4.sign import presign, sign_request
from onread.spool.folder import Folder
from onread.spool.spool import Spool
from onread.stores.stores import Stores
from onread.stores.upstream.access import UpstreamAccess
from onread.telemetry.metrics import Metrics
from onread.wire.message import Body, BytesBody, Headers, Request

ACCOUNT, REGION, HOST = "000000000000", "us-east-1", "127.0.0.1:9000"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
KEY = bytes(range(32))
ROOT = ("AKIAROOTROOTROOTROOT", "root-secret-root-secret")
SERVICES = load_services()


@dataclass
class Answer:
    """What came back, its body read; ``cut`` when the scope failed after the head."""

    status: int
    headers: Headers
    body: bytes

    @property
    def code(self) -> str:
        """The error's code, from XML or JSON."""
        kind = self.headers.get("x-amzn-errortype")
        return kind or self.body.partition(b"<Code>")[2].partition(b"</Code>")[0].decode()


@dataclass
class Road:
    """A pipeline and everything around it."""

    pipeline: Pipeline
    records: Records
    store: FakeStore
    invoker: FakeInvoker
    metrics: Metrics
    now: datetime = NOW
    live: set[str] = field(default_factory=set)
    chains: dict[str, tuple[str, ...]] = field(default_factory=dict)

    async def send(self, request: Request) -> Answer:
        async with self.pipeline.handle(request) as response:
            body = response.body
            content = body if isinstance(body, bytes) else b"".join([chunk async for chunk in body])
            return Answer(response.status, Headers(response.headers), content)

    async def call(self, method: str, target: str, body: bytes = b"", **options: Any) -> Answer:
        return await self.send(self.signed(method, target, body, **options))

    def signed(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        *,
        headers: tuple[tuple[str, str], ...] = (),
        key: tuple[str, str] = ROOT,
        service: str = "s3",
        host: str = HOST,
        payload_hash: str | None = None,
        session_token: str | None = None,
        payload: Body | None = None,
        age: timedelta = timedelta(0),
    ) -> Request:
        """A request with a header signature."""
        parts = urlsplit(target)
        sent = sign_request(
            method=method,
            host=host,
            path=parts.path,
            query=parts.query,
            headers=headers,
            payload_hash=payload_hash or sha256(body).hexdigest(),
            access_key_id=key[0],
            secret=key[1],
            session_token=session_token,
            region=REGION,
            service=service,
            now=self.now - age,
        )
        return request(method, target, payload or BytesBody(body), [("Host", host), *sent], host=host)

    def presigned(self, method: str, path: str, *, key: tuple[str, str] = ROOT, **options: Any) -> Request:
        url = presign(
            method=method,
            scheme="http",
            host=HOST,
            path=path,
            query=options.pop("query", []),
            headers=[],
            access_key_id=key[0],
            secret=key[1],
            session_token=None,
            region=REGION,
            service=options.pop("service", "s3"),
            now=self.now,
            expires_seconds=options.pop("expires_seconds", 60),
        ).url
        return request(method, url.removeprefix(f"http://{HOST}"), BytesBody(b""), [("Host", HOST)])

    async def user(self, name: str, policy: str | None = None) -> tuple[str, str]:
        """A user; access key id and secret."""
        user = User(
            account_id=ACCOUNT, name=name, path="/", user_id=f"AIDA{name.upper():X<17}", created_at=NOW
        )
        await self.records.create_user(user)
        if policy is not None:
            await self.records.put_user_policy(ACCOUNT, name, "test", policy)
        pair = (f"AKIA{name.upper():X<16}", f"{name}-secret-{name}-secret")
        await self.records.create_access_key(
            AccessKey(
                access_key_id=pair[0],
                secret=Secret(pair[1]),
                account_id=ACCOUNT,
                user_name=name,
                active=True,
                created_at=NOW,
            )
        )
        return pair

    def function_keys(self, function: Function, environment_id: str) -> tuple[str, str, str]:
        """What a function finds in its environment."""
        return function_keys(
            function,
            environment_id,
            records=self.records,
            key=KEY,
            clock=lambda: self.now,
            random_bytes=os.urandom,
        )

    async def access_point(
        self, name: str, bucket: str, policy: str | None = None, **settings: Any
    ) -> AccessPoint:
        made = AccessPoint(
            account_id=ACCOUNT,
            region=REGION,
            name=name,
            bucket=bucket,
            alias=f"{name}-{'a' * 34}-s3alias",
            created_at=NOW,
            policy=policy,
            **settings,
        )
        await self.records.create_access_point(made)
        return made

    async def function(self, name: str) -> Function:
        code = name.encode()
        made = Function(
            account_id=ACCOUNT,
            region=REGION,
            name=name,
            runtime="python3.11",
            handler="app.handler",
            role=f"arn:aws:iam::{ACCOUNT}:role/function",
            code_sha256=sha256(code).hexdigest(),
            code_size_bytes=len(code),
            modified_at=NOW,
            revision_id="1",
            timeout_seconds=30,
        )
        await self.records.create_function(made, code)
        return made

    async def olap(
        self, name: str, supporting: AccessPoint, function: Function, *, policy: str | None = None
    ) -> ObjectLambdaAccessPoint:
        configuration = (
            f'{{"SupportingAccessPoint": "{supporting.arn}", "TransformationConfigurations": [{{'
            f'"Actions": ["GetObject"], "ContentTransformation": {{"AwsLambda": '
            f'{{"FunctionArn": "{function.arn}"}}}}}}]}}'
        )
        made = ObjectLambdaAccessPoint(
            account_id=ACCOUNT,
            region=REGION,
            name=name,
            alias=f"{name}-{'b' * 29}--ol-s3",
            created_at=NOW,
            configuration=configuration,
            policy=policy,
        )
        await self.records.create_object_lambda_access_point(made)
        return made


def request(
    method: str, target: str, body: Body, headers: list[tuple[str, str]], *, host: str = HOST
) -> Request:
    names = {name.lower() for name, _ in headers}
    if body.length_bytes is not None and "content-length" not in names:
        headers = [*headers, ("Content-Length", str(body.length_bytes))]
    return Request(
        method=method, target=target, host=host, headers=Headers(headers), body=body, peer="127.0.0.1"
    )


async def _returns_nothing(_event: dict[str, Any]) -> None:
    return None


@asynccontextmanager
async def open_road(
    directory: Path, function: FakeFunction = _returns_nothing, location: Path | str | None = None
) -> AsyncIterator[Road]:
    """A road over records in ``directory``, or at ``location``; ``function`` is what every function does."""
    records = await Records.open(
        location or directory, master_key=b"m" * 32, clock=lambda: NOW, account_id=ACCOUNT, region=REGION
    )
    records.set_root(root_access_key(ROOT[0], Secret(ROOT[1]), account_id=ACCOUNT, now=NOW))
    try:
        metrics = Metrics()
        async with FakeInvoker(function) as invoker, _spool(directory, metrics) as spool:
            yield _road(records, invoker, metrics, spool)
    finally:
        await records.close()


def _spool(directory: Path, metrics: Metrics) -> Spool:
    folder = Folder(
        directory / "spool",
        limit_bytes=1 << 30,
        max_age_seconds=3600,
        now=lambda: datetime.now(UTC).timestamp(),
    )
    return Spool(
        folder,
        metrics=metrics,
        random_bytes=os.urandom,
        wanted=AnyTag,
        patience_seconds=5,
        max_age_seconds=3600,
    )


class AnyTag(frozenset[str]):
    """Everything may still be asked for."""

    def issuperset(self, _others: object) -> bool:
        return True


def _road(records: Records, invoker: FakeInvoker, metrics: Metrics, spool: Spool) -> Road:
    store, rendezvous, live, own_road = FakeStore(), Rendezvous(), set[str](), OwnRoad()
    chains: dict[str, tuple[str, ...]] = {}
    transformation = Transformation(
        services=SERVICES,
        find_function=records.published.find,
        invoker=invoker,
        rendezvous=rendezvous,
        settings=TransformSettings(route="io-test", timeout_seconds=5),
        endpoint=lambda: f"http://{HOST}",
        session_key=KEY,
        token_key=KEY,
        clock=lambda: road.now,
        random_bytes=os.urandom,
        metrics=metrics,
    )
    resolver = Resolver(records, ACCOUNT)
    pipeline = Pipeline(
        services=SERVICES,
        authenticate=Authenticator(
            records=records,
            account_id=ACCOUNT,
            region=REGION,
            session_key=KEY,
            is_live=live.__contains__,
            chain_of=lambda environment_id: chains.get(environment_id, ()),
            open_runs=transformation.runs,
        ),
        resolve=resolver,
        authorize=Authorizer(
            records=records,
            account_id=ACCOUNT,
            region=REGION,
            resolve=resolver,
            attached=AttachedPolicies(bucket_settings=store.settings.get),
        ),
        dispatch=Dispatch(
            records=records,
            stores=Stores(store, (), ACCOUNT, UpstreamAccess(records.bucket_settings, ACCOUNT), lambda: NOW),
            transformation=transformation,
            slices=SlicedReads(
                transformation=transformation,
                find_version=records.published.find,
                spool=spool,
                travel=own_road,
                key=KEY,
                clock=lambda: road.now,
                new_request_id=new_request_id,
            ),
            write=WriteGetObjectResponse(
                rendezvous=rendezvous,
                token_key=KEY,
                forwarded=forwarded_members(SERVICES),
                clock=lambda: road.now,
            ),
            control={},
            account_id=ACCOUNT,
            region=REGION,
        ),
        metrics=metrics,
        domains=("localhost",),
        host_id="{host-id}",
        clock=lambda: road.now,
    )
    own_road.handler = pipeline.handle
    road = Road(pipeline, records, store, invoker, metrics, live=live, chains=chains)
    return road
