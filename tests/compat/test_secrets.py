"""Section 13 of the threats: secrets stay where they belong."""

import base64
import json
import os
import shutil
import stat
import urllib.request
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from tests.compat.conftest import World, wait_until
from tests.compat.policy_documents import allow, document
from tests.compat.wire import (
    Key,
    forged,
    forged_target,
    presigned_target,
    send,
    send_signed,
    signed,
    value_of,
)

from onread.cli.spawn import DidNotStart, gateway

pytestmark = [pytest.mark.compat, pytest.mark.slow]
ROOT_ID, ROOT_SECRET = "AKIACANARYCANARYROOT", "canary/root+secret=that-nobody-may-see-00"
FILES_OF_KEYS = {"master-key", "root-access-key.json"}


def admin(world, path):
    with urllib.request.urlopen(world.gateway.admin_endpoint + path, timeout=20) as answer:
        return answer.read()


def data_of(world):
    return world.gateway.log_file.parent / "data"


def spellings(secret):
    """As it is, and as it may have been written on the way."""
    raw = secret.encode()
    encoded = {raw, quote(secret, safe="").encode(), raw.hex().encode(), json.dumps(secret)[1:-1].encode()}
    shifted = {base64.b64encode(b"x" * shift + raw)[4:-4] for shift in range(3)}
    return {each for each in encoded | shifted if len(each) >= 12}


def command_lines(world):
    processes = [world.process(), *world.function_processes()]
    return b"\0".join(Path(f"/proc/{each.pid}/cmdline").read_bytes() for each in processes)


@pytest.fixture(scope="module")
def canaries(tmp_path_factory):
    """A gateway at debug level that has seen every kind of secret, the secrets, and all it answered."""
    data = tmp_path_factory.mktemp("canaries") / "data"
    with gateway(data, environment={"ONREAD_LOG_LEVEL": "debug"}) as spawned:
        yield sing(World(spawned))


def sing(world):
    root = Key(world.gateway.access_key_id, world.gateway.secret_access_key)
    bucket = world.bucket()
    _, alias = world.olap_over(world.access_point(bucket), world.function("tells_all"))
    world.client("s3").put_object(Bucket=bucket, Key="k", Body=b"data")
    _, access_key_id, secret = world.user(document(allow("*", "*")))
    user = Key(access_key_id, secret)
    told = send_signed(world, "GET", f"/{alias}/k", key=user)
    assert told.status == 200, told.body
    report = json.loads(told.body)
    context, environ = report["event"]["getObjectContext"], report["environ"]
    secrets = {
        "root secret": root.secret,
        "user secret": user.secret,
        "function secret": environ["AWS_SECRET_ACCESS_KEY"],
        "function token": environ["AWS_SESSION_TOKEN"],
        "output token": context["outputToken"],
        "customer key": base64.b64encode(b"canary customer key of 32 bytes!").decode(),
        "password": "canary-password-in-authorization",
    }
    for name, value in parse_qsl(urlsplit(context["inputS3Url"]).query):
        if name in ("X-Amz-Signature", "X-Amz-Security-Token"):
            secrets[f"input URL's {name}"] = value
    answers = provoke(world, bucket, alias, root, environ, context, secrets)
    return world, secrets, answers


def provoke(world, bucket, alias, root, environ, context, secrets):
    """Good and bad requests that carry secrets in every place; what was answered."""
    path, olap_path = f"/{bucket}/k", f"/{alias}/k"
    headers = signed(world, "GET", path, key=root)
    secrets["header signature"] = value_of(headers, "authorization").rpartition("=")[2]
    url = presigned_target(world, "GET", olap_path, key=root)
    secrets["URL signature"] = url.rpartition("X-Amz-Signature=")[2]
    function = Key(
        environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"], environ["AWS_SESSION_TOKEN"]
    )
    customer = [
        ("x-amz-server-side-encryption-customer-algorithm", "AES256"),
        ("x-amz-server-side-encryption-customer-key", secrets["customer key"]),
        ("x-amz-server-side-encryption-customer-key-md5", "AAAAAAAAAAAAAAAAAAAAAA=="),
    ]
    write = [("x-amz-request-token", context["outputToken"]), ("x-amz-request-route", context["outputRoute"])]
    written = signed(
        world,
        "POST",
        "/WriteGetObjectResponse",
        headers=write,
        key=function,
        service="s3-object-lambda",
    )
    basic = base64.b64encode(f"user:{secrets['password']}".encode()).decode()
    secrets["basic"] = basic
    target = "/" + context["inputS3Url"].split("/", 3)[3]
    return [
        send(world, "GET", path, headers),
        send(world, "GET", url),
        send(world, "GET", url.replace("/k?", "/missing?")),
        send(world, "GET", path, signed(world, "GET", path, key=function)),
        send(world, "GET", path, forged(signed(world, "GET", path, key=function))),
        send(world, "GET", path, signed(world, "GET", path, headers=customer, key=root)),
        send(world, "PUT", path, signed(world, "PUT", path, headers=customer, key=root), b""),
        send(world, "GET", path, forged(signed(world, "GET", path, headers=customer, key=root))),
        send(world, "GET", path, [("authorization", f"Basic {basic}")]),
        send(world, "GET", path, [("authorization", f"Bearer {secrets['password']}")]),
        send(world, "POST", "/WriteGetObjectResponse", written, b"again"),
        send(world, "POST", "/WriteGetObjectResponse", forged(written), b"forged"),
        send(world, "GET", target),
        send(world, "DELETE", target),
        send(world, "GET", forged_target(target).replace("/k?", "/other?")),
        send(world, "GET", f"/%zz?{urlsplit(target).query}"),
    ]


def test_T290_no_secret_is_where_it_does_not_belong(canaries):
    world, secrets, answers = canaries
    wait_until(lambda: world.log().count("request.done") > len(answers))
    places = {
        "log": world.log().encode(),
        "metrics": admin(world, "/metrics"),
        "command lines": command_lines(world),
        "answers": b"\n".join(
            answer.body + repr(answer.headers).encode() for answer in answers if answer.status >= 400
        ),
    }
    for file in data_of(world).rglob("*"):
        if file.is_file() and file.name not in FILES_OF_KEYS:
            places[str(file)] = file.read_bytes()
    found = [
        (name, place)
        for name, secret in secrets.items()
        for place, content in places.items()
        if any(spelling in content for spelling in spellings(secret))
    ]
    assert not found, "; ".join(f"{name} in {place}" for name, place in found)


def test_T290_no_answer_shows_a_traceback(canaries):
    _, _, answers = canaries
    for answer in answers:
        assert answer.status < 500 or answer.refusal == ("NotImplemented", 501)
        assert b"Traceback" not in answer.body
        assert b'File "' not in answer.body


def test_T290_a_root_key_that_is_given_is_kept_nowhere(own_world, tmp_path):
    """`gateway()` reads the root's key from its file, so that stands there; ours is another."""
    data = tmp_path / "given" / "data"
    data.parent.mkdir()
    first = own_world(data)
    first.gateway.stop()
    given = {"ONREAD_ROOT_ACCESS_KEY_ID": ROOT_ID, "ONREAD_ROOT_SECRET_ACCESS_KEY": ROOT_SECRET}
    world = own_world(data, ONREAD_LOG_LEVEL="debug", **given)
    key = Key(ROOT_ID, ROOT_SECRET)
    assert send_signed(world, "GET", "/", key=key).status == 200
    places = [world.log().encode(), command_lines(world), admin(world, "/metrics")]
    places += [file.read_bytes() for file in data.rglob("*") if file.is_file()]
    assert not [spelling for spelling in spellings(ROOT_SECRET) for place in places if spelling in place]


# At rest


def test_T293_a_copy_of_the_database_alone_signs_nothing(own_world, tmp_path):
    first = own_world()
    *_, secret = first.user(document(allow("*", "*")))
    stolen = tmp_path / "stolen" / "data"
    stolen.mkdir(parents=True)
    databases = [
        file for file in data_of(first).iterdir() if file.is_file() and file.name not in FILES_OF_KEYS
    ]
    assert databases
    for file in databases:
        assert not [spelling for spelling in spellings(secret) if spelling in file.read_bytes()]
        shutil.copy(file, stolen)
    with pytest.raises(DidNotStart, match="master key") as refusal:
        own_world(stolen)
    assert "Traceback" not in str(refusal.value)


def test_T294_everything_is_ours_alone(own_world, tmp_path):
    data = tmp_path / "modes" / "data"
    data.mkdir(parents=True, mode=0o755)  # an empty one, as a volume just mounted is
    world = own_world(data)
    bucket = world.bucket()
    world.olap_over(world.access_point(bucket), world.function("uppercase"))
    world.client("s3").put_object(Bucket=bucket, Key="k", Body=b"x" * 200_000)
    others = stat.S_IRWXG | stat.S_IRWXO
    loose = [
        file
        for file in [data, *data.rglob("*")]
        if not file.is_symlink() and file.stat().st_mode & others and private(data, file)
    ]
    assert loose == []
    world.gateway.stop()
    data.chmod(0o755)
    warned = own_world(data)
    assert '"data_directory.open"' in warned.log()
    warned.gateway.stop()
    for name in FILES_OF_KEYS:
        (data / name).chmod(0o644)
        with pytest.raises(DidNotStart, match=name):
            own_world(data)
        (data / name).chmod(0o600)


def private(data, file):
    """Whether no directory above it keeps others out already."""
    above = [parent for parent in file.parents if parent == data or data in parent.parents]
    return file == data or all(os.stat(parent).st_mode & stat.S_IXOTH for parent in above)


def test_T297_a_secret_key_is_shown_once(world):
    name, access_key_id, secret = world.user(document(allow("*", "*")))
    iam = world.client("iam")
    listed = iam.list_access_keys(UserName=name)
    assert [each["AccessKeyId"] for each in listed["AccessKeyMetadata"]] == [access_key_id]
    for answer in (
        listed,
        iam.get_user(UserName=name),
        iam.list_users(),
        iam.list_user_policies(UserName=name),
    ):
        assert secret not in json.dumps(answer, default=str)


def test_T276_health_and_metrics_tell_no_names(world):
    bucket, key = world.bucket(), "a-key-of-ours"
    world.client("s3").put_object(Bucket=bucket, Key=key, Body=b"")
    told = b"".join(admin(world, path) for path in ("/metrics", "/health/live", "/health/ready")).decode()
    for name in (bucket, key, world.gateway.access_key_id, str(data_of(world)), "ONREAD_", "PATH="):
        assert name not in told


def test_T019_well_known_keys_are_refused(own_world):
    with pytest.raises(DidNotStart, match="known to everybody"):
        own_world(ONREAD_ROOT_ACCESS_KEY_ID="minioadmin", ONREAD_ROOT_SECRET_ACCESS_KEY="minioadmin")
