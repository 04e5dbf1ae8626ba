"""Functions that are HTTP endpoints: MinIO's dialect and AWS's, and endpoints that do not behave."""

import contextlib
import json
import re
import socketserver
import threading

import pytest
import requests
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from tests.compat.conftest import World
from tests.compat.webhook_server import free_port, serving

from onread.cli.spawn import gateway

pytestmark = [pytest.mark.compat, pytest.mark.slow]
TEXT = "Dear reader"


class Place:
    """A gateway that may call webhooks on this machine, and a server with some."""

    def __init__(self, world, url, hooks):
        self.world, self.url, self.hooks = world, url, hooks
        self.bucket = world.bucket()
        world.client("s3").put_object(Bucket=self.bucket, Key="dir/letter", Body=TEXT.encode())

    def webhook(self, path, **members):
        name = self.world.unique("hook")
        self.world.client("onread").put_function_webhook(
            FunctionName=name, Url=f"{self.url}/{path}", **members
        )
        return name

    def signed(self, function, key="dir/letter", arn="arn:minio:s3-object-lambda::{}:webhook", **more):
        """What minio-go's PresignedGetObject makes: lambdaArn among the signed parameters."""
        spawned = self.world.gateway
        request = AWSRequest(
            "GET",
            f"{self.world.endpoint}/{self.bucket}/{key}",
            params={"lambdaArn": arn.format(function), **more},
        )
        keys = Credentials(spawned.access_key_id, spawned.secret_access_key)
        S3SigV4QueryAuth(keys, "s3", "us-east-1", expires=60).add_auth(request)
        return request.url

    def read(self, function, **more):
        return requests.get(self.signed(function, **more), timeout=30)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    port = free_port()
    allowed = {"ONREAD_WEBHOOK_NETWORKS": "127.0.0.0/8", "ONREAD_WEBHOOK_PORTS": str(port)}
    data = tmp_path_factory.mktemp("webhooks") / "data"
    with serving([port]) as (url, hooks), gateway(data, environment=allowed) as spawned:
        yield Place(World(spawned), url, hooks)


def code_of(answer):
    return answer.text.partition("<Code>")[2].partition("</Code>")[0]


# MinIO's way


def test_minios_documented_handler_and_url(place):
    answer = place.read(place.webhook("minio_upper", Dialect="minio"))
    assert (answer.status_code, answer.text) == (200, TEXT.upper())


def test_minios_functions_see_their_event(place):
    name = place.webhook("minio_upper", Dialect="minio", AuthToken="open-sesame")
    answer = requests.get(place.signed(name, width="300"), headers={"X-Custom": "1"}, timeout=30)
    assert answer.status_code == 200
    headers, event = place.hooks.seen[-1]
    assert headers["Authorization"] == "Bearer open-sesame"
    assert headers["Content-Type"] == "application/json"
    assert event["userRequest"]["headers"]["X-Custom"] == ["1"]
    assert "width=300" in event["userRequest"]["url"]
    assert event["userIdentity"]["type"] == "Root"


def test_an_error_by_its_phrase_and_without_the_frameworks_page(place):
    answer = place.read(place.webhook("minio_refuses", Dialect="minio"))
    assert (answer.status_code, code_of(answer)) == (403, "NotYours")
    assert "not for the reader" not in answer.text


def test_forwarded_headers_alone_are_forwarded(place):
    answer = place.read(place.webhook("decorated", Dialect="minio"))
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["x-amz-meta-kind"] == "made"
    assert "Set-Cookie" not in answer.headers


def test_a_package_may_be_named_too(place):
    answer = place.read(place.world.function("uppercase"), arn="{}")
    assert (answer.status_code, answer.text) == (200, TEXT.upper())


@pytest.mark.parametrize(
    ("arn", "status", "code"),
    [
        ("arn:minio:s3-object-lambda::nobody:webhook", 404, "LambdaNotFound"),
        ("arn:aws:lambda:us-east-1:111122223333:function:other", 403, "LambdaPermissionError"),
        ("a/b", 400, "InvalidRequest"),
    ],
)
def test_a_function_that_is_not_there(place, arn, status, code):
    answer = place.read("", arn=arn)
    assert (answer.status_code, code_of(answer)) == (status, code)


def test_a_missing_key_is_the_functions_to_see(place):
    answer = place.read(place.webhook("minio_upper", Dialect="minio"), key="dir/nothing")
    assert "NOSUCHKEY" in answer.text  # the documented handler does not look at the status


def test_T130_the_input_url_of_a_bucket_reads_one_object(place):
    place.read(place.webhook("minio_upper", Dialect="minio"))
    url = place.hooks.seen[-1][1]["getObjectContext"]["inputS3Url"]
    assert requests.get(url, timeout=10).status_code == 403  # its run is over
    assert requests.get(url.replace("letter", "other"), timeout=10).status_code == 403


def test_who_may_read_but_not_invoke_is_refused(place):
    policy = f"""{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::{place.bucket}/*"}}]}}"""
    _, key_id, secret = place.world.user(policy)
    request = AWSRequest(
        "GET",
        f"{place.world.endpoint}/{place.bucket}/dir/letter",
        params={"lambdaArn": place.webhook("minio_upper", Dialect="minio")},
    )
    S3SigV4QueryAuth(Credentials(key_id, secret), "s3", "us-east-1", expires=60).add_auth(request)
    answer = requests.get(request.url, timeout=30)
    assert (answer.status_code, code_of(answer)) == (403, "LambdaPermissionError")


# Behind an Object Lambda access point


def test_head_through_a_webhook(place):
    alias = place.world.olap(place.bucket, place.webhook("heads"), actions=("HeadObject",))
    answer = place.world.client("s3").head_object(Bucket=alias, Key="dir/letter")
    assert answer["ContentLength"] == 2 * len(TEXT)
    assert answer["Metadata"] == {"by": "webhook"}


def test_an_answer_with_a_token_serves_an_access_points_reader(place):
    supporting = place.world.access_point(place.bucket)
    name, alias = place.world.olap_over(supporting, place.webhook("minio_upper"))
    answer = place.world.client("s3").get_object(Bucket=alias, Key="dir/letter")
    assert answer["Body"].read() == TEXT.upper().encode()
    assert place.hooks.seen[-1][1]["configuration"]["accessPointArn"].endswith(f":accesspoint/{name}")


def test_a_webhook_is_invoked_like_any_function(place):
    answer = place.world.client("lambda").invoke(FunctionName=place.webhook("echoes"), Payload=b'{"a":1}')
    assert json.load(answer["Payload"]) == {"a": 1}


# Endpoints that do not behave


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("wrong_token", 400, "LambdaInvalidResponse"),
        ("wrong_route", 400, "LambdaInvalidResponse"),
        ("no_token", 400, "LambdaInvalidResponse"),
        ("redirects", 400, "LambdaInvalidResponse"),
        ("boasts", 400, "LambdaInvalidResponse"),
        ("fails", 500, "LambdaRuntimeError"),
    ],
)
def test_T183_T185_what_a_webhook_may_not_do(place, path, status, code):
    answer = place.read(place.webhook(path, Dialect="minio"))
    assert (answer.status_code, code_of(answer)) == (status, code)
    assert "secret" not in answer.text


def test_T185_a_body_that_is_cut_is_cut_for_the_reader(place):
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError)):
        place.read(place.webhook("cut", Dialect="minio"))


def test_R032_a_webhook_that_hangs_is_over_at_its_timeout_and_hinders_nobody(place):
    hung = place.webhook("hangs", Dialect="minio", Timeout=1)
    answer = place.read(hung)
    assert (answer.status_code, code_of(answer)) == (500, "LambdaRuntimeError")
    assert place.read(place.webhook("minio_upper", Dialect="minio")).status_code == 200
    place.hooks.let_go.set()


def test_R032_nobody_listens(place):
    world = place.world
    port = int(place.url.rpartition(":")[2])
    world.client("onread").put_function_webhook(FunctionName="gone", Url=f"http://127.9.9.9:{port}/")
    answer = place.read("gone")
    assert (answer.status_code, code_of(answer)) == (400, "LambdaInvocationFailed")


def test_T187_nothing_but_a_code_tells_why_a_webhook_failed(place):
    """Of a closed port, and of one that speaks another protocol: no address, no banner, no errno."""
    port = int(place.url.rpartition(":")[2])
    codes = {"closed": "LambdaInvocationFailed", "banner": "LambdaInvalidResponse"}
    with speaking("127.9.9.8", port, b"SSH-2.0-OpenSSH_9.9\r\n"):
        for name, host in (("closed", "127.9.9.7"), ("banner", "127.9.9.8")):
            url = f"http://{host}:{port}/"
            place.world.client("onread").put_function_webhook(FunctionName=name, Url=url)
            answer = place.read(name)
            assert (answer.status_code, code_of(answer)) == (400, codes[name])
            assert not re.search(r"SSH|127\.9|refused|Errno|[Cc]onnect call", answer.text)


@contextlib.contextmanager
def speaking(host, port, banner):
    """A server that is no HTTP server."""

    class Speaks(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.sendall(banner)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address, daemon_threads = True, True

    with Server((host, port), Speaks) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


# What may be a webhook


def refused(client, **members):
    with pytest.raises(ClientError) as error:
        client.put_function_webhook(FunctionName="refused", **members)
    return error.value.response["Error"]


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:{port}/", "https://127.0.0.1/", "https://169.254.169.254/", "https://localhost/"],
)
def test_T180_without_leave_no_private_address(world, url):
    error = refused(world.client("onread"), Url=url.format(port=8000))
    assert error["Code"] == "InvalidParameterValueException"
    assert "webhook_networks" in error["Message"]


def test_T180_never_our_own_listeners(tmp_path):
    own = free_port()
    allowed = {"ONREAD_WEBHOOK_NETWORKS": "127.0.0.0/8", "ONREAD_WEBHOOK_PORTS": str(own)}
    with gateway(tmp_path / "data", "--listen", f"127.0.0.1:{own}", environment=allowed) as spawned:
        error = refused(World(spawned).client("onread"), Url=f"http://127.0.0.1:{own}/")
    assert error["Code"] == "InvalidParameterValueException"


@pytest.mark.parametrize(
    "members",
    [
        {"Url": "file:///etc/passwd"},
        {"Url": "{url}", "Dialect": "other"},
        {"Url": "{url}", "AuthToken": "a b c"},
        {"Url": "{url}", "AuthToken": "a\r\nb"},
        {"Url": "{url}", "Certificate": "x"},
        {"Url": "{url}", "Certificate": "x", "PrivateKey": "y"},
        {"Url": "{url}", "Timeout": 901},
    ],
)
def test_bad_members_are_refused_by_name(place, members):
    members = {k: v.format(url=place.url) if isinstance(v, str) else v for k, v in members.items()}
    assert refused(place.world.client("onread"), **members)["Code"] == "InvalidParameterValueException"


def test_a_package_does_not_become_a_webhook_nor_the_reverse(place):
    package, hook = place.world.function("uppercase"), place.webhook("echoes")
    with pytest.raises(ClientError, match="is a package"):
        place.world.client("onread").put_function_webhook(FunctionName=package, Url=place.url)
    with pytest.raises(ClientError, match="webhook"):
        place.world.client("lambda").update_function_code(FunctionName=hook, ZipFile=b"x")


def test_T290_secrets_of_webhooks_are_never_shown(place):
    name = place.webhook("echoes", AuthToken="canary-token-7")
    shown = place.world.client("onread").get_function_webhook(FunctionName=name)
    assert (shown["HasAuthToken"], shown["HasCertificate"]) == (True, False)
    listed = place.world.client("lambda").get_function(FunctionName=name)
    assert "canary-token-7" not in f"{shown}{listed}{place.world.log()}"
    data = place.world.gateway.log_file.parent
    assert not any(b"canary-token-7" in f.read_bytes() for f in data.rglob("*") if f.is_file())


def test_a_webhook_is_deleted_as_any_function(place):
    name = place.webhook("minio_upper", Dialect="minio")
    assert place.read(name).status_code == 200
    place.world.client("lambda").delete_function(FunctionName=name)
    assert code_of(place.read(name)) == "LambdaNotFound"
