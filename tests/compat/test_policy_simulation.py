"""What the simulation says is what happens, and the log says which statement did it."""

import json

import pytest
from tests.compat.conftest import wait_until
from tests.compat.identities import LAMBDA, make_role, make_user
from tests.compat.policy_documents import DENIED, allow, document, make_place
from tests.compat.test_command_line import CommandLine
from tests.compat.wire import refused

pytestmark = [pytest.mark.compat, pytest.mark.slow]


@pytest.fixture(scope="module")
def place(world):
    return make_place(world)


@pytest.fixture(scope="module")
def onread(world, tmp_path_factory):
    return CommandLine(world, tmp_path_factory.mktemp("policies"))


def denials(world, request_id):
    """The reasons that the log gives for refusing a request."""
    lines = (text for text in world.log().splitlines() if '"access.denied"' in text and request_id in text)
    return [json.loads(line)["reason"] for line in lines]


def test_the_simulation_agrees_with_the_road_and_the_log_names_the_statement(world, place, onread):
    name, key_id, secret = make_user(
        world,
        allow("s3:GetObject", "*"),
        {**allow("s3:GetObject", f"arn:aws:s3:::{place.bucket}/closed/*", effect="Deny"), "Sid": "KeepOut"},
    )
    s3 = world.client_as("s3", key_id, secret)
    for key, decision in (("open/k", "allowed"), ("closed/k", "explicitDeny")):
        arn = f"arn:aws:s3:::{place.bucket}/{key}"
        (result,) = onread.json("policy", "simulate", name, "s3:GetObject", "--resource", arn)
        assert result["EvalDecision"] == decision
        table = onread("policy", "simulate", name, "s3:GetObject", "--resource", arn)
        assert f"user_{name}_test, line 1" in table
    assert s3.get_object(Bucket=place.bucket, Key="open/k")["Body"].read() == b"data"
    assert refused(s3.get_object, Bucket=place.bucket, Key="closed/k") == DENIED
    with pytest.raises(s3.exceptions.ClientError) as denied:
        s3.get_object(Bucket=place.bucket, Key="closed/k")
    assert "KeepOut" not in json.dumps(denied.value.response, default=str)
    request_id = denied.value.response["ResponseMetadata"]["RequestId"]
    wait_until(lambda: denials(world, request_id))  # lines are written together
    (reason,) = denials(world, request_id)
    assert '"KeepOut" of inline policy test of the identity-based policy' in reason


def test_a_role_and_what_its_conditions_need(world, onread, tmp_path):
    role = make_role(
        world, allow("s3:GetObject", "*", {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}), trusts=LAMBDA
    )
    who = f"role/{role['RoleName']}"
    (left_open,) = onread.json("policy", "simulate", who, "s3:GetObject")
    assert (left_open["EvalDecision"], left_open["MissingContextValues"]) == (
        "implicitDeny",
        ["aws:SourceIp"],
    )
    source = ("--context", "aws:SourceIp=192.0.2.7")
    assert onread.json("policy", "simulate", who, "s3:GetObject", *source)[0]["EvalDecision"] == "allowed"
    bucket = tmp_path / "bucket.json"
    everyone = allow("s3:GetObject", "arn:aws:s3:::b/*", effect="Deny", principal="*")
    bucket.write_text(document(everyone), encoding="utf-8")
    further = ("--resource", "arn:aws:s3:::b/k", "--resource-policy", str(bucket))
    (denied,) = onread.json("policy", "simulate", role["Arn"], "s3:GetObject", *source, *further)
    assert denied["EvalDecision"] == "explicitDeny"
    assert denied["MatchedStatements"][0]["SourcePolicyId"] == "ResourcePolicy"
    assert "NoSuchEntity" in onread.refusal("policy", "simulate", "nobody", "s3:GetObject")
    assert "KEY=VALUE" in onread.refusal("policy", "simulate", who, "s3:GetObject", "--context", "x")
