"""Short words for what every test of the Lambda operations does."""

from typing import Any

from .conftest import ACCOUNT, REGION, ROLE, Api, a_zip

ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"


ZIP = a_zip()


async def create(api: Api, name: str = "f", **changes: Any) -> dict[str, Any]:
    valid = changes.pop("valid", True)
    params = {
        "FunctionName": name,
        "Runtime": "python3.11",
        "Role": ROLE,
        "Handler": "app.handler",
        "Code": {"ZipFile": ZIP},
        **changes,
    }
    given = {member: value for member, value in params.items() if value is not None}
    return await api.call("lambda", "CreateFunction", valid=valid, **given)


async def new_code(api: Api, text: str, name: str = "f", **more: Any) -> dict[str, Any]:
    return await api.call("lambda", "UpdateFunctionCode", FunctionName=name, ZipFile=a_zip(app=text), **more)


async def publish(api: Api, name: str = "f", **more: Any) -> dict[str, Any]:
    return await api.call("lambda", "PublishVersion", FunctionName=name, **more)
