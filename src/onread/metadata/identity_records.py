"""Roles and managed policies as records, frozen; policies are kept as the text their owner gave."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """An IAM role. ``policies`` maps inline policy names to their JSON text.

    ``attached`` holds the ARNs of managed policies, ``boundary`` that of the permissions boundary.
    """

    account_id: str
    name: str
    path: str
    role_id: str
    created_at: datetime
    trust_policy: str
    description: str = ""
    longest_session_seconds: int = 3600
    policies: Mapping[str, str] = field(default_factory=dict)
    attached: tuple[str, ...] = ()
    boundary: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        """As policies name it."""
        return f"arn:aws:iam::{self.account_id}:role{self.path}{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersion:
    """One text of a managed policy."""

    number: int
    document: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedPolicy:
    """A managed policy. ``account_id`` is ``aws`` for those that every account has.

    ``versions`` is by number; the one in force is ``default_version``.
    """

    account_id: str
    name: str
    path: str
    policy_id: str
    created_at: datetime
    updated_at: datetime
    versions: Mapping[int, PolicyVersion]
    default_version: int = 1
    last_version: int = 1
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        """What it is attached by."""
        return f"arn:aws:iam::{self.account_id}:policy{self.path}{self.name}"

    @property
    def document(self) -> str:
        """The text in force."""
        return self.versions[self.default_version].document


def _of_aws(name: str, policy_id: str, created: str, document: str) -> ManagedPolicy:
    created_at = datetime.fromisoformat(created).replace(tzinfo=UTC)
    return ManagedPolicy(
        account_id="aws",
        name=name,
        path="/service-role/",
        policy_id=policy_id,
        created_at=created_at,
        updated_at=created_at,
        versions={1: PolicyVersion(number=1, document=document, created_at=created_at)},
    )


# Source: AWS Managed Policy Reference.
_EXECUTION_OF_OBJECT_LAMBDA = """{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": [
                "logs:CreateLogGroup",
                "logs:CreateLogStream",
                "logs:PutLogEvents",
                "s3-object-lambda:WriteGetObjectResponse"
            ],
            "Resource": "*"
        }
    ]
}"""
_BASIC_EXECUTION = """{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": [
                "logs:CreateLogGroup",
                "logs:CreateLogStream",
                "logs:PutLogEvents"
            ],
            "Resource": "*"
        }
    ]
}"""
POLICIES_OF_AWS: Mapping[str, ManagedPolicy] = {
    policy.arn: policy
    for policy in (
        _of_aws(
            "AmazonS3ObjectLambdaExecutionRolePolicy",
            "ANPAZKAPJZG4ONREADOBJ",
            "2021-08-18T18:13:41",
            _EXECUTION_OF_OBJECT_LAMBDA,
        ),
        _of_aws(
            "AWSLambdaBasicExecutionRole", "ANPAJNCQGXC42545SKXIK", "2015-04-09T15:03:43", _BASIC_EXECUTION
        ),
    )
}
"""The managed policies that every account has, by ARN."""
