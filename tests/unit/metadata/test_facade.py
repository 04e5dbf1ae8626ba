"""Records: what is written is served, once, and only by the rules."""

import asyncio
import hashlib
from dataclasses import replace

import pytest
from sqlalchemy import event

from onread.errors import (
    AccessPointAlreadyOwnedByYou,
    DeleteConflict,
    EntityAlreadyExists,
    InvalidRequest,
    LimitExceeded,
    NoSuchAccessPoint,
    NoSuchEntity,
    ResourceConflictException,
    ResourceNotFoundException,
)

from .conftest import (
    ACCOUNT,
    NOW,
    OpenRecords,
    a_function,
    a_key,
    a_user,
    an_access_point,
    an_object_lambda_access_point,
)

pytestmark = pytest.mark.slow  # each over databases that are started, filled and ended


def test_everything_written_is_there_after_a_reopen(open_records: OpenRecords) -> None:
    code = b"zip"
    function = a_function(
        code_sha256=hashlib.sha256(code).hexdigest(),
        environment={"A": "ü"},
        tags={"t": "v"},
        state_reason="why",
    )

    async def scenario() -> None:
        async with open_records() as records:
            await records.create_user(a_user())
            await records.put_user_policy(ACCOUNT, "alice", "p", "{}")
            await records.create_access_key(a_key())
            await records.create_access_point(an_access_point())
            await records.create_object_lambda_access_point(an_object_lambda_access_point())
            await records.create_function(function, code)
        async with open_records() as records:
            assert records.user(ACCOUNT, "alice") == replace(a_user(), policies={"p": "{}"})
            key = records.access_key("AKIAAAAAAAAAAAAAAAAA")
            assert key == a_key()
            assert key is not None
            assert key.secret.reveal() == "s" * 40
            assert records.access_point(ACCOUNT, "my-ap") == an_access_point()
            olap = an_object_lambda_access_point()
            assert records.object_lambda_access_point(ACCOUNT, "my-olap") == olap
            assert records.object_lambda_access_point_by_alias("my-olap-x--ol-s3") == olap
            assert records.object_lambda_access_point_by_alias("my-olap.olap") == olap
            assert records.access_point_by_alias(an_access_point().alias) == an_access_point()
            assert records.function(ACCOUNT, "f") == function
            assert await records.load_code(function.code_sha256) == code
            assert records.list_users(ACCOUNT) == [records.user(ACCOUNT, "alice")]
            assert records.list_access_keys(ACCOUNT, "Alice") == [a_key()]
            assert records.list_functions(ACCOUNT) == [function]
            assert records.list_functions("999999999999") == []

    asyncio.run(scenario())


def test_times_come_back_aware_and_whole(open_records: OpenRecords) -> None:
    async def scenario() -> None:
        async with open_records() as records:
            await records.create_access_point(an_access_point())
        async with open_records() as records:
            stored = records.access_point(ACCOUNT, "my-ap")
            assert stored is not None
            assert stored.created_at.isoformat() == NOW.isoformat()

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", ["access_point", "object_lambda", "function", "user"])
def test_concurrent_creates_of_one_name_give_one_success(open_records: OpenRecords, kind: str) -> None:
    async def scenario() -> None:
        async with open_records() as records:
            if kind == "object_lambda":
                await records.create_access_point(an_access_point())
            creations = {
                "access_point": lambda _: records.create_access_point(an_access_point()),
                "object_lambda": lambda _: records.create_object_lambda_access_point(
                    an_object_lambda_access_point()
                ),
                "function": lambda _: records.create_function(
                    a_function(code_sha256=hashlib.sha256(b"z").hexdigest()), b"z"
                ),
                "user": lambda number: records.create_user(a_user(user_id=f"AIDA{number}")),
            }
            results = await asyncio.gather(
                *(creations[kind](number) for number in range(8)), return_exceptions=True
            )
            refusals = [result for result in results if isinstance(result, Exception)]
            assert len(results) - len(refusals) == 1
            conflict = AccessPointAlreadyOwnedByYou, ResourceConflictException, EntityAlreadyExists
            assert all(isinstance(refusal, conflict) and refusal.status == 409 for refusal in refusals)

    asyncio.run(scenario())


def test_look_ups_ask_the_database_nothing(open_records: OpenRecords) -> None:
    statements: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    async def scenario() -> None:
        async with open_records() as records:
            await records.create_access_point(an_access_point())
            event.listen(records._database.engine, "before_cursor_execute", note)
            records.access_key("AKIA")
            records.user(ACCOUNT, "alice")
            records.access_point(ACCOUNT, "my-ap")
            records.access_point_by_alias("x-s3alias")
            records.object_lambda_access_point(ACCOUNT, "o")
            records.object_lambda_access_point_by_alias("o.olap")
            records.function(ACCOUNT, "f")
            records.list_access_points(ACCOUNT)
            assert statements == []
            await records.delete_access_point(ACCOUNT, "my-ap")
            assert statements

    asyncio.run(scenario())


def test_a_write_is_served_when_it_returns_and_by_the_other_gateway_after_it_looks(
    open_records: OpenRecords,
) -> None:
    async def scenario() -> None:
        async with open_records() as first, open_records() as second:
            await first.create_access_point(an_access_point())
            assert first.access_point(ACCOUNT, "my-ap") is not None
            assert second.access_point(ACCOUNT, "my-ap") is None
            assert await second.refresh_if_changed() is True
            assert second.access_point(ACCOUNT, "my-ap") is not None
            assert await second.refresh_if_changed() is False
            assert await first.refresh_if_changed() is False

    asyncio.run(scenario())


def test_two_gateways_creating_one_name_give_one_success(open_records: OpenRecords) -> None:
    async def scenario() -> None:
        async with open_records() as first, open_records() as second:
            results = await asyncio.gather(
                *(gateway.create_access_point(an_access_point()) for gateway in (first, second) * 3),
                return_exceptions=True,
            )
            assert results.count(None) == 1
            assert all(r is None or isinstance(r, AccessPointAlreadyOwnedByYou) for r in results)

    asyncio.run(scenario())


def test_T014_a_user_made_again_under_the_name_inherits_no_key_and_no_policy(
    open_records: OpenRecords,
) -> None:
    async def scenario() -> None:
        async with open_records() as records:
            await records.create_user(a_user())
            await records.put_user_policy(ACCOUNT, "alice", "p", "{}")
            await records.create_access_key(a_key())
            with pytest.raises(DeleteConflict):
                await records.delete_user(ACCOUNT, "alice")
            await records.delete_access_key(ACCOUNT, "alice", a_key().access_key_id)
            with pytest.raises(DeleteConflict):
                await records.delete_user(ACCOUNT, "alice")
            await records.delete_user_policy(ACCOUNT, "alice", "p")
            await records.delete_user(ACCOUNT, "alice")
            assert records.user(ACCOUNT, "alice") is None
            await records.create_user(a_user(user_id="AIDAB"))
            again = records.user(ACCOUNT, "alice")
            assert again is not None
            assert again.policies == {}
            assert records.access_key(a_key().access_key_id) is None
            assert records.list_access_keys(ACCOUNT, "alice") == []

    asyncio.run(scenario())


def test_T014_rows_of_a_vanished_user_are_nobodys(open_records: OpenRecords) -> None:
    """Even a user removed behind IAM's back leaves no credentials: keys hang on the user's id."""

    async def scenario() -> None:
        async with open_records() as records:
            await records.create_user(a_user())
            await records.create_access_key(a_key())
            with records._database.transaction() as connection:
                connection.exec_driver_sql("DELETE FROM users")
                connection.exec_driver_sql("UPDATE epochs SET number = number + 1")
            await records.create_user(a_user(user_id="AIDAB"))
            assert records.access_key(a_key().access_key_id) is None

    asyncio.run(scenario())


def test_T014_a_switched_off_key_is_off_at_once(open_records: OpenRecords) -> None:
    async def scenario() -> None:
        async with open_records() as records:
            await records.create_user(a_user())
            await records.create_access_key(a_key())
            await records.set_access_key_active(ACCOUNT, "alice", a_key().access_key_id, active=False)
            key = records.access_key(a_key().access_key_id)
            assert key is not None
            assert key.active is False
            with pytest.raises(NoSuchEntity):
                await records.set_access_key_active(ACCOUNT, "alice", "AKIANONE", active=True)

    asyncio.run(scenario())


def test_a_user_has_two_keys_at_most(open_records: OpenRecords) -> None:
    async def scenario() -> None:
        async with open_records() as records:
            await records.create_user(a_user())
            await records.create_access_key(a_key("AKIA1"))
            await records.create_access_key(a_key("AKIA2"))
            with pytest.raises(LimitExceeded):
                await records.create_access_key(a_key("AKIA3"))
            with pytest.raises(NoSuchEntity):
                await records.create_access_key(a_key("AKIA4", user="nobody"))

    asyncio.run(scenario())


def test_user_names_differing_in_case_are_one_name(open_records: OpenRecords) -> None:
    async def scenario() -> None:
        async with open_records() as records:
            await records.create_user(a_user("Alice"))
            with pytest.raises(EntityAlreadyExists):
                await records.create_user(a_user("alice", user_id="AIDAB"))
            found = records.user(ACCOUNT, "aLICE")
            assert found is not None
            assert found.name == "Alice"

    asyncio.run(scenario())


def test_an_access_point_in_use_is_not_deleted(open_records: OpenRecords) -> None:
    async def scenario() -> None:
        async with open_records() as records:
            await records.create_access_point(an_access_point())
            await records.create_object_lambda_access_point(an_object_lambda_access_point())
            with pytest.raises(InvalidRequest, match="my-olap"):
                await records.delete_access_point(ACCOUNT, "my-ap")
            await records.delete_object_lambda_access_point(ACCOUNT, "my-olap")
            await records.delete_access_point(ACCOUNT, "my-ap")
            with pytest.raises(NoSuchAccessPoint):
                await records.delete_access_point(ACCOUNT, "my-ap")
            assert records.object_lambda_access_point_by_alias("my-olap-x--ol-s3") is None

    asyncio.run(scenario())


def test_a_supporting_access_point_must_exist_at_create_and_at_change(open_records: OpenRecords) -> None:
    async def scenario() -> None:
        async with open_records() as records:
            with pytest.raises(InvalidRequest):
                await records.create_object_lambda_access_point(an_object_lambda_access_point())
            await records.create_access_point(an_access_point())
            await records.create_object_lambda_access_point(an_object_lambda_access_point())
            other = an_object_lambda_access_point(supporting="other").configuration
            with pytest.raises(InvalidRequest):
                await records.update_object_lambda_access_point(
                    ACCOUNT, "my-olap", lambda olap: replace(olap, configuration=other)
                )
            kept = records.object_lambda_access_point(ACCOUNT, "my-olap")
            assert kept == an_object_lambda_access_point()

    asyncio.run(scenario())


def test_a_refused_change_leaves_everything_as_it_was(open_records: OpenRecords) -> None:
    def refuse(_: object) -> None:
        raise InvalidRequest("no")

    async def scenario() -> None:
        async with open_records() as records:
            await records.create_access_point(an_access_point())
            with pytest.raises(InvalidRequest):
                await records.update_access_point(ACCOUNT, "my-ap", refuse)  # type: ignore[arg-type]
            with pytest.raises(NoSuchAccessPoint):
                await records.update_access_point(ACCOUNT, "none", lambda record: record)
            assert records.access_point(ACCOUNT, "my-ap") == an_access_point()

    asyncio.run(scenario())


def test_code_is_kept_once_and_goes_with_its_last_user(open_records: OpenRecords) -> None:
    def sha256(content: bytes) -> str:
        return hashlib.sha256(content).hexdigest()

    async def scenario() -> None:
        async with open_records() as records:
            for name in ("f", "g"):
                await records.create_function(a_function(name, code_sha256=sha256(b"one")), b"one")
            await records.update_function(
                ACCOUNT, "f", lambda f: replace(f, code_sha256=sha256(b"two")), code=b"two"
            )
            assert await records.load_code(sha256(b"one")) == b"one"
            assert await records.load_code(sha256(b"two")) == b"two"
            await records.delete_function(ACCOUNT, "g")
            with pytest.raises(ResourceNotFoundException):
                await records.load_code(sha256(b"one"))
            with pytest.raises(ResourceNotFoundException, match=f"{ACCOUNT}:function:g"):
                await records.delete_function(ACCOUNT, "g")

    asyncio.run(scenario())


def test_records_of_another_region_are_not_served(open_records: OpenRecords) -> None:
    async def scenario() -> None:
        async with open_records() as records:
            await records.create_access_point(an_access_point())
        async with open_records(region="eu-west-1") as records:
            assert records.list_access_points(ACCOUNT) == []
            await records.create_access_point(an_access_point(region="eu-west-1"))

    asyncio.run(scenario())


def test_the_root_key_is_served_and_never_stored(open_records: OpenRecords) -> None:
    root = replace(a_key("AKIAROOT"), user_name=None)

    async def scenario() -> None:
        async with open_records() as records:
            records.set_root(root)
            await records.create_user(a_user())
            assert records.access_key("AKIAROOT") == root
            assert records.list_access_keys(ACCOUNT, "alice") == []
        async with open_records() as records:
            assert records.access_key("AKIAROOT") is None

    asyncio.run(scenario())


def test_a_caller_who_leaves_during_a_write_leaves_it_committed_and_served(
    open_records: OpenRecords,
) -> None:
    async def scenario() -> None:
        async with open_records() as records:
            writing = asyncio.ensure_future(records.create_access_point(an_access_point()))  # noqa: TID251
            await asyncio.sleep(0)
            writing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await writing
            await records.create_access_point(an_access_point("later"))
            names = [each.name for each in records.list_access_points(ACCOUNT)]
            assert "later" in names
        async with open_records() as records:
            assert [each.name for each in records.list_access_points(ACCOUNT)] == names

    asyncio.run(scenario())
