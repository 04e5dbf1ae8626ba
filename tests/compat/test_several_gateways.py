"""Several gateways on one PostgreSQL, each with a data directory of its own: one installation."""

import io
import itertools
import json
import time
import urllib.request
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from tests.compat.callers import fetch, presign
from tests.compat.conftest import ACCOUNT, FUNCTIONS, REGION, World, wait_until
from tests.postgresql import Server

from onread.cli.spawn import DidNotStart, gateway
from onread.functions.packaging import zip_path

pytestmark = [pytest.mark.compat, pytest.mark.slow]
MASTER_KEY = "of all gateways on this database, together"
ROOT = {"ONREAD_ROOT_ACCESS_KEY_ID": "AKIAROOTOFEVERYGATEWAY", "ONREAD_ROOT_SECRET_ACCESS_KEY": "same" * 10}
ALLOW_S3 = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
WORKERS = 2


@pytest.fixture(scope="module")
def shared(postgresql):
    """The settings that gateways share."""
    name = postgresql.take_database()
    url = postgresql.url(name).replace("app@", "app:c4n4ry@")
    yield {"ONREAD_DATABASE_URL": url, "ONREAD_MASTER_KEY": MASTER_KEY, "ONREAD_LOG_LEVEL": "debug", **ROOT}
    postgresql.return_database(name)


@pytest.fixture(scope="module")
def pair(tmp_path_factory, shared):
    """Two gateways with data directories of their own; the second has several workers."""
    folder = tmp_path_factory.mktemp("gateways")
    several = {**shared, "ONREAD_WORKERS": str(WORKERS)}
    with (
        gateway(folder / "a" / "data", environment=shared) as one,
        gateway(folder / "b" / "data", environment=several) as other,
    ):
        # Names are of one installation: each counts from a number of its own.
        first, second = World(one, itertools.count(0)), World(other, itertools.count(500))
        for world in (first, second):  # every gateway has a store of its own
            world.client("s3").create_bucket(Bucket="both")
            world.client("s3").put_object(Bucket="both", Key="a", Body=b"dear reader")
        yield first, second


def within_a_second(holds):
    """It holds for whatever is asked a second from now or later; often enough, to meet every worker."""
    acknowledged, in_a_row = time.monotonic(), 0
    while in_a_row < 6:
        asked = time.monotonic()
        in_a_row = in_a_row + 1 if holds() else 0
        assert in_a_row or asked - acknowledged < 1, "not in force within a second"


def code_of(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    return "done"


def test_what_one_makes_the_other_serves_within_a_second_functions_too(pair):
    first, second = pair
    function = first.function("uppercase")
    name, alias = first.olap_over(first.access_point("both"), function)
    url = presign(second, alias, "a")
    within_a_second(lambda: fetch(url).body == b"DEAR READER")
    shown = second.client("s3control").get_access_point_for_object_lambda(AccountId=ACCOUNT, Name=name)
    assert shown["Alias"]["Value"] == alias
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("uppercase.py", (FUNCTIONS / "uppercase.py").read_text().replace("upper", "title"))
    first.client("lambda").update_function_code(FunctionName=function, ZipFile=code.getvalue())
    within_a_second(lambda: fetch(url).body == b"Dear Reader")
    first.client("s3control").delete_access_point_for_object_lambda(AccountId=ACCOUNT, Name=name)
    within_a_second(lambda: b"InvalidAccessPointAliasError" in fetch(url).body)


def test_T014_T210_a_key_and_a_policy_taken_away_at_one_are_gone_at_the_other_within_a_second(pair):
    first, second = pair
    user, key_id, secret = first.user(ALLOW_S3)
    url = presign_as(second, key_id, secret)
    within_a_second(lambda: fetch(url).status == 200)
    first.client("iam").delete_user_policy(UserName=user, PolicyName="test")
    within_a_second(lambda: fetch(url).status == 403)
    second.client("iam").put_user_policy(UserName=user, PolicyName="test", PolicyDocument=ALLOW_S3)
    elsewhere = presign_as(first, key_id, secret)
    within_a_second(lambda: fetch(elsewhere).status == 200)
    first.client("iam").delete_access_key(UserName=user, AccessKeyId=key_id)
    within_a_second(lambda: b"InvalidAccessKeyId" in fetch(url).body)


def presign_as(world, key_id, secret):
    s3 = world.client_as("s3", key_id, secret)
    return s3.generate_presigned_url("get_object", Params={"Bucket": "both", "Key": "a"})


def test_what_a_worker_has_acknowledged_every_worker_of_the_gateway_serves_at_once(pair):
    second = pair[1]
    for _ in range(12):
        made = second.access_point("both")
        url = presign(second, made["Alias"], "a")
        assert {fetch(url).status for _ in range(4)} == {200}  # new connections: they meet both workers


@pytest.mark.parametrize("kind", ["access point", "olap", "user", "function"])
def test_T235_of_two_creates_of_a_name_at_two_gateways_one_is_refused(pair, kind):
    supporting = pair[0].access_point("both")["AccessPointArn"]
    lambda_arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{pair[0].function('uppercase')}"
    aws_lambda = {"AwsLambda": {"FunctionArn": lambda_arn}}
    transformation = {"Actions": ["GetObject"], "ContentTransformation": aws_lambda}
    configuration = {"SupportingAccessPoint": supporting, "TransformationConfigurations": [transformation]}
    code = zip_path(FUNCTIONS / "uppercase.py")
    within_a_second(lambda: code_of(pair[1].client("lambda").get_function, FunctionName=lambda_arn) == "done")

    def create(world, name):
        s3control, iam, functions = (world.client(each) for each in ("s3control", "iam", "lambda"))
        match kind:
            case "access point":
                return code_of(s3control.create_access_point, AccountId=ACCOUNT, Name=name, Bucket="both")
            case "olap":
                made = s3control.create_access_point_for_object_lambda
                return code_of(made, AccountId=ACCOUNT, Name=name, Configuration=configuration)
            case "user":
                return code_of(iam.create_user, UserName=name)
            case _:
                return code_of(
                    functions.create_function,
                    FunctionName=name,
                    Runtime="python3.11",
                    Handler="uppercase.handler",
                    Role=ROLE,
                    Code={"ZipFile": code},
                )

    with ThreadPoolExecutor(4) as callers:
        for turn in range(5):
            name = f"{kind.replace(' ', '-')}-of-both-{turn}"
            told = list(callers.map(create, (*pair, *pair), [name] * 4))
            assert told.count("done") == 1
            assert {each[1] for each in told if each != "done"} == {409}


def test_each_opens_the_credentials_that_the_other_sealed(pair):
    first, second = pair
    alias = first.olap("both", first.function("tells_all"))
    told = json.loads(fetch(presign(first, alias, "a")).body)
    keys = told["environ"]
    sealed = Credentials(
        *(keys[f"AWS_{each}"] for each in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"))
    )
    refused = fetch(presign(second, "both", "a", keys=sealed))
    # Opened, and good in the process alone in which it was made.
    assert b"The execution environment of these credentials has ended" in refused.body
    input_url = told["event"]["getObjectContext"]["inputS3Url"]
    assert (
        b"The run for which this URL was made has ended"
        in fetch(second.endpoint + "/" + input_url.split("/", 3)[3]).body
    )


def test_another_master_key_is_refused_in_one_line(tmp_path, shared, pair):
    with (
        pytest.raises(DidNotStart, match=r"(?m)^onread: .*ONREAD_MASTER_KEY.*gateways share it"),
        gateway(tmp_path / "data", environment={**shared, "ONREAD_MASTER_KEY": "x" * 40}),
    ):
        pass


def test_T290_the_databases_password_is_in_no_log_and_no_title(pair):
    for world in pair:
        assert "c4n4ry" not in world.log()
        for process in (world.process(), *world.process().children(recursive=True)):
            assert "c4n4ry" not in " ".join(process.cmdline())


def test_a_gateway_that_ends_leaves_no_connection(tmp_path, shared, postgresql, pair):
    def connections():
        asked = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'onread'"
        return postgresql.execute(asked)[0][0]

    before = connections()
    with gateway(tmp_path / "data", environment=shared):
        assert before < connections() <= before + 4
    wait_until(lambda: connections() == before)


def test_R031_T210_a_gateway_reads_on_without_its_database_and_finds_it_again(tmp_path):
    with Server() as server:
        settings = {"ONREAD_DATABASE_URL": server.url(), "ONREAD_MASTER_KEY": MASTER_KEY, **ROOT}
        with gateway(tmp_path / "data", environment=settings) as spawned:
            world = World(spawned)
            bucket = world.bucket()
            world.client("s3").put_object(Bucket=bucket, Key="a", Body=b"dear reader")
            alias = world.olap(bucket, world.function("uppercase"))
            url = presign(world, alias, "a")
            assert fetch(url).body == b"DEAR READER"
            server.stop()
            wait_until(lambda: "onread_database_lost 1.0" in admin(world, "/metrics"))
            assert fetch(url).body == b"DEAR READER"
            assert admin(world, "/health/ready") == "ready\n"
            with pytest.raises(ClientError) as refused:
                world.client("iam").create_user(UserName="u")
            assert refused.value.response["Error"]["Code"] in ("ServiceUnavailable", "ServiceFailure")
            answered = refused.value.response["ResponseMetadata"]
            assert (answered["HTTPStatusCode"], answered["HTTPHeaders"]["retry-after"]) == (503, "2")
            server.start()
            began = time.monotonic()
            wait_until(lambda: "onread_database_lost 0.0" in admin(world, "/metrics"))
            assert time.monotonic() - began < 5
            world.client("iam").create_user(UserName="u")


def admin(world, path):
    with urllib.request.urlopen(world.gateway.admin_endpoint + path, timeout=10) as answer:
        return answer.read().decode()
