from functools import partial

import pytest
from tests.unit.policy.callers import USER

from onread.errors import BadRequest, InvalidArgument
from onread.gateway.known_tags import KnownTags, TaggedObject
from onread.gateway.tag_conditions import existing_tag, requested_tags
from onread.policy.document import parse_policy
from onread.policy.evaluate import AccessQuery, decide
from onread.policy.patterns import LateContext

POLICY = """{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*",
     "Condition": {"StringEquals": {"s3:ExistingObjectTag/Class": ["open", "${s3:ExistingObjectTag/same}"]}}},
    {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}
]}"""


class Known(KnownTags):
    def __init__(self, tags):
        self.tags = tags

    def of(self, named):
        assert named == TaggedObject("b", "k", "v")
        return self.tags


def allowed(tags):
    find = partial(existing_tag, Known(tags), "b", "k", "v")
    context = LateContext({"aws:resourceaccount": ("111122223333",)}, find)
    query = AccessQuery(principal=USER, action="s3:GetObject", resource="arn:aws:s3:::b/k", context=context)
    return decide(query, identity=[parse_policy(POLICY, resource_policy=False)]).allowed


@pytest.mark.parametrize(
    ("tags", "is_allowed"),
    [
        ({"Class": "open"}, True),
        ({"class": "open"}, True),
        ({"Class": "closed"}, False),
        ({"Class": "x", "SAME": "x"}, True),
        ({}, False),
    ],
)
def test_an_objects_tags_decide_where_a_policy_names_them(tags, is_allowed):
    assert allowed(tags) is is_allowed


def test_no_object_is_looked_at_for_another_condition_key():
    assert existing_tag(None, "b", "k", None, "s3:requestobjecttag/class") is None


def test_what_a_request_would_set_is_known_by_header_and_document():
    expected = {
        "s3:requestobjecttag/team": ("a b",),
        "s3:requestobjecttag/x": ("",),
        "s3:requestobjecttagkeys": ("Team", "x"),
    }
    assert requested_tags({"Tagging": "Team=a%20b&x="}) == expected
    document = {"TagSet": [{"Key": "Team", "Value": "a b"}, {"Key": "x", "Value": ""}]}
    assert requested_tags({"Tagging": document}) == expected
    assert requested_tags({}) == requested_tags({"Tagging": {"TagSet": []}}) == {}
    with pytest.raises(InvalidArgument):
        requested_tags({"Tagging": "a=1&a=2"})
    with pytest.raises(BadRequest):
        requested_tags({"Tagging": {"TagSet": [{"Key": str(n), "Value": ""} for n in range(11)]}})
