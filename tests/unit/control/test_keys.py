"""Access keys: the secret once, the switch at once."""

import pytest

from onread.errors import LimitExceeded, NoSuchEntity, ValidationError
from onread.metadata.key_uses import KeyUse

from .conftest import ACCOUNT, NOW, Api, Run
from .test_users import as_user


async def create(api: Api, name: str = "alice") -> dict[str, str]:
    made: dict[str, str] = (await api.call("iam", "CreateAccessKey", UserName=name))["AccessKey"]
    return made


def test_T297_the_secret_is_shown_once_and_lists_show_ids_only(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await api.call("iam", "CreateUser", UserName="alice")
        made = await create(api)
        assert made["AccessKeyId"].startswith("AKIA")
        assert len(made["AccessKeyId"]) == 20
        assert len(made["SecretAccessKey"]) == 40
        key = api.records.access_key(made["AccessKeyId"])
        assert key is not None
        assert key.secret.reveal() == made["SecretAccessKey"]
        listed = await api.call("iam", "ListAccessKeys", UserName="alice")
        assert listed == {
            "AccessKeyMetadata": [
                {
                    "UserName": "alice",
                    "AccessKeyId": made["AccessKeyId"],
                    "Status": "Active",
                    "CreateDate": NOW,
                }
            ],
            "IsTruncated": False,
        }

    run_with_api(scenario)


def test_T295_a_key_does_not_show_its_secret_when_printed(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await api.call("iam", "CreateUser", UserName="alice")
        made = await create(api)
        key = api.records.access_key(made["AccessKeyId"])
        for text in (repr(key), f"{key}", str(key and key.secret), repr(api.records._snapshot)):
            assert made["SecretAccessKey"] not in text

    run_with_api(scenario)


def test_two_keys_a_user_and_no_more(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await api.call("iam", "CreateUser", UserName="alice")
        first, second = await create(api), await create(api)
        with pytest.raises(LimitExceeded):
            await create(api)
        page = await api.call("iam", "ListAccessKeys", UserName="alice", MaxItems=1)
        rest = await api.call("iam", "ListAccessKeys", UserName="alice", Marker=page["Marker"])
        ids = [each["AccessKeyId"] for part in (page, rest) for each in part["AccessKeyMetadata"]]
        assert sorted(ids) == sorted((first["AccessKeyId"], second["AccessKeyId"]))

    run_with_api(scenario)


def test_T014_a_key_is_off_and_on_and_gone_at_once(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await api.call("iam", "CreateUser", UserName="alice")
        named = {"UserName": "alice", "AccessKeyId": (await create(api))["AccessKeyId"]}
        for status, active in (("Inactive", False), ("Active", True)):
            await api.call("iam", "UpdateAccessKey", **named, Status=status)
            key = api.records.access_key(named["AccessKeyId"])
            assert key is not None
            assert key.active is active
        await api.call("iam", "DeleteAccessKey", **named)
        assert api.records.access_key(named["AccessKeyId"]) is None
        for operation, more in {"UpdateAccessKey": {"Status": "Active"}, "DeleteAccessKey": {}}.items():
            with pytest.raises(NoSuchEntity, match=named["AccessKeyId"]):
                await api.call("iam", operation, **named, **more)

    run_with_api(scenario)


def test_a_key_of_another_user_is_not_touched(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        for name in ("alice", "bob"):
            await api.call("iam", "CreateUser", UserName=name)
        key_id = (await create(api))["AccessKeyId"]
        with pytest.raises(NoSuchEntity):
            await api.call("iam", "DeleteAccessKey", UserName="bob", AccessKeyId=key_id)
        assert api.records.access_key(key_id) is not None

    run_with_api(scenario)


def test_without_a_name_a_user_manages_its_own_keys_and_root_is_asked_for_one(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await api.call("iam", "CreateUser", UserName="alice")
        made = (await api.call("iam", "CreateAccessKey", principal=as_user("alice")))["AccessKey"]
        assert made["UserName"] == "alice"
        with pytest.raises(ValidationError, match="UserName"):
            await api.call("iam", "CreateAccessKey")
        for wrong in ({"Status": "Perhaps", "AccessKeyId": "A"}, {"Status": "Active"}):
            with pytest.raises(ValidationError):
                await api.call("iam", "UpdateAccessKey", valid=False, UserName="alice", **wrong)

    run_with_api(scenario)


def test_two_secrets_are_never_alike(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        made = []
        for number in range(8):
            await api.call("iam", "CreateUser", UserName=f"user-{number}")
            made.append(await create(api, f"user-{number}"))
        assert len({each["SecretAccessKey"] for each in made}) == 8
        assert len({each["AccessKeyId"] for each in made}) == 8
        assert ACCOUNT not in "".join(each["AccessKeyId"] for each in made)

    run_with_api(scenario)


def test_when_a_key_was_used_last(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await api.call("iam", "CreateUser", UserName="alice")
        key_id = (await create(api))["AccessKeyId"]
        told = await api.call("iam", "GetAccessKeyLastUsed", AccessKeyId=key_id)
        assert told == {"UserName": "alice", "AccessKeyLastUsed": {"ServiceName": "N/A", "Region": "N/A"}}
        api.records.key_uses.note(key_id, KeyUse(NOW, "s3", "us-east-1"))
        told = await api.call("iam", "GetAccessKeyLastUsed", AccessKeyId=key_id)
        assert told["AccessKeyLastUsed"] == {
            "LastUsedDate": NOW,
            "ServiceName": "s3",
            "Region": "us-east-1",
        }
        with pytest.raises(NoSuchEntity, match="AKIANOBODYSNOBODYS00"):
            await api.call("iam", "GetAccessKeyLastUsed", AccessKeyId="AKIANOBODYSNOBODYS00")

    run_with_api(scenario)
