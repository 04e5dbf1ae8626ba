"""Chromium as a client: a page of another origin fetches URLs that somebody has signed."""

import base64
import json
import queue
import subprocess
import threading
from collections.abc import Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.matrix.clients import PATIENCE_SECONDS, Client
from tests.matrix.environments import program

from onread.cli.client import make_client

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    "--remote-debugging-port=0",
)  # fmt: skip
# A script reads what the bucket's CORS rules let it: status, body and the headers that are exposed.
PAGE = """<!doctype html><title>page</title><script>
const text = (bytes) => new Promise((done) => {
  const reader = new FileReader();
  reader.onload = () => done(reader.result.slice(reader.result.indexOf(",") + 1));
  reader.readAsDataURL(bytes);
});
(async () => {
  const told = [];
  for (const {url, options} of ASKED) {
    const answer = await fetch(url, options);
    const body = options.method === "PUT" ? "" : await text(await answer.blob());
    told.push({status: answer.status, body, length: answer.headers.get("content-length")});
  }
  return told;
})().catch((error) => String(error)).then(
  (told) => fetch("/told", {method: "POST", body: JSON.stringify(told)}));
</script>"""


class Chromium(Client):
    name = "Chromium"
    rewrites = frozenset({".", ".."})

    def get(self, bucket: str, key: str) -> bytes:
        return self.get_all(bucket, [key])[0]

    def get_all(self, bucket: str, keys: Any) -> list[bytes]:
        asked = [{"url": self.signed("get_object", bucket, key), "options": {}} for key in keys]
        return [base64.b64decode(answer["body"]) for answer in self.fetched(asked)]

    def size(self, bucket: str, key: str) -> int:
        url = self.signed("head_object", bucket, key)
        return int(self.fetched([{"url": url, "options": {"method": "HEAD"}}])[0]["length"])

    def range(self, bucket: str, key: str, first: int, last: int) -> bytes:
        options = {"headers": {"Range": f"bytes={first}-{last}"}}
        [answer] = self.fetched([{"url": self.signed("get_object", bucket, key), "options": options}])
        assert answer["status"] == 206
        return base64.b64decode(answer["body"])

    def signed(self, operation: str, bucket: str, key: str) -> str:
        keys = {
            name: self.credentials[f"AWS_{name.upper()}"] for name in ("access_key_id", "secret_access_key")
        }
        s3 = make_client("s3", endpoint_url=self.endpoint, **keys)
        return str(s3.generate_presigned_url(operation, Params={"Bucket": bucket, "Key": key}))

    def fetched(self, asked: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """What a page tells of its fetches."""
        profile = self.file()
        with _site(PAGE.replace("ASKED", json.dumps(asked))) as (url, told):
            opened = subprocess.Popen(
                [program("chromium"), *FLAGS, f"--user-data-dir={profile}", url],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            try:
                answers = told.get(timeout=PATIENCE_SECONDS)
            finally:
                opened.terminate()
                opened.wait(PATIENCE_SECONDS)
        assert isinstance(answers, list), answers
        assert all(answer["status"] < 300 for answer in answers), answers
        return answers


@contextmanager
def _site(page: str) -> Any:
    told: queue.Queue[Any] = queue.Queue()

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def do_POST(self) -> None:
            told.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
