"""HTTP endpoints that functions may be: well-behaved ones, and those that are not."""

import contextlib
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests


class Hooks:
    """A server whose paths are its behaviours; ``seen`` keeps what was posted."""

    def __init__(self):
        self.seen = []
        self.let_go = threading.Event()


def minio_upper(hooks, handler, event):
    """The handler of MinIO's documentation."""
    context = event["getObjectContext"]
    original = requests.get(context["inputS3Url"], timeout=10)
    answer = {"x-amz-request-route": context["outputRoute"], "x-amz-request-token": context["outputToken"]}
    handler.answer(200, original.content.decode().upper().encode(), **answer)


def minio_refuses(hooks, handler, event):
    context = event["getObjectContext"]
    handler.answer(
        200,
        b"<html>not for the reader</html>",
        **{
            "x-amz-request-route": context["outputRoute"],
            "x-amz-request-token": context["outputToken"],
            "x-amz-fwd-status": "Forbidden",
            "x-amz-fwd-error-code": "NotYours",
            "x-amz-fwd-error-message": "not yours",
        },
    )


def decorated(hooks, handler, event):
    context = event["getObjectContext"]
    handler.answer(
        200,
        b"{}",
        **{
            "x-amz-request-route": context["outputRoute"],
            "x-amz-request-token": context["outputToken"],
            "x-amz-fwd-header-Content-Type": "application/json",
            "x-amz-meta-kind": "made",
            "Set-Cookie": "a=b",
        },
    )


def wrong_token(hooks, handler, event):
    context = event["getObjectContext"]
    token = context["outputToken"][:-4] + "AAAA"
    handler.answer(200, b"x", **{"x-amz-request-route": context["outputRoute"], "x-amz-request-token": token})


def wrong_route(hooks, handler, event):
    context = event["getObjectContext"]
    answer = {"x-amz-request-route": "io-elsewhere", "x-amz-request-token": context["outputToken"]}
    handler.answer(200, b"x", **answer)


def no_token(hooks, handler, event):
    handler.answer(200, b"the original, perhaps")


def redirects(hooks, handler, event):
    handler.answer(302, b"", Location=f"http://127.0.0.1:{handler.server.server_port}/minio_upper")


def fails(hooks, handler, event):
    handler.answer(500, b"Traceback: the secret")


def cut(hooks, handler, event):
    context = event["getObjectContext"]
    handler.start(
        200,
        **{
            "x-amz-request-route": context["outputRoute"],
            "x-amz-request-token": context["outputToken"],
            "Content-Length": "100",
        },
    )
    handler.wfile.write(b"only this")


def hangs(hooks, handler, event):
    hooks.let_go.wait(20)


def boasts(hooks, handler, event):
    handler.answer(200, b"x", **{"X-Large": "x" * (33 << 10)})


def heads(hooks, handler, event):
    with requests.head(event["headObjectContext"]["inputS3Url"], timeout=10) as original:
        length = int(original.headers["Content-Length"])
    answer = {"statusCode": 200, "headers": {"Content-Length": length * 2, "x-amz-meta-by": "webhook"}}
    handler.answer(200, json.dumps(answer).encode())


def echoes(hooks, handler, event):
    handler.answer(200, json.dumps(event).encode())


BEHAVIOURS = {
    each.__name__: each
    for each in (
        minio_upper, minio_refuses, decorated, wrong_token, wrong_route, no_token, redirects, fails, cut,
        hangs, boasts, heads, echoes,
    )
}  # fmt: skip


@contextlib.contextmanager
def serving(ports):
    """A server on the first of these ports that is free; gives its URL and what it saw."""
    hooks = Hooks()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            hooks.seen.append((dict(self.headers), event))
            self.close_connection = self.path == "/cut"
            BEHAVIOURS[self.path.removeprefix("/")](hooks, self, event)

        def start(self, status, **headers):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def answer(self, status, body, **headers):
            self.start(status, **headers, **{"Content-Length": str(len(body))})
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = _bind(ports, Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", hooks
    finally:
        hooks.let_go.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _bind(ports, handler):
    for port in ports:
        with contextlib.suppress(OSError):
            return ThreadingHTTPServer(("127.0.0.1", port), handler)
    raise OSError("no port is free")


def free_port():
    """A port that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
