"""Versions, aliases, documents and layers in both databases: kept, bound to their function, counted once."""

import asyncio
import hashlib
from dataclasses import replace

import pytest

from onread.errors import ResourceConflictException, ResourceNotFoundException
from onread.metadata.facade import Records
from onread.metadata.function_records import (
    POLICY,
    PROVISIONED,
    Attachment,
    FunctionAlias,
    FunctionLayer,
    LayerVersion,
)
from onread.metadata.records import Function

from .conftest import ACCOUNT, NOW, REGION, OpenRecords, a_function, an_access_point

pytestmark = pytest.mark.slow  # each over databases that are started, filled and ended

CODE, LAYER = b"code", b"layer"
CODE_SHA, LAYER_SHA = (hashlib.sha256(content).hexdigest() for content in (CODE, LAYER))


def number(latest: Function, version: int) -> Function:
    return replace(latest, version=str(version), revision_id=f"v{version}", last_version=version)


def an_alias(**members: object) -> FunctionAlias:
    fields = {
        "account_id": ACCOUNT,
        "region": REGION,
        "function_name": "f",
        "name": "PROD",
        "revision_id": "a",
    }
    return FunctionAlias(**{**fields, "version": "1", **members})  # type: ignore[arg-type]


def a_layer(version: int) -> LayerVersion:
    return LayerVersion(
        account_id=ACCOUNT,
        region=REGION,
        name="l",
        number=version,
        code_sha256=LAYER_SHA,
        code_size_bytes=len(LAYER),
        unzipped_bytes=10,
        created_at=NOW,
        runtimes=("python3.11",),
    )


def a_document(kind: str, qualifier: str = "", document: str = "{}") -> Attachment:
    return Attachment(kind=kind, qualifier=qualifier, document=document, revision_id="d", modified_at=NOW)


async def make(records: Records) -> Function:
    await records.published.publish_layer_version(ACCOUNT, "l", a_layer, LAYER)
    layer = FunctionLayer(arn=a_layer(1).arn, code_sha256=LAYER_SHA, code_size_bytes=5, unzipped_bytes=10)
    function = a_function(code_sha256=CODE_SHA, layers=(layer,), environment={"SECRET": "s3cr3t"})
    await records.create_function(function, CODE, publish=number)
    return function


def test_everything_survives_a_restart(open_records: OpenRecords) -> None:
    async def scenario() -> None:
        async with open_records() as records:
            await make(records)
            await records.published.create_alias(an_alias(weights={}, description="d"))
            for document in (a_document(POLICY, "PROD"), a_document(PROVISIONED, "PROD", '{"Requested":2}')):
                await records.published.change_attachment(
                    ACCOUNT, "f", document.kind, "PROD", lambda _, kept=document: kept
                )
            await records.create_access_point(replace(an_access_point(), tags={"a": "1"}))
            await records.account_settings.put_public_access_block(ACCOUNT, {"BlockPublicAcls": True})
            for bucket in ("mine", "gone"):
                await records.bucket_settings.update(ACCOUNT, bucket, lambda found: {**found, "cors": [1]})
            await records.bucket_settings.update(ACCOUNT, "mine", lambda found: {**found, "policy": "{}"})
            await records.bucket_settings.forget(ACCOUNT, "gone")
            before = records.published.versions(ACCOUNT, "f")
            assert before[0].environment == {"SECRET": "s3cr3t"}
            assert before[0].min_environments == 2
        async with open_records() as records:
            published = records.published
            assert published.versions(ACCOUNT, "f") == before
            assert published.find(ACCOUNT, "f", "PROD") == before[0]
            assert published.aliases(ACCOUNT, "f") == [an_alias(description="d")]
            assert published.attachment(ACCOUNT, "f", POLICY, "PROD") == a_document(POLICY, "PROD")
            assert published.layer_version(ACCOUNT, "l", 1) == a_layer(1)
            found = records.access_point(ACCOUNT, "my-ap")
            assert found is not None
            assert found.tags == {"a": "1"}
            assert records.account_settings.public_access_block(ACCOUNT) == {"BlockPublicAcls": True}
            assert records.bucket_settings.of(ACCOUNT, "mine") == {"cors": [1], "policy": "{}"}
            assert records.bucket_settings.of(ACCOUNT, "gone") == {}

    asyncio.run(scenario())


def test_what_hangs_on_a_function_goes_with_it(open_records: OpenRecords) -> None:
    async def scenario() -> None:
        async with open_records() as records:
            await make(records)
            await records.published.create_alias(an_alias())
            await records.published.change_attachment(ACCOUNT, "f", POLICY, "", lambda _: a_document(POLICY))
            await records.delete_function(ACCOUNT, "f")
            published = records.published
            assert (published.all_versions(), published.aliases(ACCOUNT, "f")) == ([], [])
            assert published.attachment(ACCOUNT, "f", POLICY) is None
            with pytest.raises(ResourceNotFoundException):
                await records.load_code(CODE_SHA)
            assert await records.load_code(LAYER_SHA) == LAYER

    asyncio.run(scenario())


def test_a_zip_stays_as_long_as_anything_names_it(open_records: OpenRecords) -> None:
    async def scenario() -> None:
        async with open_records() as records:
            await make(records)
            await records.published.delete_layer_version(ACCOUNT, "l", 1)
            new = hashlib.sha256(b"new").hexdigest()
            await records.update_function(
                ACCOUNT, "f", lambda function: replace(function, code_sha256=new, layers=()), code=b"new"
            )
            for sha256, content in ((CODE_SHA, CODE), (LAYER_SHA, LAYER), (new, b"new")):
                assert await records.load_code(sha256) == content
            await records.published.delete_version(ACCOUNT, "f", 1)
            for sha256 in (CODE_SHA, LAYER_SHA):
                with pytest.raises(ResourceNotFoundException):
                    await records.load_code(sha256)
            assert await records.load_code(new) == b"new"

    asyncio.run(scenario())


def test_publishing_at_once_publishes_once(open_records: OpenRecords) -> None:
    async def scenario() -> None:
        async with open_records() as records:
            await make(records)
            await records.update_function(ACCOUNT, "f", lambda function: replace(function, timeout_seconds=9))
            made = await asyncio.gather(
                *(records.published.publish_version(ACCOUNT, "f", number) for _ in range(6))
            )
            assert {each.version for each in made} == {"2"}
            assert [each.version for each in records.published.versions(ACCOUNT, "f")] == ["1", "2"]
            layers = await asyncio.gather(
                *(records.published.publish_layer_version(ACCOUNT, "l", a_layer, LAYER) for _ in range(4))
            )
            assert sorted(each.number for each in layers) == [2, 3, 4, 5]

    asyncio.run(scenario())


def test_an_alias_leads_to_versions_that_exist(open_records: OpenRecords) -> None:
    async def scenario() -> None:
        async with open_records() as records:
            await make(records)
            for wrong in ({"version": "2"}, {"weights": {"2": 0.5}}, {"function_name": "g"}):
                with pytest.raises(ResourceNotFoundException):
                    await records.published.create_alias(an_alias(**wrong))
            await records.published.create_alias(an_alias())
            with pytest.raises(ResourceConflictException):
                await records.published.create_alias(an_alias())
            with pytest.raises(ResourceNotFoundException):
                await records.published.update_alias(
                    ACCOUNT, "f", "PROD", lambda alias: replace(alias, version="7")
                )
            alias = records.published.alias(ACCOUNT, "f", "PROD")
            assert alias is not None
            assert alias.version == "1"
            with pytest.raises(ResourceConflictException):
                await records.published.delete_version(ACCOUNT, "f", 1)

    asyncio.run(scenario())


def test_a_layer_that_went_meanwhile_is_noticed(open_records: OpenRecords) -> None:
    async def scenario() -> None:
        async with open_records() as records:
            gone = FunctionLayer(
                arn=a_layer(1).arn, code_sha256="0" * 64, code_size_bytes=5, unzipped_bytes=10
            )
            with pytest.raises(ResourceConflictException, match="meanwhile"):
                await records.create_function(a_function(code_sha256=CODE_SHA, layers=(gone,)), CODE)
            await records.create_function(a_function(code_sha256=CODE_SHA), CODE)
            with pytest.raises(ResourceConflictException, match="meanwhile"):
                await records.update_function(
                    ACCOUNT, "f", lambda function: replace(function, layers=(gone,))
                )
            found = records.function(ACCOUNT, "f")
            assert found is not None
            assert found.layers == ()

    asyncio.run(scenario())
