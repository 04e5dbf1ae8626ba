"""The configuration of an Object Lambda access point: which actions are transformed, and by what.

Owns the rules for it. Refuses to know whether the things it names exist: records tell that.

Source: Amazon S3 API Reference (s3control), ObjectLambdaConfiguration.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from onread.addressing.arn import FunctionReference, parse_function_reference
from onread.errors import InvalidRequest

ACTIONS = ("GetObject", "HeadObject", "ListObjects", "ListObjectsV2")
ALLOWED_FEATURES = (
    "GetObject-Range",
    "GetObject-PartNumber",
    "HeadObject-Range",
    "HeadObject-PartNumber",
)

_SUPPORTING_ACCESS_POINT = re.compile(
    r"arn:aws[a-zA-Z-]*:s3:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12}):accesspoint/[a-z0-9-]{3,50}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformationConfiguration:
    """One function and the actions it transforms. ``function_payload`` reaches it word for word."""

    actions: tuple[str, ...]
    function_arn: str
    function_payload: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectLambdaConfiguration:
    """A configuration that keeps AWS's rules."""

    supporting_access_point: str
    transformation_configurations: tuple[TransformationConfiguration, ...]
    allowed_features: frozenset[str] = frozenset()
    cloud_watch_metrics_enabled: bool = False

    def transformation_for(self, action: str) -> TransformationConfiguration | None:
        """The transformation of this action; None: it passes through to the supporting access point."""
        for transformation in self.transformation_configurations:
            if action in transformation.actions:
                return transformation
        return None

    def structure(self) -> dict[str, Any]:
        """AWS's structure, members in AWS's names: what is stored and what Get answers."""
        return {
            "SupportingAccessPoint": self.supporting_access_point,
            "CloudWatchMetricsEnabled": self.cloud_watch_metrics_enabled,
            "AllowedFeatures": [feature for feature in ALLOWED_FEATURES if feature in self.allowed_features],
            "TransformationConfigurations": [
                {
                    "Actions": list(transformation.actions),
                    "ContentTransformation": {"AwsLambda": _aws_lambda(transformation)},
                }
                for transformation in self.transformation_configurations
            ],
        }

    def text(self) -> str:
        """The JSON text that `parse_configuration` reads."""
        return orjson.dumps(self.structure()).decode()

    def check_place(self, *, account_id: str, region: str) -> None:
        """Everything named lies in the account and Region of the Object Lambda access point.

        Raises:
            InvalidRequest: the supporting access point or a function lies elsewhere.
        """
        named = _SUPPORTING_ACCESS_POINT.fullmatch(self.supporting_access_point)
        if named is None or named["account"] != account_id or named["region"] != region:
            raise InvalidRequest(
                f"SupportingAccessPoint must be in account {account_id} and Region {region}, "
                "as the Object Lambda access point is."
            )
        for transformation in self.transformation_configurations:
            function = parse_function_arn(transformation.function_arn)
            if function.account_id not in (None, account_id) or function.region not in (None, region):
                raise InvalidRequest(
                    f"FunctionArn must be in account {account_id} and Region {region}, "
                    "as the Object Lambda access point is."
                )


def _aws_lambda(transformation: TransformationConfiguration) -> dict[str, str]:
    payload = {"FunctionPayload": transformation.function_payload} if transformation.function_payload else {}
    return {"FunctionArn": transformation.function_arn, **payload}


@lru_cache(maxsize=1024)
def parse_configuration(text: str) -> ObjectLambdaConfiguration:
    """The configuration that a record holds as JSON text.

    Raises:
        InvalidRequest: the text is not a configuration.
    """
    try:
        structure = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest("The stored configuration is not JSON. Put the configuration again.") from error
    if not isinstance(structure, dict):
        raise InvalidRequest("The stored configuration is not a structure. Put the configuration again.")
    return read_configuration(structure)


def read_configuration(structure: Mapping[str, Any]) -> ObjectLambdaConfiguration:
    """Check AWS's structure and make it ours.

    Raises:
        InvalidRequest: a rule is broken; the message names the member and says what to write.
    """
    transformations = tuple(
        _read_transformation(given) for given in _required(structure, "TransformationConfigurations")
    )
    _check_actions_differ(transformations)
    return ObjectLambdaConfiguration(
        supporting_access_point=_read_supporting_access_point(structure),
        transformation_configurations=transformations,
        allowed_features=_read_allowed_features(structure.get("AllowedFeatures") or ()),
        cloud_watch_metrics_enabled=bool(structure.get("CloudWatchMetricsEnabled")),
    )


def parse_function_arn(text: str) -> FunctionReference:
    """What a FunctionArn names: a full ARN, a partial one or a bare name.

    Raises:
        InvalidRequest: it is none of these.
    """
    try:
        return parse_function_reference(text)
    except InvalidRequest as error:
        raise InvalidRequest(
            "FunctionArn is not valid. Write arn:aws:lambda:REGION:ACCOUNT:function:NAME, "
            "with :VERSION behind it when a version or alias is meant."
        ) from error


def _read_supporting_access_point(structure: Mapping[str, Any]) -> str:
    arn = structure.get("SupportingAccessPoint")
    if not isinstance(arn, str) or _SUPPORTING_ACCESS_POINT.fullmatch(arn) is None:
        raise InvalidRequest(
            "SupportingAccessPoint is not valid. Write the ARN of a standard access point: "
            "arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME."
        )
    return arn


def _read_allowed_features(features: Sequence[str]) -> frozenset[str]:
    for feature in features:
        if feature not in ALLOWED_FEATURES:
            raise InvalidRequest(f"AllowedFeatures may hold {', '.join(ALLOWED_FEATURES)}.")
    return frozenset(features)


def _read_transformation(given: Mapping[str, Any]) -> TransformationConfiguration:
    aws_lambda = _read_content_transformation(given.get("ContentTransformation"))
    function_arn = aws_lambda.get("FunctionArn")
    if not isinstance(function_arn, str):
        raise InvalidRequest("AwsLambda needs a FunctionArn.")
    parse_function_arn(function_arn)
    return TransformationConfiguration(
        actions=_read_actions(_required(given, "Actions")),
        function_arn=function_arn,
        function_payload=aws_lambda.get("FunctionPayload") or "",
    )


def _read_content_transformation(union: Any) -> Mapping[str, Any]:
    """AWS's union: exactly one member, and AwsLambda is the only one there is."""
    if not isinstance(union, Mapping) or list(union) != ["AwsLambda"]:
        raise InvalidRequest("ContentTransformation must have exactly one member, AwsLambda.")
    aws_lambda = union["AwsLambda"]
    if not isinstance(aws_lambda, Mapping):
        raise InvalidRequest("AwsLambda needs a FunctionArn.")
    return aws_lambda


def _read_actions(actions: Sequence[str]) -> tuple[str, ...]:
    for action in actions:
        if action not in ACTIONS:
            raise InvalidRequest(f"Actions may hold {', '.join(ACTIONS)}.")
    return tuple(actions)


def _check_actions_differ(transformations: Sequence[TransformationConfiguration]) -> None:
    seen: set[str] = set()
    for action in (action for transformation in transformations for action in transformation.actions):
        if action in seen:
            raise InvalidRequest(
                f"{action} appears twice in TransformationConfigurations. Name each action once."
            )
        seen.add(action)


def _required(structure: Mapping[str, Any], member: str) -> Sequence[Any]:
    values = structure.get(member)
    if not isinstance(values, Sequence) or isinstance(values, str) or not values:
        raise InvalidRequest(f"{member} must hold at least one entry.")
    return values
