"""Roles, managed policies and what hangs on users and roles, over a real database."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from onread.errors import DeleteConflict, EntityAlreadyExists, LimitExceeded, NoSuchEntity
from onread.metadata.facade import Records
from onread.metadata.identity_records import POLICIES_OF_AWS, ManagedPolicy, PolicyVersion, Role

from .conftest import ACCOUNT, NOW, OpenRecords, a_user

pytestmark = pytest.mark.slow  # each over databases that are started, filled and ended

BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


def a_role(name: str = "reader", *, role_id: str = "AROAAAAAAAAAAAAAAAAAA", **members: object) -> Role:
    return Role(
        account_id=ACCOUNT,
        name=name,
        path="/",
        role_id=role_id,
        created_at=NOW,
        trust_policy="{}",
        **members,  # type: ignore[arg-type]
    )


def a_policy(name: str = "read", *, policy_id: str = "ANPAAAAAAAAAAAAAAAAAA") -> ManagedPolicy:
    return ManagedPolicy(
        account_id=ACCOUNT,
        name=name,
        path="/",
        policy_id=policy_id,
        created_at=NOW,
        updated_at=NOW,
        versions={1: PolicyVersion(number=1, document="1", created_at=NOW)},
    )


@pytest.fixture
def run(open_records: OpenRecords) -> Callable[[Callable[[Records], Awaitable[None]]], None]:
    def runner(scenario: Callable[[Records], Awaitable[None]]) -> None:
        async def whole() -> None:
            async with open_records() as records:
                await scenario(records)

        asyncio.run(whole())

    return runner


Run = Callable[[Callable[[Records], Awaitable[None]]], None]


def test_a_role_is_kept_as_it_was_made(run: Run, open_records: OpenRecords) -> None:
    role = a_role(tags={"Team": "blue"}, boundary=BASIC, description="d", longest_session_seconds=7200)

    async def scenario(records: Records) -> None:
        await records.identities.create_role(role)
        assert records.identities.role(ACCOUNT, "READER") == role
        assert records.identities.role_by_id(role.role_id) == role
        assert records.identities.role_by_arn(role.arn) == role
        assert records.identities.role_by_arn(role.arn.lower()) is None or role.arn.islower()
        with pytest.raises(EntityAlreadyExists):
            await records.identities.create_role(a_role("Reader", role_id="AROAB"))

    run(scenario)

    async def again() -> None:
        async with open_records() as records:
            assert records.identities.role(ACCOUNT, "reader") == role

    asyncio.run(again())


def test_T014_a_role_made_again_under_the_name_inherits_nothing(run: Run) -> None:
    async def scenario(records: Records) -> None:
        ids = records.identities
        await ids.create_role(a_role(tags={"a": "b"}))
        await ids.put_role_policy(ACCOUNT, "reader", "p", "{}")
        await ids.attach(a_role(), BASIC)
        with pytest.raises(DeleteConflict):
            await ids.delete_role(ACCOUNT, "reader")
        await ids.delete_role_policy(ACCOUNT, "reader", "p")
        with pytest.raises(DeleteConflict):
            await ids.delete_role(ACCOUNT, "reader")
        await ids.detach(a_role(), BASIC)
        await ids.set_boundary(a_role(), BASIC)
        await ids.delete_role(ACCOUNT, "reader")
        await ids.create_role(a_role(role_id="AROABBBBBBBBBBBBBBBBB"))
        again = ids.role(ACCOUNT, "reader")
        assert again == a_role(role_id="AROABBBBBBBBBBBBBBBBB")
        assert ids.role_by_id(a_role().role_id) is None

    run(scenario)


def test_a_user_with_managed_policies_stays_until_they_are_detached(run: Run) -> None:
    async def scenario(records: Records) -> None:
        await records.create_user(a_user())
        await records.identities.attach(a_user(), BASIC)
        await records.identities.attach(a_user(), BASIC)
        user = records.user(ACCOUNT, "alice")
        assert user is not None
        assert user.attached == (BASIC,)
        with pytest.raises(DeleteConflict):
            await records.delete_user(ACCOUNT, "alice")
        await records.identities.detach(a_user(), BASIC)
        with pytest.raises(NoSuchEntity):
            await records.identities.detach(a_user(), BASIC)
        await records.delete_user(ACCOUNT, "alice")
        with pytest.raises(NoSuchEntity):
            await records.identities.attach(a_user(), BASIC)

    run(scenario)


def test_a_renamed_user_keeps_what_it_has(run: Run) -> None:
    async def scenario(records: Records) -> None:
        await records.create_user(a_user())
        await records.create_user(a_user("bob", user_id="AIDAB"))
        await records.put_user_policy(ACCOUNT, "alice", "p", "{}")
        with pytest.raises(EntityAlreadyExists):
            await records.rename_user(ACCOUNT, "alice", new_name="BOB", new_path="/")
        await records.rename_user(ACCOUNT, "alice", new_name="Alice", new_path="/x/")
        user = records.user(ACCOUNT, "alice")
        assert user is not None
        assert (user.name, user.path, user.user_id, dict(user.policies)) == (
            "Alice", "/x/", a_user().user_id, {"p": "{}"},
        )  # fmt: skip

    run(scenario)


def test_versions_of_a_managed_policy_are_numbered_once(run: Run) -> None:
    async def scenario(records: Records) -> None:
        ids, policy = records.identities, a_policy()
        await ids.create_policy(policy)
        for number in range(2, 6):
            made = await ids.add_policy_version(policy, str(number), created_at=NOW, is_default=number == 3)
            assert made.number == number
        with pytest.raises(LimitExceeded):
            await ids.add_policy_version(policy, "6", created_at=NOW, is_default=False)
        with pytest.raises(DeleteConflict):
            await ids.delete_policy_version(policy, 3)
        await ids.delete_policy_version(policy, 5)
        with pytest.raises(NoSuchEntity):
            await ids.set_default_policy_version(policy, 5, changed_at=NOW)
        assert (await ids.add_policy_version(policy, "6", created_at=NOW, is_default=False)).number == 6
        served = ids.policy(policy.arn)
        assert served is not None
        assert (served.document, sorted(served.versions)) == ("3", [1, 2, 3, 4, 6])

    run(scenario)


def test_a_managed_policy_in_use_is_not_deleted(run: Run) -> None:
    async def scenario(records: Records) -> None:
        ids, policy = records.identities, a_policy()
        await ids.create_policy(policy)
        await ids.create_role(a_role())
        await ids.set_boundary(a_role(), policy.arn)
        with pytest.raises(DeleteConflict):
            await ids.delete_managed_policy(policy)
        await ids.set_boundary(a_role(), None)
        with pytest.raises(NoSuchEntity):
            await ids.set_boundary(a_role(), None)
        await ids.delete_managed_policy(policy)
        assert ids.policy(policy.arn) is None
        with pytest.raises(NoSuchEntity):
            await ids.put_tags(policy, {"a": "b"})

    run(scenario)


def test_at_most_ten_policies_are_attached_and_fifty_tags_set(run: Run) -> None:
    async def scenario(records: Records) -> None:
        ids = records.identities
        await ids.create_role(a_role())
        for number in range(10):
            await ids.attach(a_role(), f"arn:{number}")
        with pytest.raises(LimitExceeded):
            await ids.attach(a_role(), "arn:10")
        await ids.put_tags(a_role(), {f"k{number}": "v" for number in range(50)})
        await ids.put_tags(a_role(), {"K1": "new"})
        with pytest.raises(LimitExceeded):
            await ids.put_tags(a_role(), {"k50": "v"})
        await ids.remove_tags(a_role(), ["k2", "unknown"])
        role = ids.role(ACCOUNT, "reader")
        assert role is not None
        assert role.tags["K1"] == "new"
        assert "k1" not in role.tags
        assert len(role.tags) == 49

    run(scenario)


def test_the_policies_of_aws_are_there_for_every_account(run: Run) -> None:
    async def scenario(records: Records) -> None:
        for arn, policy in POLICIES_OF_AWS.items():
            assert records.identities.policy(arn) is policy
        assert records.identities.list_policies(ACCOUNT) == []

    run(scenario)
