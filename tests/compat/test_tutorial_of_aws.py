"""AWS's published tutorial for S3 Object Lambda, step by step, by AWS's own clients.

Over SQLite at one gateway, and over PostgreSQL at two that share nothing but the database, the master key
and the store of the objects: whoever changes something, the other one serves it within a second.
"""

import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from tests.compat.conftest import ACCOUNT, REGION, World, wait_until
from tests.compat.hands import Boto3, Cli, Refused, can_name_accounts
from tests.compat.identities import LAMBDA, trust
from tests.compat.policy_documents import VIA_OBJECT_LAMBDA, allow, document

from onread.cli.spawn import gateway

pytestmark = [pytest.mark.compat, pytest.mark.slow]
BUCKET, KEY, TEXT = "tutorial-bucket", "tutorial.txt", "dear reader\n"
POINT, OLAP, FUNCTION, ROLE = "tutorial-point", "tutorial-olap", "tutorial-function", "tutorial-role"
FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{FUNCTION}"
POINT_ARN = f"arn:aws:s3:{REGION}:{ACCOUNT}:accesspoint/{POINT}"
OLAP_ARN = f"arn:aws:s3-object-lambda:{REGION}:{ACCOUNT}:accesspoint/{OLAP}"
EXECUTION_POLICY = "arn:aws:iam::aws:policy/service-role/AmazonS3ObjectLambdaExecutionRolePolicy"
READER, STRANGER = "tutorial-reader", "tutorial-stranger"
IN_ACCOUNT = {"AccountId": ACCOUNT, "Name": OLAP}
ROOT = {"AccessKeyId": "AKIAROOTOFTHETUTORIAL", "SecretAccessKey": "root" * 10}
HANDLER = """
import boto3
import requests


def handler(event, context):
    object_context = event["getObjectContext"]
    original = requests.get(object_context["inputS3Url"]).content.decode("utf-8")
    boto3.client("s3").write_get_object_response(
        Body=event["configuration"]["payload"] + original.CASE(),
        RequestRoute=object_context["outputRoute"],
        RequestToken=object_context["outputToken"],
    )
    return {"status_code": 200}
"""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def installation(request, store, tmp_path_factory):
    """The gateways of one installation, its objects in a store that is not theirs."""
    folder = tmp_path_factory.mktemp("installation")
    config = folder / "onread.toml"
    config.write_text(store.settings())
    environment = {
        "ONREAD_MASTER_KEY": "the master key of the tutorial's gateways",
        "ONREAD_ROOT_ACCESS_KEY_ID": ROOT["AccessKeyId"],
        "ONREAD_ROOT_SECRET_ACCESS_KEY": ROOT["SecretAccessKey"],
    }
    given = ("--config", str(config))
    if request.param == "sqlite":
        with gateway(folder / "data", *given, environment=environment) as only:
            yield (World(only),)
        return
    server = request.getfixturevalue("postgresql")
    name = server.take_database()
    environment["ONREAD_DATABASE_URL"] = server.url(name)
    with (
        gateway(folder / "a" / "data", *given, environment=environment) as first,
        gateway(folder / "b" / "data", *given, environment=environment) as second,
    ):
        yield World(first), World(second)
    server.return_database(name)


@pytest.fixture(params=[Cli, Boto3], ids=["cli", "boto3"])
def hands(request, installation, tmp_path):
    """The account's owner, at each gateway."""
    if request.param is Cli and not can_name_accounts(tmp_path):
        pytest.skip("*.localhost does not resolve, and nobody may mount a hosts file on this machine")
    return [request.param(world, tmp_path, ROOT) for world in installation]


@dataclass
class Tutorial:
    """What the steps have made so far. The first gateway and the last are one where there is one."""

    first: Cli | Boto3
    last: Cli | Boto3
    folder: object
    alias: str = ""

    def package(self, case):
        """A zip with the function of AWS's tutorial, that says ``case()`` of a text."""
        package = self.folder / f"{case}.zip"
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("tutorial.py", HANDLER.replace("CASE", case))
        return package

    def configure(self, operation, qualifier="", payload="# "):
        """Creates or changes what stands between reader and object."""
        aws_lambda = {"FunctionArn": FUNCTION_ARN + qualifier, "FunctionPayload": payload}
        transformation = {"Actions": ["GetObject"], "ContentTransformation": {"AwsLambda": aws_lambda}}
        configuration = {
            "SupportingAccessPoint": POINT_ARN,
            "TransformationConfigurations": [transformation],
        }
        return self.first.call("s3control", operation, **IN_ACCOUNT, Configuration=configuration)

    def make_user(self, name):
        """A user who may read transformed, and in no other way, by his own policy; his keys."""
        own = document(
            allow("s3-object-lambda:GetObject", OLAP_ARN),
            allow("lambda:InvokeFunction", f"{FUNCTION_ARN}*", VIA_OBJECT_LAMBDA),
            allow("s3:GetObject", f"{POINT_ARN}/object/*", VIA_OBJECT_LAMBDA),
        )
        self.first.call("iam", "CreateUser", UserName=name)
        self.first.call("iam", "PutUserPolicy", UserName=name, PolicyName="tutorial", PolicyDocument=own)
        return self.first.call("iam", "CreateAccessKey", UserName=name)["AccessKey"]

    def delete_user(self, name, keys):
        self.last.call("iam", "DeleteAccessKey", UserName=name, AccessKeyId=keys["AccessKeyId"])
        self.last.call("iam", "DeleteUserPolicy", UserName=name, PolicyName="tutorial")
        self.last.call("iam", "DeleteUser", UserName=name)

    def is_served(self, wanted, keys, *, changed_at):
        """At once by the gateway that was told, within a second by the other."""
        other = self.last if changed_at is self.first else self.first
        acknowledged = time.monotonic()
        assert answer(changed_at.of(keys).get, self.alias) == wanted
        if other is not changed_at:
            within_a_second(lambda: answer(other.of(keys).get, self.alias), wanted, acknowledged)


def answer(read: Callable[[str, str], bytes], bucket):
    """The object's text, or the code of the refusal."""
    try:
        return read(bucket, KEY).decode()
    except Refused as refusal:
        return str(refusal)


def within_a_second(ask, wanted, acknowledged):
    """What was asked a second after the change, or later, has it."""
    while True:
        asked = time.monotonic()
        if (told := ask()) == wanted:
            return
        assert asked - acknowledged < 1, f"{told!r} and not {wanted!r}, a second later"


@pytest.mark.timeout(600)  # some seventy processes of the CLI, which a busy machine stretches
def test_the_tutorial(hands, installation, store, tmp_path):
    steps = Tutorial(hands[0], hands[-1], tmp_path)
    original = tmp_path / "original"
    original.write_text(TEXT)
    first, last = steps.first, steps.last

    first.call("s3api", "CreateBucket", Bucket=BUCKET)
    first.put(BUCKET, KEY, original)
    assert store.client().get_object(Bucket=BUCKET, Key=KEY)["Body"].read().decode() == TEXT
    made = first.call("s3control", "CreateAccessPoint", AccountId=ACCOUNT, Name=POINT, Bucket=BUCKET)
    assert made["AccessPointArn"] == POINT_ARN
    role = first.call("iam", "CreateRole", RoleName=ROLE, AssumeRolePolicyDocument=trust(LAMBDA))["Role"]
    first.call("iam", "AttachRolePolicy", RoleName=ROLE, PolicyArn=EXECUTION_POLICY)
    first.create_function(
        FUNCTION, steps.package("upper"), Runtime="python3.11", Handler="tutorial.handler", Role=role["Arn"]
    )
    made = steps.configure("CreateAccessPointForObjectLambda")
    assert made["ObjectLambdaAccessPointArn"] == OLAP_ARN
    steps.alias = made["Alias"]["Value"]

    reader, stranger = steps.make_user(READER), steps.make_user(STRANGER)
    policy = document(
        allow(
            "s3-object-lambda:GetObject", OLAP_ARN, principal={"AWS": f"arn:aws:iam::{ACCOUNT}:user/{READER}"}
        ),
        allow(
            "s3-object-lambda:*",
            OLAP_ARN,
            effect="Deny",
            principal={"AWS": f"arn:aws:iam::{ACCOUNT}:user/{STRANGER}"},
        ),
    )
    first.call("s3control", "PutAccessPointPolicyForObjectLambda", **IN_ACCOUNT, Policy=policy)
    steps.is_served("AccessDenied", stranger, changed_at=first)
    steps.is_served("# DEAR READER\n", reader, changed_at=first)
    assert answer(last.of(reader).copy, steps.alias) == "# DEAR READER\n"
    assert answer(last.of(stranger).copy, steps.alias) == "403"  # it asks for the head first
    assert answer(first.of(reader).get, BUCKET) == "AccessDenied"
    used = first.call("iam", "GetAccessKeyLastUsed", AccessKeyId=reader["AccessKeyId"])
    assert (used["UserName"], used["AccessKeyLastUsed"]["ServiceName"]) == (READER, "s3")
    session = first.of(reader).call("sts", "GetSessionToken")["Credentials"]
    assert answer(last.of(session).get, steps.alias) == "# DEAR READER\n"

    version = last.call("lambda", "PublishVersion", FunctionName=FUNCTION)["Version"]
    last.call("lambda", "CreateAlias", FunctionName=FUNCTION, Name="live", FunctionVersion=version)
    last.call("lambda", "UpdateFunctionCode", FunctionName=FUNCTION, ZipFile=steps.package("title"))
    steps.is_served("# Dear Reader\n", reader, changed_at=last)
    steps.configure("PutAccessPointConfigurationForObjectLambda", f":{version}", payload="1 ")
    steps.is_served("1 DEAR READER\n", reader, changed_at=first)
    steps.configure("PutAccessPointConfigurationForObjectLambda", ":live", payload="live ")
    steps.is_served("live DEAR READER\n", reader, changed_at=first)
    last.call("lambda", "UpdateAlias", FunctionName=FUNCTION, Name="live", FunctionVersion="$LATEST")
    steps.is_served("live Dear Reader\n", reader, changed_at=last)

    last.call("s3control", "DeleteAccessPointPolicyForObjectLambda", **IN_ACCOUNT)
    last.call("s3control", "DeleteAccessPointForObjectLambda", **IN_ACCOUNT)
    steps.is_served("InvalidAccessPointAliasError", reader, changed_at=last)
    last.call("lambda", "DeleteFunction", FunctionName=FUNCTION)
    last.call("s3control", "DeleteAccessPoint", AccountId=ACCOUNT, Name=POINT)
    steps.delete_user(READER, reader)
    steps.delete_user(STRANGER, stranger)
    steps.is_served("InvalidAccessKeyId", reader, changed_at=last)
    last.call("iam", "DetachRolePolicy", RoleName=ROLE, PolicyArn=EXECUTION_POLICY)
    last.call("iam", "DeleteRole", RoleName=ROLE)
    last.call("s3api", "DeleteObject", Bucket=BUCKET, Key=KEY)
    last.call("s3api", "DeleteBucket", Bucket=BUCKET)
    for world in installation:
        wait_until(lambda world=world: nothing_is_left(world), seconds=2)
        wait_until(lambda world=world: not processes_of_the_function(world))
    assert BUCKET not in [bucket["Name"] for bucket in store.client().list_buckets()["Buckets"]]


def nothing_is_left(world):
    """Every list of what the steps make is empty."""
    s3control, iam = world.client("s3control"), world.client("iam")
    lists = (
        s3control.list_access_points(AccountId=ACCOUNT)["AccessPointList"],
        s3control.list_access_points_for_object_lambda(AccountId=ACCOUNT)["ObjectLambdaAccessPointList"],
        world.client("lambda").list_functions()["Functions"],
        iam.list_users()["Users"],
        iam.list_roles()["Roles"],
        [each for each in world.client("s3").list_buckets()["Buckets"] if each["Name"] == BUCKET],
    )
    return not any(lists)


def processes_of_the_function(world):
    return [each for each in world.function_processes() if FUNCTION in " ".join(each.cmdline())]
