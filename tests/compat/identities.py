"""Users, roles and sessions, in short words."""

import json
from typing import Any

from tests.compat.conftest import ACCOUNT, World
from tests.compat.policy_documents import allow, document

from onread.cli.client import make_client


def trust(principal: Any, condition: Any = None) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    if condition is not None:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


LAMBDA = {"Service": "lambda.amazonaws.com"}
EVERY_USER = {"AWS": ACCOUNT}


def make_role(world: World, *statements: Any, trusts: Any = EVERY_USER, **params: Any) -> dict[str, Any]:
    """A role with these statements as its one inline policy."""
    iam, name = world.client("iam"), world.unique("role")
    role: dict[str, Any] = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(trusts), **params)[
        "Role"
    ]
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="test", PolicyDocument=document(*statements))
    return role


def make_user(world: World, *statements: Any) -> tuple[str, str, str]:
    return world.user(document(*statements) if statements else None)


def with_session(world: World, service: str, credentials: dict[str, Any]) -> Any:
    """boto3 with temporary credentials."""
    return make_client(
        service,
        endpoint_url=world.endpoint,
        access_key_id=credentials["AccessKeyId"],
        secret_access_key=credentials["SecretAccessKey"],
        session_token=credentials["SessionToken"],
    )


def may_assume(role: dict[str, Any]) -> dict[str, Any]:
    return allow("sts:AssumeRole", role["Arn"])
