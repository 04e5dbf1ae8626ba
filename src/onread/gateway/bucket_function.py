"""``GET /bucket/key?lambdaArn=...``: one URL that reads an object through a function, as MinIO had it.

There is no access point, so everything that a transformed read needs of one is made up here. Such a name
cannot be created, so nothing that is made up meets anything real.

Source: github.com/minio/minio, ``docs/lambda/README.md``.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from onread.gateway.call import AuthorizedCall, BucketFunctionTarget
from onread.metadata.records import ObjectLambdaAccessPoint
from onread.objectlambda.configuration import ObjectLambdaConfiguration, TransformationConfiguration
from onread.objectlambda.transform import ReadCall

_NAME = "lambdaArn"  # has a capital letter, which no access point may have
_NEVER = datetime.fromtimestamp(0, UTC)
# A function that MinIO called saw the caller's Range and did with it what it liked.
_FEATURES = frozenset({"GetObject-Range", "GetObject-PartNumber"})


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketSource:
    """A bucket as what an ``inputS3Url`` reads from."""

    bucket: str
    region: str
    created_at: datetime = _NEVER

    @property
    def arn(self) -> str:
        """The bucket's."""
        return f"arn:aws:s3:::{self.bucket}"

    @property
    def alias(self) -> str:
        """Its name."""
        return self.bucket


def read_through(
    call: AuthorizedCall, target: BucketFunctionTarget, *, account_id: str, region: str
) -> ReadCall:
    """The read as the transformation knows it."""
    source = BucketSource(bucket=target.bucket, region=region)
    function = target.function
    named = f"arn:aws:lambda:{region}:{function.account_id or account_id}:function:{function.name}"
    if function.qualifier is not None:
        named += f":{function.qualifier}"
    transformation = TransformationConfiguration(actions=("GetObject",), function_arn=named)
    return ReadCall(
        request_id=call.routed.request_id,
        request=call.routed.request,
        operation=call.routed.operation.name,
        params=call.routed.params,
        principal=call.principal,
        access_point=ObjectLambdaAccessPoint(
            account_id=account_id, region=region, name=_NAME, alias="", created_at=_NEVER, configuration=""
        ),
        supporting=source,
        configuration=ObjectLambdaConfiguration(
            supporting_access_point=source.arn,
            transformation_configurations=(transformation,),
            allowed_features=_FEATURES,
        ),
    )
