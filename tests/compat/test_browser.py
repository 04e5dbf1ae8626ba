"""A real browser: a signed URL opened, and scripts of an origin that may read and of one that may not."""

import contextlib
import json
import queue
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.compat.policy_documents import make_place

pytestmark = [pytest.mark.compat, pytest.mark.slow]
_PATIENCE_SECONDS = 90
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
)  # fmt: skip
_PAGE = """<!doctype html><title>page</title><script>
const asked = ASKED;
async function attempt(step) {
  try { return await step(); } catch (error) { return "refused: " + error.name; }
}
(async () => {
  const told = {origin: location.origin};
  told.read = await attempt(async () => {
    const answer = await fetch(asked.get);
    return [answer.status, await answer.text(), answer.headers.get("etag"), answer.headers.get("x-amz-id-2")];
  });
  told.denied = await attempt(async () => (await fetch(asked.denied)).status);
  told.written = await attempt(async () => {
    const headers = {"Content-Type": "text/markdown"};
    return (await fetch(asked.put, {method: "PUT", headers, body: location.host})).status;
  });
  await fetch("/told", {method: "POST", body: JSON.stringify(told)});
})();
</script>FRAME"""


@pytest.fixture
def chromium(tmp_path):
    """Opens a URL and gives the document as it is when it has loaded, or leaves it open for a while."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no Chromium on this machine")
    command = [program, *_FLAGS, f"--user-data-dir={tmp_path / 'profile'}"]

    def dump(url):
        done = subprocess.run(
            [*command, "--dump-dom", url], capture_output=True, timeout=_PATIENCE_SECONDS, check=False
        )
        return done.stdout.decode()

    @contextlib.contextmanager
    def showing(url):
        opened = subprocess.Popen(
            [*command, "--remote-debugging-port=0", url],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            opened.terminate()
            opened.wait(_PATIENCE_SECONDS)

    dump.showing = showing
    return dump


@contextlib.contextmanager
def site(page_of):
    """A site on two hosts, so of two origins; what its pages tell, in the order in which it comes."""
    told = queue.Queue()

    class Site(BaseHTTPRequestHandler):
        def do_GET(self):
            body = page_of(self.headers["Host"], self.path).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self):
            told.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port, told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_browser_opens_a_signed_url(world, chromium):
    url = world.presigned(make_place(world).bucket, "k", ResponseContentType="text/plain")
    assert ">data<" in chromium(url)


def test_scripts_read_and_write_where_the_bucket_lets_their_origin(world, chromium):
    place, s3 = make_place(world), world.client("s3")

    def sign(operation, key, **params):
        return s3.generate_presigned_url(operation, Params={"Bucket": place.alias, "Key": key, **params})

    def page(host, path):
        asked = {
            "get": sign("get_object", "k"),
            "denied": f"{world.endpoint}/{place.bucket}/k",
            "put": sign("put_object", host.partition(":")[0]),
        }
        other = "localhost:" + host.partition(":")[2]
        frame = f'<iframe src="http://{other}/inner"></iframe>' if path == "/" else ""
        return _PAGE.replace("ASKED", json.dumps(asked)).replace("FRAME", frame)

    with site(page) as (port, told):
        allowed = f"http://127.0.0.1:{port}"
        rule = {
            "AllowedOrigins": [allowed],
            "AllowedMethods": ["GET", "PUT"],
            "AllowedHeaders": ["content-type"],
            "ExposeHeaders": ["x-amz-id-2"],
        }
        s3.put_bucket_cors(Bucket=place.bucket, CORSConfiguration={"CORSRules": [rule]})
        with chromium.showing(f"{allowed}/"):
            answers = [told.get(timeout=_PATIENCE_SECONDS) for _ in range(2)]
    by_origin = {answer.pop("origin"): answer for answer in answers}
    assert by_origin[allowed]["read"][:3] == [200, "data", None], "the ETag is not exposed"
    assert by_origin[allowed]["read"][3], "this one is"
    assert by_origin[allowed]["denied"] == 403, "a refusal can be read, too"
    assert by_origin[allowed]["written"] == 200
    assert by_origin[f"http://localhost:{port}"] == dict.fromkeys(
        ("read", "denied", "written"), "refused: TypeError"
    )
    written = {entry["Key"] for entry in s3.list_objects_v2(Bucket=place.bucket)["Contents"]}
    assert "127.0.0.1" in written
    assert "localhost" not in written
