"""What a function is given, and what it can do with it: no more than its caller meant."""

import io
import json
import re
import stat
import zipfile

import psutil
import pytest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from tests.compat.callers import fetch, presign, stage, status_and_code, write_request
from tests.compat.conftest import ACCOUNT, FUNCTIONS, wait_until

pytestmark = [pytest.mark.compat, pytest.mark.slow]
ALLOW_ALL = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)
CANARY = "canary-51c2e8"


@pytest.fixture(scope="module")
def on_stage(world):
    with stage(world) as made:
        made.put("other", b"not for this reader")
        yield made


@pytest.fixture
def waiting(on_stage):
    call = on_stage.call("obeys")
    puppet = on_stage.puppets.next()
    yield puppet
    puppet.returns()
    call.exception(timeout=20)


# The input URL


SUB_RESOURCES = ["acl", "policy", "tagging", "uploads", "attributes", "retention", "legal-hold", "torrent"]


@pytest.mark.parametrize("name", SUB_RESOURCES)
def test_T130_the_input_url_reads_no_sub_resource(waiting, name):
    refused = fetch(f"{waiting.input_url}&{name}=")
    # Two are refused before anybody asks who wants them: no such GET, and a header is missing.
    assert refused.status == {"uploads": 405, "attributes": 400}.get(name, 403)
    assert b"the original" not in refused.body


def test_T130_the_input_url_reads_one_object_by_one_method(on_stage, world, waiting):
    url = waiting.input_url
    assert fetch(url).body == b"the original"
    assert fetch(url.replace("/key?", "/other?")).status == 403
    assert fetch(url.replace("/key?", "/key/../other?")).status == 403
    assert fetch(url.replace("/key?", "/?")).status == 403
    assert fetch(re.sub(r"//([^/]+)/[^/]+/", rf"//\1/{on_stage.bucket}/", url)).status == 403
    for method in ("PUT", "DELETE", "POST", "HEAD"):
        assert fetch(url, method=method).status in (400, 403, 405), method
    for more in (
        "versionId=null",
        "partNumber=1",
        "response-content-type=text/html",
        "x-id=GetObject",
        "a=b",
    ):
        assert fetch(f"{url}&{more}").status == 403, more
    assert on_stage.world.client("s3").get_object(Bucket=on_stage.bucket, Key="key")["Body"].read()


def test_T130_nobody_signs_anew_with_the_session_of_the_input_url(world, waiting):
    query = dict(pair.split("=", 1) for pair in waiting.input_url.partition("?")[2].split("&"))
    token = query["X-Amz-Security-Token"].replace("%3D", "=")
    key_id = query["X-Amz-Credential"].partition("%2F")[0]
    guess = Credentials(key_id, world.gateway.secret_access_key, token)
    alias = waiting.input_url.split("/")[3]
    assert fetch(presign(world, alias, "other", keys=guess)).status == 403


def test_T130_the_input_url_works_from_the_start_and_only_while_it_is_valid(own_world):
    world = own_world(ONREAD_TRANSFORM_TIMEOUT_SECONDS="1")
    with stage(world) as made:
        made.warm_up()
        call = made.call("obeys")
        puppet = made.puppets.next()
        assert fetch(puppet.input_url).status == 200
        call.result(20)
        wait_until(lambda: fetch(puppet.input_url).status == 403)


@pytest.fixture
def reader(on_stage, world):
    """A user who may do everything, and the run that waits for him."""
    name, key_id, secret = world.user(ALLOW_ALL)
    keys = Credentials(key_id, secret)
    call = on_stage.threads.submit(fetch, presign(world, on_stage.alias("obeys"), "key", keys=keys))
    puppet = on_stage.puppets.next()
    puppet.user, puppet.key_id = name, key_id
    yield puppet
    puppet.returns()
    call.exception(timeout=20)


def test_T131_the_input_url_has_its_callers_rights_and_no_others(on_stage, world, reader):
    assert fetch(reader.input_url).status == 200
    deny = {
        "Effect": "Deny",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/{reader.user}"},
        "Action": "s3:GetObject",
        "Resource": f"{on_stage.supporting['AccessPointArn']}/object/*",
    }
    control = world.client("s3control")
    control.put_access_point_policy(
        AccountId=ACCOUNT,
        Name=on_stage.supporting["Name"],
        Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}),
    )
    try:
        denied = fetch(reader.input_url)
        assert (denied.status, denied.code) == (403, "AccessDenied")
    finally:
        control.delete_access_point_policy(AccountId=ACCOUNT, Name=on_stage.supporting["Name"])


def test_T133_rights_that_are_taken_away_are_gone_from_the_input_url(world, reader):
    assert fetch(reader.input_url).status == 200
    world.client("iam").delete_user_policy(UserName=reader.user, PolicyName="test")
    denied = fetch(reader.input_url)
    assert (denied.status, denied.code) == (403, "AccessDenied")


def test_T133_a_disabled_key_ends_the_input_url(world, reader):
    iam = world.client("iam")
    iam.update_access_key(UserName=reader.user, AccessKeyId=reader.key_id, Status="Inactive")
    assert fetch(reader.input_url).status == 403
    iam.update_access_key(UserName=reader.user, AccessKeyId=reader.key_id, Status="Active")
    assert fetch(reader.input_url).status == 200
    iam.delete_access_key(UserName=reader.user, AccessKeyId=reader.key_id)
    assert fetch(reader.input_url).status == 403


# The function's credentials


def test_T141_a_functions_keys_do_nothing_but_write(world, on_stage, waiting):
    keys = waiting.keys()
    for bucket, key in (
        (on_stage.bucket, "key"),
        (on_stage.alias("uppercase"), "key"),
        (on_stage.bucket, ""),
    ):
        answer = fetch(presign(world, bucket, key, keys=keys))
        assert (answer.status, answer.code) == (403, "AccessDenied")
    for service, call in (
        ("s3", lambda client: client.list_buckets()),
        ("s3", lambda client: client.put_object(Bucket=on_stage.bucket, Key="x", Body=b"x")),
        ("lambda", lambda client: client.list_functions()),
        ("iam", lambda client: client.list_users()),
        ("s3control", lambda client: client.list_access_points(AccountId=ACCOUNT)),
    ):
        with pytest.raises(ClientError) as refused:
            call(session_client(world, service, keys))
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert waiting.writes(Body="this it can") == {"status": 200}


def session_client(world, service, keys):
    client = world.client_as(service, keys.access_key, keys.secret_key)
    client._request_signer._credentials = keys
    return client


def test_T141_a_functions_keys_end_with_its_environment(world, on_stage):
    call = on_stage.call("obeys")
    puppet = on_stage.puppets.next()
    keys = puppet.keys()
    puppet.told("exit", code=1)
    call.result(20)
    other = on_stage.call("obeys")
    heir = on_stage.puppets.next()
    told = world.raw(write_request(world, heir.token, heir.route, body=b"evil", keys=keys))
    assert status_and_code(told) in ((400, "InvalidToken"), (403, "AccessDenied"))
    heir.writes(Body="good")
    heir.returns()
    assert other.result(20).body == b"good"


def test_T141_another_accounts_or_nobodys_keys_cannot_write(world, waiting):
    made_up = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    told = world.raw(write_request(world, waiting.token, waiting.route, body=b"evil", keys=made_up))
    assert status_and_code(told) == (403, "InvalidAccessKeyId")
    _, key_id, secret = world.user()
    told = world.raw(
        write_request(world, waiting.token, waiting.route, body=b"x", keys=Credentials(key_id, secret))
    )
    assert status_and_code(told) == (403, "AccessDenied")
    assert waiting.writes(Body="good") == {"status": 200}


def test_any_identity_of_the_account_that_may_write_may_answer(world, on_stage):
    policy = ALLOW_ALL.replace('"Action": "*"', '"Action": "s3-object-lambda:WriteGetObjectResponse"')
    _, key_id, secret = world.user(policy)
    call = on_stage.call("obeys")
    puppet = on_stage.puppets.next()
    request = write_request(
        world, puppet.token, puppet.route, body=b"by a user", keys=Credentials(key_id, secret)
    )
    assert world.raw(request).startswith(b"HTTP/1.1 200 ")
    puppet.returns()
    assert call.result(20).body == b"by a user"


# What a process finds around itself


DOCUMENTED = {
    "_HANDLER", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR", "AWS_LAMBDA_RUNTIME_API", "AWS_REGION",
    "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN", "_X_AMZN_TRACE_ID", "TZ", "LANG", "PATH", "HOME", "TMPDIR",
    "AWS_ENDPOINT_URL_IAM", "AWS_ENDPOINT_URL_LAMBDA", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_STS",
    "AWS_DISABLE_HOST_PREFIX_INJECTION", "AWS_EC2_METADATA_DISABLED", "BOTO_DISABLE_CRT",
}  # fmt: skip


def test_T153_T154_a_function_inherits_nothing(own_world):
    world = own_world(CANARY_SECRET=CANARY, AWSOME=CANARY, PYTHONWARNINGS="ignore", ONREAD_LOG_LEVEL="debug")
    with stage(world) as made:
        text = made.get("reports").body.decode()
        report = json.loads(text)
        assert CANARY not in text
        assert set(report["environ"]) <= DOCUMENTED
        assert DOCUMENTED - set(report["environ"]) <= {"_X_AMZN_TRACE_ID"}
        assert world.gateway.secret_access_key not in text
        standard = {number: report["descriptors"].pop(number) for number in ("0", "1", "2")}
        assert standard["0"] == "/dev/null"
        assert standard["1"].startswith("pipe:")
        assert all(place.startswith(("socket:", "/dev/urandom")) for place in report["descriptors"].values())
        process = psutil.Process(
            next(p.pid for p in world.function_processes() if "function" in " ".join(p.cmdline()))
        )
        assert not [c for c in process.net_connections() if c.status == psutil.CONN_LISTEN]
        assert report["core"][0] == 0


# Packages, handlers, names


def zipped(*entries, compress=zipfile.ZIP_DEFLATED):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compress) as archive:
        archive.writestr("app.py", "def handler(event, context): ...")
        for name, data, attributes in entries:
            entry = zipfile.ZipInfo(name)
            entry.compress_type = compress
            entry.external_attr = attributes << 16
            archive.writestr(entry, data)
    return content.getvalue()


REGULAR, LINK, DEVICE = stat.S_IFREG | 0o644, stat.S_IFLNK | 0o777, stat.S_IFCHR | 0o600
PACKAGES = {
    "parent": zipped(("../evil.py", "x", REGULAR)),
    "deep parent": zipped(("a/../../evil.py", "x", REGULAR)),
    "absolute": zipped(("/tmp/evil.py", "x", REGULAR)),
    "backslash": zipped(("..\\evil.py", "x", REGULAR)),
    "drive": zipped(("C:evil.py", "x", REGULAR)),
    "link": zipped(("link", "/etc/passwd", LINK)),
    "device": zipped(("device", "", DEVICE)),
    "case clash": zipped(("APP.py", "x", REGULAR)),
    "bomb": zipped(("zeros", b"\0" * (200 << 20), REGULAR)),
    "long name": zipped(("n" * 60_000, "x", REGULAR)),
    "many": zipped(*((f"f{n}", "", REGULAR) for n in range(10_001)), compress=zipfile.ZIP_STORED),
    "truncated": zipped()[:-30],
    "no zip": b"this is no zip",
    "empty": b"PK",
}


def create(world, **changes):
    settings = {
        "FunctionName": world.unique("refused"),
        "Runtime": "python3.11",
        "Handler": "app.handler",
        "Role": f"arn:aws:iam::{ACCOUNT}:role/r",
        "Code": {"ZipFile": zipped()},
        **changes,
    }
    with pytest.raises(ClientError) as refused:
        world.client("lambda").create_function(**settings)
    answer = refused.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    with pytest.raises(ClientError, match=r"ResourceNotFoundException|ValidationException|InvalidParameter"):
        world.client("lambda").get_function(FunctionName=settings["FunctionName"])
    return answer["Error"]["Code"]


@pytest.mark.parametrize("name", PACKAGES)
def test_T165_a_package_that_is_none_is_refused(world, name):
    code = create(world, Code={"ZipFile": PACKAGES[name]})
    assert code in ("InvalidParameterValueException", "InvalidZipFileException")


HANDLERS = ["os.system;id", "../x.y", "__import__('os').system", "app.handler`id`", "app", "app.", "a b.c"]


@pytest.mark.parametrize("handler", HANDLERS)
def test_T166_a_handler_that_is_none_is_refused(world, handler):
    assert create(world, Handler=handler) in ("InvalidParameterValueException", "ValidationException")


VARIABLES = ["LD_PRELOAD", "LD_AUDIT", "PYTHONHOME", "NODE_OPTIONS", "AWS_LAMBDA_RUNTIME_API"]
VARIABLES += ["AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "LAMBDA_TASK_ROOT", "_HANDLER", "A=B", "1A", "A B"]


@pytest.mark.parametrize("name", VARIABLES)
def test_T166_a_reserved_or_malformed_variable_is_refused(world, name):
    code = create(world, Environment={"Variables": {name: "x"}})
    assert code in ("InvalidParameterValueException", "ValidationException")


@pytest.mark.parametrize("name", ["a;id", "$(id)", "a b", "../a", "a\nb", "n" * 65, "a/b"])
def test_T166_a_function_name_with_metacharacters_is_refused(world, name):
    assert create(world, FunctionName=name) in (
        "InvalidParameterValueException",
        "ValidationException",
        "ResourceNotFoundException",
    )


def test_T166_a_handler_of_the_standard_library_runs_as_any_other(world, on_stage):
    """``os.system`` is a module and a function: it gets the event, which is no command."""
    function = world.function(FUNCTIONS / "returns.py", Handler="os.system")
    on_stage.functions["os"] = function
    answer = fetch(presign(world, world.olap_over(on_stage.supporting, function)[1], "key"))
    assert (answer.status, answer.code) == (500, "LambdaRuntimeError")
