"""Condition keys that cost a look-up: what a policy says while they are not known."""

import pytest

from onread.policy.evaluate import AttachedPolicy, decide
from onread.policy.patterns import LateContext, NotYetKnown
from onread.wire.frozen import changed
from policy.callers import ANONYMOUS, OBJECT, OTHER_ACCOUNT, USER, attached, identity, query, statement

TAG = "s3:ExistingObjectTag/class"
ALLOW, ALLOW_OPEN = statement(), statement(Condition={"StringEquals": {TAG: "open"}})
DENY_SECRET = statement("Deny", Condition={"StringEquals": {TAG: "secret"}})
NOT_TAGGED = {"Null": {TAG: "true"}}
BY_TAG = "arn:aws:s3:::bucket/${s3:ExistingObjectTag/class}"
CLASSES = ((), ("open",), ("secret",), ("key",))


def not_yet(key):
    if key.startswith("s3:existingobjecttag/"):
        raise NotYetKnown


def asked(find, caller=USER):
    plain = query(caller)
    known = {name.lower(): values for name, values in plain.context.items()}
    return changed(plain, context=LateContext(known, find))


def outcome(statements, find, *, hopeful=False, caller=USER, resources=()):
    return decide(
        changed(asked(find, caller), hopeful=hopeful),
        identity=[identity(*statements)] if statements else [],
        resource_policies=resources,
    ).allowed


@pytest.mark.parametrize(
    "statements",
    [
        [ALLOW_OPEN],
        [ALLOW, DENY_SECRET],
        [ALLOW_OPEN, DENY_SECRET],
        [DENY_SECRET],
        [statement(Condition=NOT_TAGGED)],
        [ALLOW, statement("Deny", Condition=NOT_TAGGED)],
        [ALLOW, statement("Deny", Condition={"StringNotEquals": {TAG: "open"}})],
        [ALLOW, statement("Deny", Condition={"StringNotEqualsIfExists": {TAG: "open"}})],
        [ALLOW, statement("Deny", Condition={"ForAllValues:StringEquals": {TAG: "open"}})],
        [statement(resource=BY_TAG)],
        [ALLOW, statement("Deny", resource=BY_TAG)],
        [ALLOW, statement("Deny", NotResource=BY_TAG)],
        [ALLOW, statement("Deny"), ALLOW_OPEN],
        [statement(action="s3:PutObject"), DENY_SECRET],
    ],
)
def test_hope_allows_whatever_any_value_would_allow(statements):
    """What is denied to the hopeful is denied by every value: nothing need be fetched for it."""
    hope = outcome(statements, not_yet, hopeful=True)
    truths = {outcome(statements, lambda key, v=values: v if "tag/" in key else None) for values in CLASSES}
    assert hope or truths == {False}
    try:
        assert {outcome(statements, not_yet)} == truths, "an answer without them is the same with all of them"
    except NotYetKnown:
        assert any("ExistingObjectTag" in str(each) for each in statements)


@pytest.mark.parametrize("statements", [[ALLOW_OPEN], [ALLOW, DENY_SECRET]])
def test_what_is_not_known_stops_a_question_that_needs_it(statements):
    with pytest.raises(NotYetKnown):
        outcome(statements, not_yet)
    assert outcome(statements, not_yet, hopeful=True)


def test_nothing_is_looked_up_before_the_other_conditions_have_held():
    elsewhere = {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
    for condition in ({"StringEquals": {TAG: "secret"}, **elsewhere}, {**elsewhere, "Null": {TAG: "false"}}):
        assert outcome([ALLOW, statement("Deny", Condition=condition)], not_yet)


def test_nothing_is_looked_up_for_a_statement_about_others():
    about_others = {**DENY_SECRET, "Principal": {"AWS": f"arn:aws:iam::{OTHER_ACCOUNT}:user/bob"}}
    for_all = statement(Principal="*")
    layer = AttachedPolicy(policy=attached(for_all, about_others), resource=OBJECT)
    assert outcome([ALLOW], not_yet, resources=[layer])
    assert outcome([], not_yet, caller=ANONYMOUS, resources=[layer])
    with pytest.raises(NotYetKnown):
        outcome(
            [ALLOW],
            not_yet,
            resources=[AttachedPolicy(policy=attached({**DENY_SECRET, "Principal": "*"}), resource=OBJECT)],
        )
