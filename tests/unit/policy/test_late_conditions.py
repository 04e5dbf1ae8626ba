"""Condition keys that cost a look-up: what a policy says while they are not known."""

import pytest

from onread.policy.evaluate import AttachedPolicy, decide
from onread.policy.patterns import LateContext, NotYetKnown
from onread.policy.statement import Unknown
from onread.wire.frozen import changed
from policy.callers import ANONYMOUS, OBJECT, OTHER_ACCOUNT, USER, attached, identity, query, statement

TAG = "s3:ExistingObjectTag/class"
ALLOW, ALLOW_OPEN = statement(), statement(Condition={"StringEquals": {TAG: "open"}})
DENY_SECRET = statement("Deny", Condition={"StringEquals": {TAG: "secret"}})
NOT_TAGGED = {"Null": {TAG: "true"}}
BY_TAG = "arn:aws:s3:::bucket/${s3:ExistingObjectTag/class}"
ELSEWHERE = {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
CLASSES = ((), ("open",), ("secret",), ("key",))


def not_yet(key):
    if key.startswith("s3:existingobjecttag/"):
        raise NotYetKnown


def asked(find, caller=USER):
    plain = query(caller)
    known = {name.lower(): values for name, values in plain.context.items()}
    return changed(plain, context=LateContext(known, find))


def outcome(statements, find, *, unknown=Unknown.STOPS, caller=USER, resources=()):
    return decide(
        changed(asked(find, caller), unknown=unknown),
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
        [ALLOW_OPEN, ALLOW],
        [statement(resource=BY_TAG), ALLOW],
        [statement(resource=BY_TAG, Condition=ELSEWHERE)],
        [ALLOW, statement("Deny", resource=BY_TAG, Condition=ELSEWHERE)],
    ],
)
def test_an_answer_without_them_is_the_same_with_all_of_them(statements):
    """What is denied when they help, or allowed when they harm, is so by every value."""
    truths = {outcome(statements, lambda key, v=values: v if "tag/" in key else None) for values in CLASSES}
    best, worst = (outcome(statements, not_yet, unknown=each) for each in (Unknown.HELPS, Unknown.HARMS))
    assert worst <= min(truths)
    assert max(truths) <= best
    try:
        assert {outcome(statements, not_yet)} == truths
    except NotYetKnown:
        assert any("ExistingObjectTag" in str(each) for each in statements)


@pytest.mark.parametrize("statements", [[ALLOW_OPEN], [ALLOW, DENY_SECRET]])
def test_what_is_not_known_stops_a_question_that_needs_it(statements):
    with pytest.raises(NotYetKnown):
        outcome(statements, not_yet)
    assert outcome(statements, not_yet, unknown=Unknown.HELPS)
    assert not outcome(statements, not_yet, unknown=Unknown.HARMS)


@pytest.mark.parametrize("statements", [[ALLOW, ALLOW_OPEN], [ALLOW_OPEN, ALLOW]])
def test_who_is_allowed_either_way_is_allowed_in_any_order_of_statements(statements):
    assert outcome(statements, not_yet, unknown=Unknown.HARMS)


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_an_unknown_resource_makes_no_difference_where_a_condition_does_not_hold(effect):
    """By no value do these statements speak about the question; nobody makes the gateway look one up."""
    about = statement(effect, resource=BY_TAG, Condition=ELSEWHERE)
    statements = [about] if effect == "Allow" else [ALLOW, about]
    best, worst = (outcome(statements, not_yet, unknown=each) for each in (Unknown.HELPS, Unknown.HARMS))
    assert best == worst == (effect == "Deny")


def test_nothing_is_looked_up_before_the_other_conditions_have_held():
    for condition in ({"StringEquals": {TAG: "secret"}, **ELSEWHERE}, {**ELSEWHERE, "Null": {TAG: "false"}}):
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
