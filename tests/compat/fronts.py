"""nginx and HAProxy in front of a listener, with keep-alive to it, and what they say they sent.

Both are set to let through as much as they can: what they would refuse never reaches us.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.compat.conftest import wait_until

MARK = "x-front-port"
"""What a front adds to each request that it sends: the port of the client it came from."""

_NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
{user}
events {{ worker_connections 512; }}
http {{
    log_format sent '$remote_port\\t$upstream_addr\\t$upstream_status\\t$upstream_http_x_seen\\t$request';
    access_log {folder}/sent.log sent;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    client_max_body_size 0; ignore_invalid_headers off; underscores_in_headers on; merge_slashes off;
    large_client_header_buffers 8 64k;
    upstream behind {{ server 127.0.0.1:{port}; keepalive 8; }}
    server {{
        listen 127.0.0.1:{front_port};
        location / {{
            proxy_pass {scheme}://behind;
            proxy_ssl_verify off;
            proxy_http_version 1.1;
            proxy_request_buffering {buffering};
            proxy_set_header Connection "";
            proxy_set_header X-Front-Port $remote_port;
        }}
    }}
}}
"""

_HAPROXY = """
global
    log stdout format raw local0 debug
    maxconn 512
    tune.bufsize 65536
defaults
    mode http
    log global
    timeout connect 5s
    timeout client 10s
    timeout server 10s
frontend in
    bind 127.0.0.1:{front_port}
    option accept-invalid-http-request
    http-request set-header {mark} %[src_port]
    http-response set-var(txn.seen) res.hdr(x-seen)
    log-format "sent\\t%cp\\t%s\\t%rc\\t%ST\\t%[var(txn.seen)]\\t%HM %HU"
    default_backend behind
backend behind
    http-reuse always
    server onread 127.0.0.1:{port}{tls}
"""


@dataclass(frozen=True)
class Sent:
    """One request of a client, as the front tells it.

    Attributes:
        client_port: whose it was.
        attempts: how often it was sent on; 0 for one that the front refused.
        status: of the answer the client got.
        seen: the number that our handler gave it; None when the answer was not the handler's.
        start: the request line.
    """

    client_port: int
    attempts: int
    status: int
    seen: int | None
    start: str


@dataclass(frozen=True)
class Front:
    """A running front; its log is whole when the scope that opened it has ended."""

    port: int
    log_file: Path
    name: str

    def sent(self) -> list[Sent]:
        """Every request it has read, in order."""
        lines = self.log_file.read_text(encoding="utf-8", errors="replace").splitlines()
        if self.name == "haproxy":
            return [_by_haproxy(line) for line in lines if line.startswith("sent\t")]
        return [_by_nginx(line) for line in lines]


def _by_nginx(line: str) -> Sent:
    port, address, status, seen, start = line.split("\t", 4)
    attempts = 0 if address == "-" else address.count(":")  # 127.0.0.1:80, 127.0.0.1:80
    last = status.rpartition(" ")[2]
    return Sent(int(port), attempts, int(last) if last.isdigit() else 0, _number(seen), start)


def _by_haproxy(line: str) -> Sent:
    _, port, server, retries, status, seen, start = line.split("\t", 6)
    attempts = 0 if server == "<NOSRV>" else 1 + int(retries.lstrip("+"))
    return Sent(int(port), attempts, int(status), _number(seen), start)


def _number(text: str) -> int | None:
    return int(text) if text.isdigit() else None


@contextlib.contextmanager
def nginx(port: int, folder: Path, *, buffering: bool, tls: bool = False) -> Iterator[Front]:
    """nginx before a listener.

    Args:
        buffering: it reads a body whole and sends it with its length.
        tls: it speaks TLS to the listener.
    """
    settings = {
        "scheme": "https" if tls else "http",
        "user": "user root;" if os.geteuid() == 0 else "",
        "buffering": "on" if buffering else "off",
    }
    command = [_program("nginx"), "-p", str(folder), "-c", str(folder / "front.conf")]
    with _running(_NGINX, command, signal.SIGQUIT, port, folder, **settings) as front_port:
        yield Front(front_port, folder / "sent.log", "nginx")


@contextlib.contextmanager
def haproxy(port: int, folder: Path, *, tls: bool = False) -> Iterator[Front]:
    """HAProxy before a listener; ``tls``: it speaks TLS to it."""
    ssl = " ssl verify none" if tls else ""
    command = [_program("haproxy"), "-db", "-f", str(folder / "front.conf")]
    with _running(_HAPROXY, command, signal.SIGUSR1, port, folder, mark=MARK, tls=ssl) as front_port:
        yield Front(front_port, folder / "output.log", "haproxy")


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed: nothing was sent through it (T-040 to T-057, R-071)")
    return found


@contextlib.contextmanager
def _running(
    template: str, command: list[str], end: signal.Signals, port: int, folder: Path, **settings: str
) -> Iterator[int]:
    """The front's port; ``end`` asks it to finish, and to log, what it has begun."""
    front_port = _free_port()
    folder.mkdir(exist_ok=True)
    text = template.format(port=port, front_port=front_port, folder=folder, **settings)
    (folder / "front.conf").write_text(text, encoding="utf-8")
    with (folder / "output.log").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=folder)
    try:
        wait_until(lambda: process.poll() is not None or _listens(front_port))
        assert process.poll() is None, (folder / "output.log").read_text(encoding="utf-8")
        yield front_port
    finally:
        process.send_signal(end)
        process.wait(30)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
