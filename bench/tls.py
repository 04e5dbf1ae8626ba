"""GETs under TLS beside nginx with TLS: the same key and certificate, the same client, turn by turn.

The client is Python, slower than nginx: where answers are small the servers' CPU is compared, not the
rate. What TLS adds to a gateway is told, too.

    python -m bench.tls
"""

import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.gateway import BUCKET, World, of_process
from bench.rendezvous import free_port, nginx_program, wait_for, workers
from bench.table import Row, main
from onread.cli.client import make_client
from onread.cli.spawn import gateway

HERE = Path(__file__).parent
TURNS = 5
NGINX = """
daemon off; worker_processes 1; error_log stderr crit; pid @FOLDER@/nginx.pid;
events { worker_connections 1024; }
http {
  access_log off; sendfile on; keepalive_requests 100000000;
  client_body_temp_path @FOLDER@/client; proxy_temp_path @FOLDER@/proxy; fastcgi_temp_path @FOLDER@/fastcgi;
  uwsgi_temp_path @FOLDER@/uwsgi; scgi_temp_path @FOLDER@/scgi;
  upstream files { server 127.0.0.1:@UPSTREAM_PORT@; keepalive 8; keepalive_requests 100000000; }
  server { listen 127.0.0.1:@UPSTREAM_PORT@; root @FOLDER@/files; }
  server {
    listen 127.0.0.1:@PORT@ ssl;
    ssl_certificate @FOLDER@/server.pem; ssl_certificate_key @FOLDER@/server-key.pem;
    ssl_protocols TLSv1.2 TLSv1.3; ssl_session_tickets on;
    root @FOLDER@/files;
    location /p/ {
      proxy_pass http://files/; proxy_http_version 1.1; proxy_set_header Connection "";
    }
  }
}
"""


@dataclass(frozen=True)
class Case:
    """One kind of answer.

    Attributes:
        connections: ``keep`` for one, ``new`` for one an answer.
    """

    name: str
    object_key: str
    size_bytes: int
    count: int
    transformed: bool = False
    connections: str = "keep"


CASES = [
    Case("GET 1 KiB", "small", 1 << 10, 1500),
    Case("transformed GET 1 KiB", "small", 1 << 10, 300, transformed=True),
    Case("handshake and GET 1 KiB", "small", 1 << 10, 200, connections="new"),
    Case("GET 64 MiB", "large", 64 << 20, 6),
]


@dataclass(frozen=True)
class Taken:
    """What the answers of one turn took each."""

    seconds: float
    cpu_us: float


@dataclass(frozen=True)
class Target:
    """A server under measurement, and where its answers are."""

    port: int
    pids: list[int]
    ca: str
    files: dict[str, Path]

    def take(self, case: Case) -> Taken:
        """Measure one turn of one case."""
        before = sum(of_process(pid) for pid in self.pids)
        words = [self.port, self.ca, case.count, case.size_bytes, self.files[case.name], case.connections]
        command = [sys.executable, str(HERE / "tls_client.py"), *map(str, words)]
        output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout
        cpu = sum(of_process(pid) for pid in self.pids) - before
        return Taken(float(output) / case.count, cpu / case.count * 1e6)


def run() -> list[Row]:
    """Each kind of answer from nginx, from onread, and from onread without TLS."""
    if nginx_program() is None:
        sys.stderr.write("SKIPPED: nginx is not installed; TLS is compared with its\n")
        return [Row("GET under TLS / nginx's", "nginx is not installed", "", None)]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        make_certificate(folder)
        ca = str(folder / "server.pem")
        targets = {
            "nginx": stack.enter_context(nginx_target(folder, ca)),
            "onread": stack.enter_context(gateway_target(folder, "tls", ca)),
            "plain": stack.enter_context(gateway_target(folder, "plain", "-")),
        }
        taken = {(name, case.name): [] for name in targets for case in CASES}
        for _ in range(TURNS):
            for case in CASES:
                for name, target in targets.items():
                    taken[name, case.name].append(target.take(case))
    medians = {key: median(turns) for key, turns in taken.items()}
    return [row for case in CASES for row in rows_of(case, *(medians[name, case.name] for name in targets))]


def median(turns: list[Taken]) -> Taken:
    """The middle of each figure."""
    seconds = statistics.median(turn.seconds for turn in turns)
    return Taken(seconds, statistics.median(turn.cpu_us for turn in turns))


def rows_of(case: Case, nginx: Taken, onread: Taken, plain: Taken) -> Iterator[Row]:
    """One case beside nginx, and beside the gateway itself without TLS."""
    how = f"{TURNS} x {case.count}, one caller"
    if case.transformed:
        how += "; nginx's is a proxied file"
    if case.size_bytes > 1 << 20:
        rates = [case.size_bytes / each.seconds / 1e9 for each in (onread, nginx, plain)]
        values = f"{rates[0]:.2f} / {rates[1]:.2f} GB/s"
        yield Row(f"TLS {case.name}: rate / nginx's", how, values, rates[0] / rates[1])
        values = f"{rates[0]:.2f} / {rates[2]:.2f} GB/s"
        yield Row(f"TLS {case.name}: rate / without TLS", how, values, rates[0] / rates[2])
    cpu = [each.cpu_us for each in (onread, nginx, plain)]
    values = f"{cpu[0]:.0f} / {cpu[1]:.0f} us"
    yield Row(f"TLS {case.name}: CPU / nginx's", how, values, cpu[0] / max(cpu[1], 1.0))
    yield Row(f"TLS {case.name}: CPU / without TLS", how, f"{cpu[0]:.0f} / {cpu[2]:.0f} us", cpu[0] / cpu[2])


def make_certificate(folder: Path) -> None:
    """A key on P-256 and a certificate of its own, which is its authority, too."""
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    )
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    files = ["-keyout", str(folder / "server-key.pem"), "-out", str(folder / "server.pem")]
    subprocess.run([*command.split(), *names, *files], check=True, capture_output=True)


@contextmanager
def nginx_target(folder: Path, ca: str) -> Iterator[Target]:
    """nginx over files of the same sizes."""
    files = folder / "files"
    files.mkdir()
    requests = {}
    port = free_port()
    for case in CASES:
        (files / case.object_key).write_bytes(b"a" * case.size_bytes)
        path = f"{'/p' if case.transformed else ''}/{case.object_key}"
        requests[case.name] = folder / f"nginx {case.name}"
        requests[case.name].write_bytes(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    text = NGINX
    for name, value in {"FOLDER": folder, "PORT": port, "UPSTREAM_PORT": free_port()}.items():
        text = text.replace(f"@{name}@", str(value))
    (folder / "nginx.conf").write_text(text)
    os.chmod(folder, 0o755)  # nginx's worker may run as another user
    with subprocess.Popen([str(nginx_program()), "-c", str(folder / "nginx.conf")]) as process:
        try:
            wait_for(port)
            yield Target(port, [process.pid, *workers(process.pid)], ca, requests)
        finally:
            process.send_signal(signal.SIGTERM)


@contextmanager
def gateway_target(folder: Path, name: str, ca: str) -> Iterator[Target]:
    """A gateway over objects of the same sizes, and one function."""
    environment = {}
    if ca != "-":
        environment = {"ONREAD_TLS_CERT": ca, "ONREAD_TLS_KEY": str(folder / "server-key.pem")}
    with gateway(folder / name, environment=environment) as spawned:
        made = World(spawned, folder, folder)
        for service in ("s3", "s3control", "lambda"):
            made.clients[service] = make_client(
                service,
                endpoint_url=spawned.endpoint,
                access_key_id=spawned.access_key_id,
                secret_access_key=spawned.secret_access_key,
                ca_file=None if ca == "-" else Path(ca),
            )
        made.client("s3").create_bucket(Bucket=BUCKET)
        alias = made.transformed_by("once")
        requests = {}
        for case in CASES:
            made.put(case.object_key, case.size_bytes)
            requests[case.name] = folder / f"{name} {case.name}"
            requests[case.name].write_bytes(
                made.request(alias if case.transformed else BUCKET, case.object_key)
            )
        yield Target(made.port, [made.pid], ca, requests)


if __name__ == "__main__":
    main(run)
