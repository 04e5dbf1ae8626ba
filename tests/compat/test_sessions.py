"""Roles and temporary credentials, by boto3, over the real road."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from tests.compat.identities import EVERY_USER, LAMBDA, make_role, make_user, trust, with_session
from tests.compat.policy_documents import ACCOUNT, DENIED, allow, document, make_place, read
from tests.compat.wire import refused

pytestmark = [pytest.mark.compat, pytest.mark.slow]
READ = allow("s3:GetObject", "*")


@pytest.fixture(scope="module")
def place(world):
    return make_place(world)


@pytest.fixture(scope="module")
def echo(world):
    """An Object Lambda access point whose function answers with its event."""
    bucket = world.bucket()
    world.client("s3").put_object(Bucket=bucket, Key="k", Body=b"data")
    return world.olap(bucket, world.function("echoes"))


@pytest.fixture
def user(world):
    """Keys of a user who may assume any role that trusts the account."""
    return make_user(world, allow("sts:AssumeRole", "*"), READ)


def assume(world, user, role, **params):
    sts = world.client_as("sts", *user[1:])
    return sts.assume_role(RoleArn=role["Arn"], RoleSessionName="session", **params)


# AssumeRole


def test_an_assumed_role_may_what_its_policies_say(world, place, user):
    role = make_role(world, allow("s3:GetObject", f"arn:aws:s3:::{place.bucket}/open/*"))
    made = assume(world, user, role)
    assert made["AssumedRoleUser"] == {
        "AssumedRoleId": f"{role['RoleId']}:session",
        "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role['RoleName']}/session",
    }
    credentials = made["Credentials"]
    assert credentials["AccessKeyId"].startswith("ASIA")
    remaining = credentials["Expiration"] - datetime.now(UTC)
    assert timedelta(minutes=59) < remaining <= timedelta(hours=1)
    s3 = with_session(world, "s3", credentials)
    assert read(s3, place.bucket, "open/k") == b"data"
    assert refused(s3.get_object, Bucket=place.bucket, Key="closed/k") == DENIED
    identity = with_session(world, "sts", credentials).get_caller_identity()
    assert (identity["UserId"], identity["Arn"]) == tuple(made["AssumedRoleUser"].values())


@pytest.mark.parametrize("named", ["account", "user", "lambda", "nobody's role"])
def test_a_role_is_assumed_by_whom_it_trusts_and_who_may(world, user, named):
    name, key_id, secret = make_user(world)
    arn = f"arn:aws:iam::{ACCOUNT}:user/{name}"
    trusts = {"account": EVERY_USER, "user": {"AWS": arn}, "lambda": LAMBDA}.get(named, EVERY_USER)
    role = make_role(world, READ, trusts=trusts)
    if named == "nobody's role":
        role["Arn"] += "x"
    without_policy = world.client_as("sts", key_id, secret)
    call = {"RoleArn": role["Arn"], "RoleSessionName": "session"}
    if named == "user":  # named himself: his own policies need not say so
        assert without_policy.assume_role(**call)["Credentials"]
    else:
        assert refused(without_policy.assume_role, **call) == DENIED
    with_policy = world.client_as("sts", *user[1:])
    if named == "account":
        assert with_policy.assume_role(**call)["Credentials"]
    else:
        assert refused(with_policy.assume_role, **call) == DENIED
    assert refused(world.client("sts").assume_role, **call) == DENIED  # the root assumes no roles


def test_a_trust_may_ask_for_an_external_id(world, user):
    role = make_role(world, READ)
    condition = {"StringEquals": {"sts:ExternalId": "secret"}}
    world.client("iam").update_assume_role_policy(
        RoleName=role["RoleName"], PolicyDocument=trust(EVERY_USER, condition)
    )
    sts = world.client_as("sts", *user[1:])
    call = {"RoleArn": role["Arn"], "RoleSessionName": "session"}
    assert refused(sts.assume_role, **call) == DENIED
    assert refused(sts.assume_role, **call, ExternalId="other") == DENIED
    assert sts.assume_role(**call, ExternalId="secret")["Credentials"]


def test_T200_a_session_policy_narrows_and_never_widens(world, place, user):
    role = make_role(world, allow("s3:GetObject", f"arn:aws:s3:::{place.bucket}/open/*"))
    everything = document(allow("*", "*"))
    wide = with_session(world, "s3", assume(world, user, role, Policy=everything)["Credentials"])
    assert read(wide, place.bucket, "open/k") == b"data"
    assert refused(wide.get_object, Bucket=place.bucket, Key="closed/k") == DENIED
    nothing = document(allow("s3:ListBucket", "*"))
    none = with_session(world, "s3", assume(world, user, role, Policy=nothing)["Credentials"])
    assert refused(none.get_object, Bucket=place.bucket, Key="open/k") == DENIED
    managed = world.client("iam").create_policy(
        PolicyName=world.unique("read"), PolicyDocument=document(READ)
    )["Policy"]["Arn"]
    both = assume(world, user, role, Policy=nothing, PolicyArns=[{"arn": managed}])["Credentials"]
    assert read(with_session(world, "s3", both), place.bucket, "open/k") == b"data"


def test_T017_a_restricted_session_mints_nothing_wider(world, place, user):
    role = make_role(world, allow("*", "*"))
    other = make_role(world, allow("*", "*"))
    narrow = document(allow("s3:GetObject", "*"))
    credentials = assume(world, user, role, Policy=narrow)["Credentials"]
    iam, sts = (with_session(world, service, credentials) for service in ("iam", "sts"))
    name = user[0]
    assert refused(iam.create_access_key, UserName=name) == DENIED
    assert refused(iam.create_user, UserName="new") == DENIED
    assert refused(iam.put_user_policy, UserName=name, PolicyName="p", PolicyDocument=narrow) == DENIED
    assert refused(iam.delete_role_policy, RoleName=role["RoleName"], PolicyName="test") == DENIED
    for target in (role, other):
        call = {"RoleArn": target["Arn"], "RoleSessionName": "wider"}
        assert refused(sts.assume_role, **call) == DENIED
    assert refused(sts.get_session_token) == DENIED


def test_T017_the_credentials_of_get_session_token_change_no_identities(world, place):
    _, key_id, secret = make_user(world, allow("*", "*"))
    credentials = world.client_as("sts", key_id, secret).get_session_token()["Credentials"]
    iam, sts = (with_session(world, service, credentials) for service in ("iam", "sts"))
    assert read(with_session(world, "s3", credentials), place.bucket) == b"data"
    assert refused(iam.list_users) == DENIED
    assert refused(iam.create_user, UserName="new") == DENIED
    assert refused(sts.get_session_token) == DENIED
    role = make_role(world, READ)
    assert sts.assume_role(RoleArn=role["Arn"], RoleSessionName="chained")["Credentials"]
    for_root = world.client("sts").get_session_token()["Credentials"]
    assert refused(with_session(world, "iam", for_root).create_user, UserName="new") == DENIED


def test_T013_tokens_belong_to_their_keys(world, place, user):
    role = make_role(world, READ)
    mine, theirs = (assume(world, user, role)["Credentials"] for _ in range(2))
    mixed = {
        "token of another session": {**mine, "SessionToken": theirs["SessionToken"]},
        "token with permanent keys": {**mine, "AccessKeyId": user[1], "SecretAccessKey": user[2]},
        "noise": {**mine, "SessionToken": "x" * 200},
        "touched": {**mine, "SessionToken": mine["SessionToken"][:-2] + "AA"},
    }
    for what, credentials in mixed.items():
        code, status = refused(
            with_session(world, "s3", credentials).get_object, Bucket=place.bucket, Key="k"
        )
        assert (what, code, status) == (what, "InvalidToken", 400)
    no_token = world.client_as("s3", mine["AccessKeyId"], mine["SecretAccessKey"])
    assert refused(no_token.get_object, Bucket=place.bucket, Key="k") == ("InvalidAccessKeyId", 403)


def test_T014_sessions_end_with_the_role_and_do_not_come_back_with_its_name(world, place, user):
    role = make_role(world, READ)
    s3 = with_session(world, "s3", assume(world, user, role)["Credentials"])
    assert read(s3, place.bucket) == b"data"
    iam, name = world.client("iam"), role["RoleName"]
    iam.delete_role_policy(RoleName=name, PolicyName="test")
    assert refused(s3.get_object, Bucket=place.bucket, Key="k") == DENIED  # rights are those of now
    iam.delete_role(RoleName=name)
    assert refused(s3.get_object, Bucket=place.bucket, Key="k") == ("InvalidToken", 400)
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(EVERY_USER))
    iam.put_role_policy(RoleName=name, PolicyName="test", PolicyDocument=document(READ))
    assert refused(s3.get_object, Bucket=place.bucket, Key="k") == ("InvalidToken", 400)


@pytest.mark.parametrize("end", ["key disabled", "key deleted", "user made again"])
def test_T014_a_users_session_ends_with_the_key_that_asked_for_it(world, place, end):
    name, key_id, secret = make_user(world, READ)
    s3 = with_session(world, "s3", world.client_as("sts", key_id, secret).get_session_token()["Credentials"])
    assert read(s3, place.bucket) == b"data"
    iam = world.client("iam")
    if end == "key disabled":
        iam.update_access_key(UserName=name, AccessKeyId=key_id, Status="Inactive")
    else:
        iam.delete_access_key(UserName=name, AccessKeyId=key_id)
    if end == "user made again":
        iam.delete_user_policy(UserName=name, PolicyName="test")
        iam.delete_user(UserName=name)
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="test", PolicyDocument=document(READ))
    assert refused(s3.get_object, Bucket=place.bucket, Key="k") == ("InvalidToken", 400)


def test_what_cannot_be_asked_of_sts_is_refused(world, user):
    role = make_role(world, READ)
    sts = world.client_as("sts", *user[1:])
    call = {"RoleArn": role["Arn"], "RoleSessionName": "session"}
    invalid = ("ValidationError", 400)
    assert refused(sts.assume_role, **{**call, "RoleSessionName": "a b"}) == invalid
    assert refused(sts.assume_role, **call, DurationSeconds=3601) == invalid
    assert refused(sts.assume_role, **call, Policy="{}") == ("MalformedPolicyDocument", 400)
    assert refused(sts.get_session_token, DurationSeconds=129_601) == invalid
    assert refused(sts.assume_role, **call, SerialNumber="a" * 9, TokenCode="123456") == DENIED
    tags = [{"Key": f"{n}", "Value": "v" * 250} for n in range(20)]
    trusting = make_role(world, READ)
    world.client("iam").update_assume_role_policy(
        RoleName=trusting["RoleName"],
        PolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": {"Effect": "Allow", "Principal": EVERY_USER, "Action": "sts:*"},
            }
        ),
    )
    tagger = world.client_as("sts", *make_user(world, allow("sts:*", "*"))[1:])
    too_much = {"RoleArn": trusting["Arn"], "RoleSessionName": "session", "Tags": tags}
    assert refused(tagger.assume_role, **too_much) == ("PackedPolicyTooLarge", 400)
    assert refused(sts.assume_role, **call, Tags=tags[:1]) == DENIED  # sts:TagSession is asked for


def test_the_account_of_a_key_is_told(world, user):
    sts = world.client("sts")
    assert sts.get_access_key_info(AccessKeyId=user[1])["Account"] == ACCOUNT
    assert refused(sts.get_access_key_info, AccessKeyId="x" * 16) == ("ValidationError", 400)
    assert refused(sts.get_access_key_info, AccessKeyId="AKIA" + "X" * 16) == DENIED


def test_T275_members_that_an_operation_does_not_have_assign_nothing(world, place):
    """Written into the form beside the real ones, as a client of ours never would."""
    iam, name = world.client_as("iam", *make_user(world, allow("iam:*", "*"))[1:]), world.unique("user")
    extra = {"UserId": "AIDAMINE", "AccountId": "999988887777", "Arn": "arn:x", "IsAdmin": "true"}
    iam.meta.events.register(
        "request-created.iam.CreateUser",
        lambda request, **_: request.data.update(extra) if isinstance(request.data, dict) else None,
    )
    made = iam.create_user(UserName=name)["User"]
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/{name}"
    assert made["UserId"] != "AIDAMINE"
    assert world.client("iam").list_attached_user_policies(UserName=name)["AttachedPolicies"] == []


# Conditions and boundaries


def test_tags_and_token_facts_are_conditions(world, place, user):
    tagged = f"arn:aws:s3:::{place.bucket}/${{aws:PrincipalTag/folder}}/*"
    role = make_role(
        world,
        allow("s3:GetObject", tagged),
        allow("s3:ListBucket", "*", {"Bool": {"aws:MultiFactorAuthPresent": "false"}}),
        allow("s3:GetBucketLocation", "*", {"Null": {"aws:TokenIssueTime": "true"}}),
        Tags=[{"Key": "Folder", "Value": "open"}],
    )
    s3 = with_session(world, "s3", assume(world, user, role)["Credentials"])
    assert read(s3, place.bucket, "open/k") == b"data"
    assert refused(s3.get_object, Bucket=place.bucket, Key="closed/k") == DENIED
    assert s3.list_objects_v2(Bucket=place.bucket)["KeyCount"] == 3
    assert refused(s3.get_bucket_location, Bucket=place.bucket) == DENIED


@pytest.mark.parametrize("kind", ["user", "role"])
def test_T200_a_boundary_limits_what_policies_allow(world, place, user, kind):
    iam = world.client("iam")
    boundary = iam.create_policy(
        PolicyName=world.unique("boundary"),
        PolicyDocument=document(
            allow("s3:*", "*"), allow("s3:*", f"arn:aws:s3:::{place.bucket}/closed/*", effect="Deny")
        ),
    )["Policy"]["Arn"]
    if kind == "user":
        name, key_id, secret = make_user(world, allow("*", "*"))
        iam.put_user_permissions_boundary(UserName=name, PermissionsBoundary=boundary)
        s3, managing = (world.client_as(service, key_id, secret) for service in ("s3", "iam"))
    else:
        role = make_role(world, allow("*", "*"), PermissionsBoundary=boundary)
        credentials = assume(world, user, role)["Credentials"]
        s3, managing = (with_session(world, service, credentials) for service in ("s3", "iam"))
    assert read(s3, place.bucket, "open/k") == b"data"
    assert refused(s3.get_object, Bucket=place.bucket, Key="closed/k") == DENIED
    assert refused(managing.list_users) == DENIED
    if kind == "user":
        iam.delete_user_permissions_boundary(UserName=name)
        assert read(s3, place.bucket, "closed/k") == b"data"


def test_managed_policies_are_in_force_at_once_and_by_version(world, place):
    name, key_id, secret = make_user(world)
    s3, iam = world.client_as("s3", key_id, secret), world.client("iam")
    assert refused(s3.get_object, Bucket=place.bucket, Key="k") == DENIED
    arn = iam.create_policy(PolicyName=world.unique("read"), PolicyDocument=document(READ))["Policy"]["Arn"]
    iam.attach_user_policy(UserName=name, PolicyArn=arn)
    assert read(s3, place.bucket) == b"data"
    nothing = document(allow("s3:ListBucket", "*"))
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=nothing, SetAsDefault=True)
    assert refused(s3.get_object, Bucket=place.bucket, Key="k") == DENIED
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    assert read(s3, place.bucket) == b"data"
    iam.detach_user_policy(UserName=name, PolicyArn=arn)
    assert refused(s3.get_object, Bucket=place.bucket, Key="k") == DENIED


def test_resource_policies_name_roles_and_sessions(world, user):
    bucket = world.bucket()
    world.client("s3").put_object(Bucket=bucket, Key="k", Body=b"data")
    roles = [make_role(world) for _ in range(3)]
    arns = [
        roles[0]["Arn"],
        f"arn:aws:sts::{ACCOUNT}:assumed-role/{roles[1]['RoleName']}/session",
    ]
    world.client("s3").put_bucket_policy(
        Bucket=bucket,
        Policy=document(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*", principal={"AWS": arns})),
    )
    clients = [with_session(world, "s3", assume(world, user, role)["Credentials"]) for role in roles]
    assert [read(client, bucket) for client in clients[:2]] == [b"data", b"data"]
    assert refused(clients[2].get_object, Bucket=bucket, Key="k") == DENIED


# What the function is told


JAVA_DATE = "%a %b %d %H:%M:%S UTC %Y"


def told(world, echo, credentials):
    return json.loads(read(with_session(world, "s3", credentials), echo))["userIdentity"]


def test_T134_user_identity_of_an_assumed_role(world, echo, user):
    role = make_role(world, allow("*", "*"), Path="/app/")
    credentials = assume(world, user, role)["Credentials"]
    identity = told(world, echo, credentials)
    attributes = identity["sessionContext"].pop("attributes")
    assert attributes.pop("mfaAuthenticated") == "false"
    created = datetime.strptime(attributes.pop("creationDate"), JAVA_DATE).replace(tzinfo=UTC)
    assert abs(datetime.now(UTC) - created) < timedelta(minutes=5)
    assert attributes == {}
    assert identity == {
        "type": "AssumedRole",
        "principalId": f"{role['RoleId']}:session",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role['RoleName']}/session",
        "accountId": ACCOUNT,
        "accessKeyId": credentials["AccessKeyId"],
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": role["RoleId"],
                "arn": role["Arn"],
                "accountId": ACCOUNT,
                "userName": role["RoleName"],
            }
        },
    }


def test_user_identity_of_temporary_credentials_of_a_user_and_of_root(world, echo):
    name, key_id, secret = make_user(world, allow("*", "*"))
    credentials = world.client_as("sts", key_id, secret).get_session_token()["Credentials"]
    identity = told(world, echo, credentials)
    assert set(identity.pop("sessionContext")["attributes"]) == {"mfaAuthenticated", "creationDate"}
    user_id = identity.pop("principalId")
    assert user_id.startswith("AIDA")
    assert identity == {
        "type": "IAMUser",
        "arn": f"arn:aws:iam::{ACCOUNT}:user/{name}",
        "accountId": ACCOUNT,
        "accessKeyId": credentials["AccessKeyId"],
        "userName": name,
    }
    for_root = world.client("sts").get_session_token()["Credentials"]
    identity = told(world, echo, for_root)
    assert "attributes" in identity.pop("sessionContext")
    assert identity == {
        "type": "Root",
        "principalId": ACCOUNT,
        "arn": f"arn:aws:iam::{ACCOUNT}:root",
        "accountId": ACCOUNT,
        "accessKeyId": for_root["AccessKeyId"],
    }
