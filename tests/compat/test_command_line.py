"""Every promised command, as a process of its own, against a gateway at an address without a name."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil
import pytest

from onread.cli.spawn import gateway

pytestmark = [pytest.mark.compat, pytest.mark.slow]

SCRIPT = Path(sys.executable).with_name("onread")
UPPERCASE = Path(__file__).parent / "functions" / "uppercase.py"
TEXT = "read me\n"


def clean_environment(**more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ONREAD_"))}
    return {**kept, **more}


def run(*arguments, environment, cwd=None, seconds=60):
    return subprocess.run(
        [SCRIPT, *map(str, arguments)],
        env=environment,
        cwd=cwd,
        capture_output=True,
        timeout=seconds,
        stdin=subprocess.DEVNULL,
    )


class CommandLine:
    """``onread`` as root of a running gateway, in a folder of its own."""

    def __init__(self, world, folder):
        self.environment = clean_environment(**world.gateway.environment())
        self.folder = folder

    def __call__(self, *arguments):
        """Standard output of a command that succeeds."""
        done = run(*arguments, environment=self.environment, cwd=self.folder)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def json(self, *arguments):
        return json.loads(self(*arguments, "--json"))

    def refusal(self, *arguments):
        """The one line on standard error of a command that is refused."""
        done = run(*arguments, environment=self.environment, cwd=self.folder)
        assert (done.returncode, done.stdout) == (1, b"")
        assert done.stderr.decode().startswith("onread: ")
        assert done.stderr.count(b"\n") == 1
        return done.stderr.decode()


@pytest.fixture(scope="module")
def onread(world, tmp_path_factory):
    folder = tmp_path_factory.mktemp("commands")
    (folder / "object.txt").write_text(TEXT)
    return CommandLine(world, folder)


@pytest.fixture(scope="module")
def read(onread):
    """A bucket, an object, a function and both access points, all made by the command line."""
    return {
        "bucket": onread.json("bucket", "create", "books"),
        "object": onread.json("put", "books", "a/ö.txt", "object.txt"),
        "access point": onread.json("access-point", "create", "shelf", "--bucket", "books"),
        "function": onread.json(
            "function", "create", "shout", "--handler", "uppercase.handler", "--runtime", "python3.11",
            "--code", UPPERCASE, "--env", "WORD=one=two", "--timeout", "20", "--memory", "256",
        ),
        "olap": onread.json(
            "olap", "create", "loud", "--access-point", "shelf", "--function", "shout",
            "--actions", "GetObject", "--allow", "GetObject-Range", "--payload", "seven",
        ),
    }  # fmt: skip


def test_the_main_job_needs_no_other_client(onread, read):
    assert onread("get", "books", "a/ö.txt") == TEXT
    assert onread("get", read["olap"]["Alias"], "a/ö.txt") == TEXT.upper()
    assert onread("get", "loud.olap", "a/ö.txt") == TEXT.upper()


def test_what_is_made_is_told_in_json(onread, read):
    assert read["bucket"] == {"Name": "books"}
    assert read["access point"]["AccessPointArn"].endswith(":accesspoint/shelf")
    assert read["function"]["Environment"] == {"Variables": {"WORD": "one=two"}}
    assert (read["function"]["Timeout"], read["function"]["MemorySize"]) == (20, 256)
    assert read["olap"]["ObjectLambdaAccessPointArn"].endswith(":accesspoint/loud")
    assert read["olap"]["Alias"].endswith("--ol-s3")


def test_lists_are_tables_for_people_and_json_for_scripts(onread, read):
    assert "books" in [bucket["Name"] for bucket in onread.json("bucket", "list")]
    assert [item["Key"] for item in onread.json("ls", "books", "a/")] == ["a/ö.txt"]
    assert "shelf" in [item["Name"] for item in onread.json("access-point", "list")]
    assert "loud" in [item["Name"] for item in onread.json("olap", "list")]
    assert "shout" in [item["FunctionName"] for item in onread.json("function", "list")]
    table = onread("ls", "books").splitlines()
    assert table[0].split() == ["LastModified", "Size", "Key"]
    assert table[1].split()[1:] == [str(len(TEXT)), "a/ö.txt"]


def test_one_thing_can_be_shown(onread, read):
    assert onread.json("head", "books", "a/ö.txt")["ContentLength"] == len(TEXT)
    assert onread.json("access-point", "show", "shelf")["Bucket"] == "books"
    shown = onread.json("olap", "show", "loud")
    assert shown["Configuration"]["AllowedFeatures"] == ["GetObject-Range"]
    [transformation] = shown["Configuration"]["TransformationConfigurations"]
    assert transformation["ContentTransformation"]["AwsLambda"]["FunctionPayload"] == "seven"


def test_what_aws_has_no_field_for_is_set_and_shown(onread, read):
    plain = {"Name": "loud", "Range": "aws", "Anonymous": "off", "ListSizes": "original"}
    assert onread.json("olap", "configure", "loud") == plain
    assert onread.json("olap", "configure", "loud", "--range", "function")["Range"] == "function"
    assert onread.json("olap", "show", "loud")["Settings"] == {
        "Range": "function",
        "Anonymous": "off",
        "ListSizes": "original",
    }
    assert onread.json("olap", "configure", "loud", "--range", "aws")["Range"] == "aws"
    for switch in ("on", "off"):
        assert onread.json("olap", "configure", "loud", "--anonymous", switch)["Anonymous"] == switch
    assert "NoSuchAccessPoint" in onread.refusal("olap", "configure", "quiet", "--range", "aws")


def test_plain_botocore_calls_our_operations_with_our_model_on_its_data_path(onread, read):
    folder = onread("models").strip()
    program = (
        "import os, boto3\n"
        "own = boto3.client('onread', endpoint_url=os.environ['ONREAD_ENDPOINT'])\n"
        "print(own.get_object_lambda_access_point_settings(Name='loud')['Range'])\n"
    )
    environment = {**onread.environment, "AWS_DATA_PATH": folder, "AWS_DEFAULT_REGION": "us-east-1"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, timeout=60)
    assert done.stdout == b"aws\n", done.stderr.decode()
    aws = [SCRIPT.with_name("aws"), "--endpoint-url", environment["ONREAD_ENDPOINT"], "onread"]
    command = [*aws, "get-object-lambda-access-point-settings", "--name", "loud"]
    done = subprocess.run(command, env=environment, capture_output=True, timeout=60)
    shown = {"Name": "loud", "Range": "aws", "Anonymous": "off", "ListSizes": "original"}
    assert json.loads(done.stdout) == shown, done.stderr.decode()


def test_a_presigned_url_needs_no_credentials(onread, read):
    url = onread("presign", "loud.olap", "a/ö.txt", "--expires", "60").strip()
    with urllib.request.urlopen(url, timeout=20) as answer:
        assert answer.read().decode() == TEXT.upper()


def test_a_file_is_written_whole_or_left_as_it_was(onread, read):
    onread("get", "loud.olap", "a/ö.txt", "-o", "out.txt")
    assert (onread.folder / "out.txt").read_text() == TEXT.upper()
    onread.refusal("get", "books", "missing", "-o", "out.txt")
    assert (onread.folder / "out.txt").read_text() == TEXT.upper()
    assert not list(onread.folder.glob("*.part"))


def test_a_function_is_invoked_updated_configured_and_its_log_read(onread, read, tmp_path):
    code = tmp_path / "app.py"
    code.write_text(
        "def handler(event, context):\n    print('it said', event['word'])\n    return event['word']\n"
    )
    onread("function", "create", "echo", "--code", code)
    done = onread.json("function", "invoke", "echo", "--payload", '{"word": "yes"}')
    assert json.loads(done["Payload"]) == "yes"
    assert "it said yes" in done["Log"]
    assert "it said yes" in onread("function", "logs", "echo")
    assert any("it said yes" in line["Message"] for line in onread.json("function", "logs", "echo"))
    updated = onread.json("function", "update", "echo", "--memory", "300", "--code", code)
    assert (updated["MemorySize"], updated["Handler"]) == (300, "app.handler")
    assert onread.json("function", "configure", "echo", "--max", "3")["WarmEnvironments"] == 3
    failed = run("function", "invoke", "echo", environment=onread.environment)
    assert failed.returncode == 1
    assert b"KeyError" in failed.stdout
    assert onread.json("function", "delete", "echo") == {"Deleted": "echo"}
    assert "ResourceNotFoundException" in onread.refusal("function", "invoke", "echo")


def test_a_user_has_a_key_that_is_rotated_disabled_and_deleted(onread, read):
    policy = onread.folder / "policy.json"
    statement = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
    policy.write_text(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    made = onread.json("key", "create", "anna", "--policy", policy)
    anna = {
        **onread.environment,
        "AWS_ACCESS_KEY_ID": made["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"],
    }
    assert run("bucket", "list", environment=anna).returncode == 0
    assert b"AccessDenied" in run("ls", "books", environment=anna).stderr
    rotated = onread.json("key", "rotate", "anna")
    assert b"InvalidAccessKeyId" in run("bucket", "list", environment=anna).stderr
    anna["AWS_ACCESS_KEY_ID"] = rotated["AccessKeyId"]
    anna["AWS_SECRET_ACCESS_KEY"] = rotated["SecretAccessKey"]
    assert run("bucket", "list", environment=anna).returncode == 0
    assert onread.json("key", "disable", "anna") == {"Disabled": "anna"}
    assert run("bucket", "list", environment=anna).returncode == 1
    [key] = [key for key in onread.json("key", "list") if key["UserName"] == "anna"]
    assert key["Status"] == "Inactive"
    assert "SecretAccessKey" not in key
    assert onread.json("key", "delete", "anna") == {"Deleted": "anna"}


def test_a_user_whose_policy_is_refused_is_not_left_behind(onread, read):
    policy = onread.folder / "bad.json"
    policy.write_text('{"Version": "2012-10-17"}')
    assert "MalformedPolicyDocument" in onread.refusal("key", "create", "otto", "--policy", policy)
    assert "otto" not in onread("key", "list")


def test_what_is_made_can_be_deleted(onread):
    onread("bucket", "create", "brief")
    onread("access-point", "create", "brief", "--bucket", "brief")
    onread("function", "create", "brief", "--code", UPPERCASE)
    onread("olap", "create", "brief", "--access-point", "brief", "--function", "brief")
    assert onread.json("olap", "delete", "brief") == {"Deleted": "brief"}
    assert onread.json("access-point", "delete", "brief") == {"Deleted": "brief"}
    assert onread.json("function", "delete", "brief") == {"Deleted": "brief"}
    assert onread.json("bucket", "delete", "brief") == {"Deleted": "brief"}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("bucket", "create", "books"), "BucketAlreadyOwnedByYou"),
        (("bucket", "create", "Books"), "InvalidBucketName"),
        (("bucket", "create", "other", "--store", "far"), "there is no store named far"),
        (("bucket", "delete", "books"), "BucketHasAccessPointsAttached"),
        (("access-point", "create", "x", "--bucket", "books"), "Name"),
        (("function", "create", "none", "--code", "missing"), "missing"),
        (("olap", "create", "none", "--access-point", "none", "--function", "shout"), "does not exist"),
        (("get", "none.olap", "k"), "InvalidAccessPointAliasError"),
        (("head", "books", "missing"), "404"),
        (("put", "books", "k", "missing"), "missing: No such file or directory"),
    ],
)
def test_a_refused_request_ends_with_1_and_one_line(onread, read, arguments, reason):
    assert reason.lower() in onread.refusal(*arguments).lower()


def test_a_gateway_that_is_not_there_is_named(tmp_path):
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"
        keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
        done = run("bucket", "list", environment=clean_environment(ONREAD_ENDPOINT=endpoint, **keys))
    assert done.returncode == 1
    assert f"onread: {endpoint} does not answer" in done.stderr.decode()
    assert b"onread serve" in done.stderr


def test_no_credentials_are_missed_by_name(world, tmp_path):
    nothing = clean_environment(
        ONREAD_ENDPOINT=world.endpoint, HOME=str(tmp_path), AWS_EC2_METADATA_DISABLED="true"
    )
    done = run("bucket", "list", environment=nothing)
    assert done.returncode == 1
    assert b"AWS_ACCESS_KEY_ID" in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_doctor_looks_at_a_running_gateway(onread, world):
    data = world.gateway.log_file.with_suffix("")
    findings = {finding["subject"]: finding for finding in onread.json("doctor", "--data-dir", data)}
    for subject in (
        "settings",
        "database control.sqlite3",
        "database store/index.sqlite",
        "runtime",
        "gateway",
        "clock",
    ):
        assert findings[subject]["state"] == "ok", findings[subject]
    assert findings["isolation"]["state"] == "warning"


# The commands that start a gateway


def test_demo_shows_the_main_job_and_leaves_nothing(tmp_path):
    before = set(tmp_path.iterdir())
    done = run("demo", environment=clean_environment(TMPDIR=str(tmp_path)), cwd=tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    told = done.stdout.decode()
    assert "Dear reader" in told
    assert "DEAR READER" in told
    assert "ms" in told
    assert "onread olap create" in told
    assert set(tmp_path.iterdir()) == before


def test_demo_that_is_kept_goes_on_until_it_is_ended(tmp_path):
    done = run("demo", "--keep", environment=clean_environment(TMPDIR=str(tmp_path)), cwd=tmp_path)
    told = done.stdout.decode()
    process = psutil.Process(int(re.search(r"kill (\d+)", told)[1]))
    try:
        assert done.returncode == 0, done.stderr.decode()
        exported = dict(re.findall(r"^export (\w+)=(.*)$", told, re.MULTILINE))
        again = run("get", "shout.olap", "letter.txt", environment=clean_environment(**exported))
        assert b"DEAR READER" in again.stdout
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def serve(*arguments, seconds=10, **environment):
    """``onread serve`` that is refused: its status and its one line; never slower than R-052 allows."""
    begun = time.monotonic()
    addresses = ("--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")
    done = run("serve", *addresses, *arguments, environment=clean_environment(**environment), seconds=seconds)
    assert time.monotonic() - begun < 5
    assert done.stdout == b""
    assert done.stderr.count(b"\n") == 1, done.stderr.decode()
    return done.returncode, done.stderr.decode()


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A data directory that a gateway made and left."""
    data = tmp_path_factory.mktemp("stopped") / "data"
    with gateway(data):
        pass
    return data


@pytest.mark.parametrize("flag", ["listen", "admin-listen"])
def test_R052_a_taken_port_is_named(stopped, flag):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        status, line = serve("--data-dir", stopped, f"--{flag}", address)
    assert status == 1
    assert f"{flag.replace('-', '_')} {address}: Address already in use" in line


def test_R052_a_data_directory_in_use_is_named(world):
    data = world.gateway.log_file.with_suffix("")
    status, line = serve("--data-dir", data)
    assert status == 1
    assert str(data) in line


def test_R052_a_data_directory_that_is_none_is_named(tmp_path):
    (tmp_path / "file").touch()
    status, line = serve("--data-dir", tmp_path / "file")
    assert status == 1
    assert str(tmp_path / "file") in line


def test_R052_wrong_settings_end_with_2(tmp_path):
    status, line = serve("--workers", "65")
    assert status == 2
    assert "workers" in line
    status, line = serve("--config", tmp_path / "missing.toml")
    assert status == 2
    assert "missing.toml" in line
    status, line = serve(ONREAD_TLS_CERT="cert.pem")
    assert status == 2
    assert "tls_cert, tls_key: give both or neither" in line


@pytest.fixture
def changed(stopped):
    """The stopped data directory, to be changed; afterwards it is what it was."""
    before = {file: file.read_bytes() for file in stopped.rglob("*") if file.is_file()}
    yield stopped
    for file, content in before.items():
        file.write_bytes(content)
        file.chmod(0o600)


def test_R052_R053_a_newer_schema_is_named(changed):
    connection = sqlite3.connect(changed / "control.sqlite3")
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    status, line = serve("--data-dir", changed)
    assert status == 1
    assert "newer onread" in line


def test_R052_R053_a_newer_store_is_named(changed):
    connection = sqlite3.connect(changed / "store" / "index.sqlite")
    connection.execute("PRAGMA user_version = 9999")
    connection.close()
    status, line = serve("--data-dir", changed)
    assert status == 1
    assert "newer onread" in line


@pytest.mark.parametrize("name", ["control.sqlite3", "store/index.sqlite"])
def test_R052_a_file_that_is_no_database_is_named(changed, name):
    (changed / name).write_bytes(b"no database at all" * 1000)
    status, line = serve("--data-dir", changed)
    assert status == 1
    assert name in line


@pytest.mark.parametrize("name", ["master-key", "root-access-key.json"])
def test_R052_a_key_that_others_may_read_is_refused(changed, name):
    (changed / name).chmod(0o644)
    status, line = serve("--data-dir", changed)
    assert status == 1
    assert f"chmod 600 {changed / name}" in line


def test_a_start_after_refusals_finds_everything(stopped):
    """Nothing is half-started: what was refused leaves the data directory as good as it was."""
    with gateway(stopped) as spawned:
        assert spawned.endpoint


def test_the_module_is_the_command_too(onread):
    done = subprocess.run([sys.executable, "-m", "onread", "--help"], capture_output=True, timeout=20)
    assert done.returncode == 0
    assert b"olap" in done.stdout
