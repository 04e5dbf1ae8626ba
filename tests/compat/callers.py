"""Signed requests of any shape, puppets that do what they are told, and callers in threads."""

import base64
import contextlib
import json
import select
import socket
import struct
import urllib.parse
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import urllib3
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.compat.conftest import ACCOUNT, FUNCTIONS, REGION, World

PATIENCE_SECONDS = 20


@dataclass(frozen=True)
class Answer:
    """An answer, read whole."""

    status: int
    headers: urllib3.HTTPHeaderDict
    body: bytes

    @property
    def code(self) -> str:
        return self.element("Code")

    def element(self, name: str) -> str:
        text = self.body.decode()
        return text.partition(f"<{name}>")[2].partition(f"</{name}>")[0]


def credentials(world: World) -> Credentials:
    return Credentials(world.gateway.access_key_id, world.gateway.secret_access_key)


def presign(
    world: World,
    bucket: str,
    key: str,
    query: str = "",
    *,
    headers: dict[str, str] | None = None,
    keys: Credentials | None = None,
    method: str = "GET",
    endpoint: str | None = None,
) -> str:
    """A presigned URL of one's own making, with any query and with signed headers."""
    url = f"{endpoint or world.endpoint}/{bucket}/{urllib.parse.quote(key)}{'?' + query if query else ''}"
    request = AWSRequest(method=method, url=url, headers=headers or {})
    S3SigV4QueryAuth(keys or credentials(world), "s3", REGION, expires=60).add_auth(request)
    return str(request.url)


def signed(
    world: World,
    bucket: str,
    key: str,
    query: str = "",
    *,
    headers: dict[str, str] | None = None,
    keys: Credentials | None = None,
) -> tuple[str, dict[str, str]]:
    """A GET's URL and its headers, signed in the Authorization header."""
    url = f"{world.endpoint}/{bucket}/{urllib.parse.quote(key)}{'?' + query if query else ''}"
    request = AWSRequest(method="GET", url=url, headers=headers or {})
    S3SigV4Auth(keys or credentials(world), "s3", REGION).add_auth(request)
    return url, dict(request.headers.items())


def fetch(url: str, *, method: str = "GET", headers: dict[str, str] | None = None) -> Answer:
    """One request, nothing followed, nothing repeated, nothing decoded; a cut body raises."""
    with urllib3.PoolManager(retries=False, timeout=PATIENCE_SECONDS) as pool:
        answer = pool.request(
            method, url, headers=headers or {}, redirect=False, decode_content=False, preload_content=False
        )
        try:
            return Answer(answer.status, answer.headers, answer.read(decode_content=False))
        finally:
            answer.close()


@dataclass
class RawCaller:
    """A caller with a socket of its own, who may read slowly, stop reading, or leave."""

    connection: socket.socket

    @classmethod
    def get(cls, world: World, url: str, *, receive_bytes: int | None = None) -> "RawCaller":
        split = urllib.parse.urlsplit(url)
        connection = socket.socket()
        if receive_bytes is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        connection.settimeout(PATIENCE_SECONDS)
        connection.connect(world.address)
        head = f"GET {split.path}?{split.query} HTTP/1.1\r\nHost: {split.netloc}\r\n\r\n"
        connection.sendall(head.encode())
        return cls(connection)

    def read_until(self, marker: bytes) -> bytes:
        """What comes, up to and with the marker."""
        got = b""
        while marker not in got:
            piece = self.connection.recv(65536)
            assert piece, f"closed before {marker!r}: {got!r}"
            got += piece
        return got

    def rest(self) -> bytes:
        """What still comes until the end; ``b"reset"`` behind it when the end is a reset."""
        got = b""
        try:
            while piece := self.connection.recv(1 << 20):
                got += piece
        except ConnectionResetError:
            return got + b"reset"
        return got

    def leave(self, *, reset: bool = False) -> None:
        """Go away, politely (FIN) or not (RST)."""
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


class Puppet:
    """A run of ``functions/obeys.py`` that has reached its handler."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        connection.settimeout(PATIENCE_SECONDS)
        self._lines = connection.makefile("rwb")
        hello = self.hears()
        self.event: dict[str, Any] = hello["event"]
        self.pid: int = hello["pid"]
        self.environ: dict[str, str] = hello["environ"]

    @property
    def input_url(self) -> str:
        return str(self.event["getObjectContext"]["inputS3Url"])

    @property
    def token(self) -> str:
        return str(self.event["getObjectContext"]["outputToken"])

    @property
    def route(self) -> str:
        return str(self.event["getObjectContext"]["outputRoute"])

    def keys(self) -> Credentials:
        """The credentials that the function found in its environment."""
        env = self.environ
        return Credentials(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], env["AWS_SESSION_TOKEN"])

    def told(self, do: str, **order: Any) -> None:
        self._lines.write(json.dumps({"do": do, **order}).encode() + b"\n")
        self._lines.flush()

    def hears(self) -> Any:
        line = self._lines.readline()
        if not line:
            raise EOFError("the function is gone")
        return json.loads(line)

    def writes(self, **members: Any) -> Any:
        """One whole WriteGetObjectResponse; what it was told."""
        self.told("write", members=members)
        return self.hears()

    def begins(self, **members: Any) -> None:
        """A WriteGetObjectResponse whose body comes by `chunk` and `ends`."""
        self.told("stream", members=members)

    def chunk(self, data: bytes) -> None:
        self.told("chunk", data=base64.b64encode(data).decode())

    def ends(self) -> Any:
        self.told("end")
        return self.hears()

    def returns(self, value: Any = None) -> None:
        self.told("return", value=value)
        self.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._lines.close()
        self._connection.close()


@dataclass
class Puppets:
    """Where the runs of a function come to be told what to do."""

    listener: socket.socket
    made: list[Puppet] = field(default_factory=list)

    @property
    def address(self) -> str:
        host, port = self.listener.getsockname()
        return f"{host}:{port}"

    def waits(self, *, seconds: float) -> bool:
        """Whether another run comes within that time."""
        return bool(select.select([self.listener], [], [], seconds)[0])

    def next(self) -> Puppet:
        """The next run that reaches its handler."""
        connection, _ = self.listener.accept()
        puppet = Puppet(connection)
        self.made.append(puppet)
        return puppet

    def close(self) -> None:
        for puppet in self.made:
            puppet.close()
        self.made.clear()


@contextlib.contextmanager
def puppeteer() -> Iterator[Puppets]:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        listener.settimeout(PATIENCE_SECONDS)
        puppets = Puppets(listener)
        try:
            yield puppets
        finally:
            puppets.close()


@dataclass
class Stage:
    """One bucket and its Object Lambda access points: one for each function that a test names."""

    world: World
    bucket: str
    supporting: dict[str, Any]
    puppets: Puppets
    threads: ThreadPoolExecutor
    functions: dict[str, str] = field(default_factory=dict)
    aliases: dict[tuple[Any, ...], str] = field(default_factory=dict)

    def function(self, code: str, **settings: Any) -> str:
        """The function of ``functions/CODE.py``, made once."""
        name = f"{code}{sorted(settings.items())}" if settings else code
        if name not in self.functions:
            if code == "obeys":
                settings.setdefault("Environment", {"Variables": {"ORDERS": self.puppets.address}})
            self.functions[name] = self.world.function(FUNCTIONS / f"{code}.py", **settings)
        return self.functions[name]

    def alias(self, code: str, *, allow: tuple[str, ...] = (), payload: str | None = None) -> str:
        """The alias of an Object Lambda access point with that function, made once."""
        wanted = (code, allow, payload)
        if wanted not in self.aliases:
            self.aliases[wanted] = self.world.olap_over(
                self.supporting, self.function(code), allow=allow, payload=payload
            )[1]
        return self.aliases[wanted]

    def put(self, key: str, body: bytes) -> None:
        self.world.client("s3").put_object(Bucket=self.bucket, Key=key, Body=body)

    def get(self, code: str, key: str = "key", query: str = "", **request: Any) -> Answer:
        """A presigned GET through the access point of a function."""
        headers = request.pop("headers", None)
        url = presign(self.world, self.alias(code, **request), key, query, headers=headers)
        return fetch(url, headers=headers)

    def call(self, code: str, key: str = "key", query: str = "", **request: Any) -> "Future[Answer]":
        """The same, in a thread."""
        self.alias(code)  # made here, for clients are not shared with threads
        return self.threads.submit(self.get, code, key, query, **request)

    @contextlib.contextmanager
    def during(self, query: str = "", **request: Any) -> Iterator[Puppet]:
        """A run that waits in its handler for the length of a block: its input URL is good that long."""
        call = self.call("obeys", "key", query, **request)
        puppet = self.puppets.next()
        try:
            yield puppet
        finally:
            puppet.returns()
            call.result(PATIENCE_SECONDS)

    def raw(self, code: str, key: str = "key", query: str = "", **request: Any) -> RawCaller:
        url = presign(self.world, self.alias(code), key, query)
        return RawCaller.get(self.world, url, **request)

    def logs(self, code: str) -> list[str]:
        lines = self.world.client("onread").get_function_logs(FunctionName=self.function(code), Limit=10000)
        return [event["Message"] for event in lines["Events"]]

    def warm_up(self) -> None:
        """Run the obedient function once, untimed: its first start may take longer than a short limit."""
        invoke = self.world.client("lambda").invoke
        call = self.threads.submit(invoke, FunctionName=self.function("obeys"))
        self.puppets.next().returns()
        call.result(PATIENCE_SECONDS)

    def configure(self, code: str, warm: int) -> None:
        """How many environments of a function may run at once."""
        self.world.client("onread").configure_function(
            FunctionName=self.function(code), WarmEnvironments=warm
        )


@contextlib.contextmanager
def stage(world: World) -> Iterator[Stage]:
    """A stage with the object ``key`` on it; its functions are deleted afterwards."""
    bucket = world.bucket()
    with puppeteer() as puppets, ThreadPoolExecutor(64) as threads:
        made = Stage(world, bucket, world.access_point(bucket), puppets, threads)
        made.put("key", b"the original")
        try:
            yield made
        finally:
            puppets.close()
            for name in made.functions.values():
                with contextlib.suppress(world.client("lambda").exceptions.ResourceNotFoundException):
                    world.client("lambda").delete_function(FunctionName=name)


def write_request(
    world: World,
    token: str,
    route: str,
    headers: dict[str, str] | None = None,
    body: bytes = b"",
    *,
    keys: Credentials | None = None,
) -> bytes:
    """A WriteGetObjectResponse as bytes, with any header at all, signed by hand."""
    host = world.endpoint.partition("://")[2]
    request = AWSRequest(
        method="POST",
        url=f"{world.endpoint}/WriteGetObjectResponse",
        headers={
            "x-amz-request-route": route,
            "x-amz-request-token": token,
            "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
            **(headers or {}),
        },
    )
    request.context["client_config"] = None
    auth = S3SigV4Auth(keys or credentials(world), "s3-object-lambda", REGION)
    auth.payload = lambda _request: "UNSIGNED-PAYLOAD"  # type: ignore[method-assign]
    auth.add_auth(request)
    lines = [f"{name}: {value}" for name, value in request.headers.items()]
    head = ["POST /WriteGetObjectResponse HTTP/1.1", f"Host: {host}", "Connection: close", *lines]
    return "\r\n".join([*head, f"Content-Length: {len(body)}", "", ""]).encode() + body


def status_and_code(answer: bytes) -> tuple[int, str]:
    """Of a raw error answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), body.decode().partition("<Code>")[2].partition("</Code>")[0]


def function_arn(name: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
