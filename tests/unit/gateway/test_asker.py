"""What the tags of an object, or that nobody tells them, make of one question."""

import asyncio
import contextlib
import json
from functools import partial

import pytest
from tests.unit.policy.callers import USER

from onread.errors import AccessDenied, SlowDown
from onread.gateway.asker import Asker
from onread.gateway.known_tags import KnownTags, TaggedObject, TagsNotKnown
from onread.gateway.own_policies import OwnPolicies
from onread.gateway.tag_conditions import existing_tag
from onread.policy.document import parse_policy

OPEN = {"StringEquals": {"s3:ExistingObjectTag/class": "open"}}
READ, BY_TAG = {"Action": "s3:GetObject"}, {"Action": "s3:*", "Condition": OPEN}
NAMED = TaggedObject("bucket", "key", None)


def asker(tags, *statements):
    document = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Resource": "*", **each} for each in statements],
        }
    )
    own = OwnPolicies(identity=parse_policy(document, resource_policy=False))
    conditions = {"aws:resourceaccount": (USER.account_id,)}
    return Asker(USER, own, USER.account_id, lambda: conditions, "request-1", tags)


def allows(one, action):
    late = partial(existing_tag, one.tags, NAMED.bucket, NAMED.key, NAMED.version_id)
    return one.allows(action, "arn:aws:s3:::bucket/key", (), {}, late)


def after(answer):
    """The tags of a request that has looked for those of the object."""

    async def look_up(_named):
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def told():
        tags = KnownTags(look_up, "request-1")
        with contextlib.suppress(AccessDenied, SlowDown):
            await tags.answer(partial(tags.of, NAMED))
        return tags

    return asyncio.run(told())


@pytest.mark.parametrize("untold", [AccessDenied(), SlowDown()])
def test_tags_that_nobody_tells_take_nothing_from_who_needs_none(untold):
    one = asker(after(untold), BY_TAG, READ)
    assert allows(one, "s3:GetObject")
    assert not allows(asker(after(untold), READ), "s3:PutObject")


def test_tags_that_a_store_does_not_tell_allow_nothing():
    assert not allows(asker(after(AccessDenied()), BY_TAG, READ), "s3:PutObject")
    with pytest.raises(TagsNotKnown):
        allows(asker(after(SlowDown()), BY_TAG, READ), "s3:PutObject")


@pytest.mark.parametrize(("value", "allowed"), [("open", True), ("secret", False)])
def test_tags_that_are_known_decide(value, allowed):
    assert allows(asker(after({"class": value}), BY_TAG), "s3:PutObject") is allowed
