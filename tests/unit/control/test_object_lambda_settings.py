"""onread's own settings of Object Lambda access points."""

import asyncio

import pytest

from onread.errors import InvalidParameterValueException, NoSuchAccessPoint

from .conftest import ACCOUNT, REGION, Api, Opener, Run
from .test_object_lambda_access_points import a_configuration

DEFAULTS = {"Name": "my-olap", "Range": "aws", "Anonymous": "off", "ListSizes": "original"}


async def create_access_points(api: Api) -> None:
    await api.s3control("CreateAccessPoint", Name="my-ap", Bucket="bucket")
    await api.s3control("CreateAccessPointForObjectLambda", Name="my-olap", Configuration=a_configuration())


async def configure(api: Api, **settings: str) -> dict[str, object]:
    return await api.call("onread", "ConfigureObjectLambdaAccessPoint", Name="my-olap", **settings)


def test_what_was_never_set_has_its_default(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create_access_points(api)
        shown = await api.call("onread", "GetObjectLambdaAccessPointSettings", Name="my-olap")
        assert shown == DEFAULTS

    run_with_api(scenario)


def test_what_is_left_out_keeps_its_value(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create_access_points(api)
        expected = {**DEFAULTS, "Range": "function", "Anonymous": "on"}
        assert await configure(api, Range="function") == {**expected, "Anonymous": "off"}
        assert await configure(api, Anonymous="on") == expected
        assert await configure(api) == expected
        arn = f"arn:aws:s3-object-lambda:{REGION}:{ACCOUNT}:accesspoint/my-olap"
        shown = await api.call("onread", "GetObjectLambdaAccessPointSettings", Name=arn)
        assert shown == expected

    run_with_api(scenario)


def test_a_new_configuration_keeps_the_settings(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create_access_points(api)
        await configure(api, Range="function")
        await api.s3control(
            "PutAccessPointConfigurationForObjectLambda", Name="my-olap", Configuration=a_configuration()
        )
        assert (await configure(api))["Range"] == "function"

    run_with_api(scenario)


def test_an_access_point_made_again_begins_with_the_defaults(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create_access_points(api)
        await configure(api, Range="function")
        await api.s3control("DeleteAccessPointForObjectLambda", Name="my-olap")
        with pytest.raises(NoSuchAccessPoint):
            await configure(api)
        await api.s3control(
            "CreateAccessPointForObjectLambda", Name="my-olap", Configuration=a_configuration()
        )
        assert (await configure(api))["Range"] == "aws"

    run_with_api(scenario)


def test_an_unknown_value_is_refused_and_changes_nothing(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create_access_points(api)
        with pytest.raises(InvalidParameterValueException, match="aws, function, slice"):
            await api.call(
                "onread", "ConfigureObjectLambdaAccessPoint", valid=False, Name="my-olap", Range="gcp"
            )
        with pytest.raises(InvalidParameterValueException, match="on or off"):
            await api.call(
                "onread", "ConfigureObjectLambdaAccessPoint", valid=False, Name="my-olap", Anonymous="yes"
            )
        assert await configure(api) == DEFAULTS

    run_with_api(scenario)


def test_sizes_of_results_need_results(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create_access_points(api)
        with pytest.raises(InvalidParameterValueException, match="needs Range slice"):
            await configure(api, ListSizes="transformed")
        with pytest.raises(InvalidParameterValueException, match="original, transformed"):
            await api.call(
                "onread", "ConfigureObjectLambdaAccessPoint", valid=False, Name="my-olap", ListSizes="mine"
            )
        assert await configure(api) == DEFAULTS
        sized = {**DEFAULTS, "Range": "slice", "ListSizes": "transformed"}
        assert await configure(api, Range="slice", ListSizes="transformed") == sized
        with pytest.raises(InvalidParameterValueException, match="set ListSizes to original"):
            await configure(api, Range="aws")
        assert await configure(api) == sized
        assert await configure(api, Range="aws", ListSizes="original") == DEFAULTS

    run_with_api(scenario)


def test_settings_are_kept_and_travel_to_other_gateways(open_api: Opener) -> None:
    async def scenario() -> None:
        async with open_api() as api, open_api() as other:
            await create_access_points(api)
            await configure(api, Range="function")
            await other.records.catch_up()
            assert other.records.object_lambda_settings.of(ACCOUNT, "my-olap").range_handling == "function"
            with pytest.raises(NoSuchAccessPoint):
                await api.records.object_lambda_settings.update(ACCOUNT, "another", lambda same: same)
        async with open_api() as again:
            assert (await configure(again))["Range"] == "function"

    asyncio.run(scenario())
