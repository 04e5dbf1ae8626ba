"""The callers that the tests of this folder speak of."""

import json

from onread.policy.document import parse_policy
from onread.policy.evaluate import AccessQuery
from onread.policy.principal import Principal, PrincipalKind

ACCOUNT = "111122223333"
OTHER_ACCOUNT = "999988887777"

USER = Principal(
    kind=PrincipalKind.USER,
    account_id=ACCOUNT,
    arn=f"arn:aws:iam::{ACCOUNT}:user/alice",
    principal_id="AIDAALICE",
    user_name="alice",
)
ROLE = Principal(
    kind=PrincipalKind.ASSUMED_ROLE,
    account_id=ACCOUNT,
    arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/session",
    principal_id="AROAREADER:session",
    role_arn=f"arn:aws:iam::{ACCOUNT}:role/reader",
)
ROOT = Principal(
    kind=PrincipalKind.ROOT, account_id=ACCOUNT, arn=f"arn:aws:iam::{ACCOUNT}:root", principal_id=ACCOUNT
)
FOREIGNER = Principal(
    kind=PrincipalKind.USER,
    account_id=OTHER_ACCOUNT,
    arn=f"arn:aws:iam::{OTHER_ACCOUNT}:user/bob",
    principal_id="AIDABOB",
    user_name="bob",
)
ANONYMOUS = Principal(kind=PrincipalKind.ANONYMOUS, account_id="", arn="", principal_id="")

OBJECT = "arn:aws:s3:::bucket/key"


def document(*statements, version="2012-10-17"):
    return json.dumps({"Version": version, "Statement": list(statements)})


def statement(effect="Allow", action="s3:GetObject", resource="*", **others):
    elements = {"Effect": effect, "Action": action, "Resource": resource} | others
    if "NotAction" in others:
        del elements["Action"]
    if "NotResource" in others:
        del elements["Resource"]
    return elements


def identity(*statements, version="2012-10-17"):
    return parse_policy(document(*statements, version=version), resource_policy=False)


def attached(*statements):
    return parse_policy(document(*statements), resource_policy=True)


def query(principal=USER, action="s3:GetObject", resource=OBJECT, owner=ACCOUNT, **context):
    keys = {key.replace("_", ":", 1): values for key, values in context.items()}
    return AccessQuery(
        principal=principal,
        action=action,
        resource=resource,
        context={"aws:ResourceAccount": (owner,), **keys},
    )
