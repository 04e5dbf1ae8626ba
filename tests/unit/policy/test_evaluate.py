import json
import time

import pytest

from onread.policy.document import parse_policy
from onread.policy.evaluate import DENY_ALL, AccessQuery, AttachedPolicy, decide
from policy.callers import (
    ACCOUNT,
    ANONYMOUS,
    FOREIGNER,
    OBJECT,
    OTHER_ACCOUNT,
    ROLE,
    ROOT,
    USER,
    attached,
    identity,
    query,
    statement,
)

ALLOW = statement()
DENY = statement("Deny")
FOR_ALL = {"Principal": "*"}
ALLOW_ALL = attached(statement(**FOR_ALL))
NOTHING = AttachedPolicy(policy=None, resource=OBJECT)


def allowed(asked, *, identity=(), resources=(), session=None):
    return decide(asked, identity=identity, resource_policies=resources, session=session).allowed


def test_T200_an_explicit_deny_beats_every_allow_wherever_it_stands():
    allow, deny = identity(ALLOW), identity(DENY)
    deny_all = attached(statement("Deny", **FOR_ALL))
    for caller in (USER, ROLE, ROOT):
        assert not allowed(query(caller), identity=[allow, deny], resources=[ALLOW_ALL])
        assert not allowed(query(caller), identity=[allow], resources=[ALLOW_ALL, deny_all])
        assert not allowed(query(caller), identity=[allow], resources=[ALLOW_ALL], session=deny)
    assert not allowed(query(), identity=[identity(DENY, ALLOW)])
    assert not allowed(query(), identity=[identity(ALLOW, DENY)])


def test_T200_a_deny_says_which_statement_of_which_policy():
    layer = AttachedPolicy(
        policy=attached(statement("Deny", Sid="no reads", **FOR_ALL)), resource=OBJECT, name="bucket policy"
    )
    decision = decide(query(), identity=[identity(ALLOW)], resource_policies=[layer])
    assert decision.explicit_deny
    assert 'with an explicit deny in "no reads" of the bucket policy' in decision.reason
    assert USER.arn in decision.reason
    assert OBJECT in decision.reason


def test_T201_nothing_matches_is_denied():
    decision = decide(query(), identity=[])
    assert not decision.allowed
    assert not decision.explicit_deny
    assert "no identity-based policy" in decision.reason
    assert not allowed(query(), identity=[identity(statement(action="s3:PutObject"))])
    assert not allowed(query(), identity=[identity(statement(resource="arn:aws:s3:::other/*"))])
    assert not allowed(query(), resources=[NOTHING])


def test_T209_what_stands_in_for_an_unreadable_policy_denies_everything():
    assert not allowed(query(ROOT), identity=[DENY_ALL])
    assert not allowed(query(), identity=[identity(ALLOW)], resources=[ALLOW_ALL, DENY_ALL])


def test_the_root_of_an_account_may_do_everything_in_it_and_nothing_in_another():
    assert allowed(query(ROOT))
    assert not allowed(query(ROOT, owner=OTHER_ACCOUNT))
    assert allowed(query(ROOT, owner=OTHER_ACCOUNT), resources=[ALLOW_ALL])


@pytest.mark.parametrize("action", ["s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"])
def test_T200_the_root_of_the_owner_is_not_locked_out_by_a_bucket_policy(action):
    deny = attached(statement("Deny", "s3:*", **FOR_ALL))
    assert allowed(query(ROOT, action), resources=[deny])
    assert not allowed(query(ROOT, owner=OTHER_ACCOUNT, action=action), resources=[deny])
    assert not allowed(query(ROOT, action), identity=[identity(statement("Deny", "s3:*"))])


def test_in_one_account_identity_or_resource_policies_allow():
    assert allowed(query(), identity=[identity(ALLOW)])
    assert allowed(query(), identity=[identity(ALLOW)], resources=[NOTHING])
    assert allowed(query(), resources=[ALLOW_ALL])
    for named in (USER.arn, ROLE.role_arn, ROLE.arn):
        policy = attached(statement(Principal={"AWS": named}))
        assert allowed(query(USER), resources=[policy]) == (named == USER.arn)
        assert allowed(query(ROLE), resources=[policy]) == (named != USER.arn)


def test_in_one_account_to_name_the_account_leaves_the_word_to_identity_policies():
    policy = attached(statement(Principal={"AWS": ACCOUNT}))
    assert not allowed(query(), resources=[policy])
    assert allowed(query(), identity=[identity(ALLOW)], resources=[policy])


def test_between_accounts_both_must_allow():
    mine = [identity(ALLOW)]
    for named in (FOREIGNER.arn, OTHER_ACCOUNT, "*"):
        theirs = [attached(statement(Principal={"AWS": named}))]
        assert allowed(query(FOREIGNER), identity=mine, resources=theirs)
        assert not allowed(query(FOREIGNER), resources=theirs)
    assert not allowed(query(FOREIGNER), identity=mine)
    assert not allowed(query(FOREIGNER), identity=mine, resources=[NOTHING])


def test_T132_every_resource_on_the_way_must_allow_a_foreign_account():
    mine = [identity(ALLOW)]
    point = AttachedPolicy(
        policy=ALLOW_ALL, resource=f"arn:aws:s3:us-east-1:{ACCOUNT}:accesspoint/a/object/key"
    )
    assert allowed(query(FOREIGNER), identity=mine, resources=[point, ALLOW_ALL])
    assert not allowed(query(FOREIGNER), identity=mine, resources=[point, NOTHING])
    assert not allowed(query(FOREIGNER), identity=mine, resources=[NOTHING, ALLOW_ALL])
    assert not allowed(query(USER), resources=[point, NOTHING])


def test_each_resource_policy_is_asked_about_its_own_resource():
    arn = f"arn:aws:s3:us-east-1:{ACCOUNT}:accesspoint/a/object/key"
    policy = attached(statement(resource=arn, **FOR_ALL))
    assert allowed(query(), resources=[AttachedPolicy(policy=policy, resource=arn)])
    assert not allowed(query(), resources=[policy])


def test_an_anonymous_caller_needs_every_resource_policy_to_name_everyone():
    assert allowed(query(ANONYMOUS), resources=[ALLOW_ALL])
    assert not allowed(query(ANONYMOUS))
    assert not allowed(query(ANONYMOUS), resources=[ALLOW_ALL, NOTHING])
    assert not allowed(query(ANONYMOUS), resources=[attached(statement(Principal={"AWS": ACCOUNT}))])
    decision = decide(query(ANONYMOUS), identity=[], resource_policies=[NOTHING])
    assert "An anonymous caller" in decision.reason


def test_a_session_policy_limits_and_never_allows():
    narrow = identity(statement(action="s3:GetObject"))
    assert allowed(query(ROLE), identity=[identity(statement(action="s3:*"))], session=narrow)
    assert not allowed(
        query(ROLE, "s3:PutObject"), identity=[identity(statement(action="s3:*"))], session=narrow
    )
    assert not allowed(query(ROLE), session=narrow)
    assert not allowed(query(ROOT, "s3:PutObject"), session=narrow)


def test_T202_not_principal_with_deny_spares_those_it_names():
    deny = attached(statement("Deny", NotPrincipal={"AWS": [USER.arn, ACCOUNT]}))
    mine = [identity(ALLOW)]
    assert allowed(query(USER), identity=mine, resources=[deny])
    assert allowed(query(ROOT), resources=[deny])
    assert not allowed(query(ROLE), identity=mine, resources=[deny])


@pytest.mark.parametrize(
    ("action", "granted"),
    [
        ("s3:GetObject", True),
        ("s3:PutObject", True),
        ("lambda:InvokeFunction", True),
        ("s3:DeleteObject", False),
        ("s3:PutBucketPolicy", False),
        ("s3:DeleteBucketPolicy", False),
        ("s3:PutBucketAcl", False),
        ("s3:PutBucketPublicAccessBlock", False),
        ("s3:PutAccessPointPolicy", False),
        ("s3:PutAccessPointPolicyForObjectLambda", False),
        ("lambda:AddPermission", False),
        ("iam:CreateUser", False),
        ("iam:PutUserPolicy", False),
        ("onread:UpdateStore", False),
    ],
)
def test_T202_allow_with_not_action_grants_no_administration_by_surprise(action, granted):
    policy = identity(statement(NotAction=["s3:DeleteObject"]))
    assert allowed(query(action=action), identity=[policy]) is granted


def test_deny_with_not_action_denies_all_others():
    policies = [identity(statement(action="*"), statement("Deny", NotAction=["s3:Get*", "s3:ListBucket"]))]
    assert allowed(query(), identity=policies)
    assert not allowed(query(action="iam:CreateUser"), identity=policies)
    assert not allowed(query(action="s3:PutBucketPolicy"), identity=policies)


def test_not_resource_is_about_all_other_resources():
    policy = [identity(statement(NotResource=["arn:aws:s3:::secret", "arn:aws:s3:::secret/*"]))]
    assert allowed(query(), identity=policy)
    assert not allowed(query(resource="arn:aws:s3:::secret/key"), identity=policy)
    assert not allowed(query(), identity=[identity(statement(NotResource="*"))])


def test_T207_all_but_an_unknown_variable_grants_nothing_and_denies_everything():
    unknown = {"NotResource": "arn:aws:s3:::${aws:username}/*"}
    assert not allowed(query(), identity=[identity(statement(**unknown))])
    assert allowed(query(aws_username=("alice",)), identity=[identity(statement(**unknown))])
    assert not allowed(query(), identity=[identity(ALLOW, statement("Deny", **unknown))])


def test_T207_a_variable_names_the_callers_own_folder():
    policy = [identity(statement(resource="arn:aws:s3:::bucket/${aws:username}/*"))]
    own = query(resource="arn:aws:s3:::bucket/alice/x", aws_username=("alice",))
    assert allowed(own, identity=policy)
    assert not allowed(query(resource="arn:aws:s3:::bucket/bob/x", aws_username=("alice",)), identity=policy)
    assert not allowed(query(resource="arn:aws:s3:::bucket/bob/x", aws_username=("*",)), identity=policy)
    assert not allowed(query(resource="arn:aws:s3:::bucket/alice/x"), identity=policy)


def test_T207_the_older_version_has_no_variables():
    policy = identity(statement(resource="arn:aws:s3:::bucket/${aws:username}"), version="2008-10-17")
    assert not allowed(
        query(resource="arn:aws:s3:::bucket/alice", aws_username=("alice",)), identity=[policy]
    )
    assert allowed(query(resource="arn:aws:s3:::bucket/${aws:username}"), identity=[policy])


def test_T203_actions_match_without_case_resources_and_keys_with_it():
    for action in ("S3:getobject", "s3:GETOBJECT", "s3:GET*", "S3:?etObject"):
        assert allowed(query(), identity=[identity(statement(action=action))])
    assert allowed(query(action="S3:GETOBJECT"), identity=[identity(ALLOW)])
    assert not allowed(query(), identity=[identity(statement(resource="arn:aws:s3:::Bucket/*"))])
    assert not allowed(query(), identity=[identity(statement(resource="arn:aws:s3:::bucket/Key"))])


def test_T203_condition_keys_match_without_case():
    condition = {"StringEquals": {"AWS:userNAME": "alice"}}
    assert allowed(query(aws_UserName=("alice",)), identity=[identity(statement(Condition=condition))])


def test_T131_data_is_readable_only_through_a_transformation():
    condition = {"ForAnyValue:StringEquals": {"aws:CalledVia": ["s3-object-lambda.amazonaws.com"]}}
    policy = [identity(statement(Condition=condition))]
    assert allowed(query(aws_CalledVia=("s3-object-lambda.amazonaws.com",)), identity=policy)
    assert not allowed(query(), identity=policy)


def test_every_statement_that_may_speak_is_found():
    for spelled in (
        "s3:GetObject",
        "s3:Get*",
        "s3:*",
        "*",
        "*:*",
        ["s3:PutObject", "s3:Get*"],
        ["lambda:*", "s3:getobject"],
    ):
        crowd = [statement(action=other) for other in ("s3:GetObject", "s3:Put*", "iam:*")]
        denying = [identity(ALLOW, *crowd, statement("Deny", spelled))]
        assert not allowed(query(), identity=denying)
        assert allowed(
            query(action="s3:ListBucket"), identity=[identity(statement(action=["s3:ListBucket", "sqs:*"]))]
        )


def test_T208_whose_resource_it_is_comes_from_the_arn_or_the_context():
    mine = [identity(statement(action="*"))]
    for owner, expected in ((ACCOUNT, True), (OTHER_ACCOUNT, False)):
        arn = f"arn:aws:lambda:us-east-1:{owner}:function:f:$LATEST"
        bare = AccessQuery(principal=USER, action="lambda:InvokeFunction", resource=arn, context={})
        assert allowed(bare, identity=mine) is expected
    # A bucket's ARN has no account: of an owner that nobody states nothing is assumed.
    unstated = AccessQuery(principal=USER, action="s3:GetObject", resource=OBJECT, context={})
    assert not allowed(unstated, identity=mine)
    for none in ("*", "arn:aws:s3:::*"):
        assert allowed(
            AccessQuery(principal=USER, action="s3:ListAllMyBuckets", resource=none, context={}),
            identity=mine,
        )


def test_a_decision_over_a_hundred_statements_is_quick():
    """The bound is generous for busy machines; the figures are measured in ``bench``."""
    others = ["s3:PutObject", "s3:Delete*", "s3:List*", "ec2:Describe*", "lambda:InvokeFunction", "s3:Put*"]
    others += ["iam:*", "sqs:SendMessage", "s3:GetBucket*"]
    condition = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    crowd = [statement(action=action, resource="arn:aws:s3:::bucket/*") for action in others]
    policies = [
        identity(*crowd, statement(resource=f"arn:aws:s3:::{n}/*", Condition=condition)) for n in range(10)
    ]
    asked = query(aws_SourceIp=("10.0.0.1",))
    best = min(_seconds(asked, policies) for _ in range(20))
    assert best < 0.0005


def _seconds(asked, policies):
    started = time.perf_counter()
    decide(asked, identity=policies)
    return time.perf_counter() - started


def test_a_policy_of_another_document_language_version_is_still_json():
    text = json.dumps({"Version": "2008-10-17", "Statement": [ALLOW]})
    assert allowed(query(), identity=[parse_policy(text, resource_policy=False)])
