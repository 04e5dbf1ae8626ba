"""The policies of the resources on the way: access points of both kinds, the bucket, the function.

Owns where each is looked up and how a key's ARN is put to it. Whoever keeps a policy gives it as the text
its owner wrote; what is written in it is `onread.policy`'s to say.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from onread.control.policies import is_public
from onread.errors import AccessDenied
from onread.gateway.conditions import Conditions
from onread.gateway.stored_policy import read_stored
from onread.metadata.records import AccessPoint, ObjectLambdaAccessPoint
from onread.policy.evaluate import AttachedPolicy
from onread.policy.principal import Principal, PrincipalKind

PolicyOfBucket = Callable[[str], str | None]
"""A bucket's name -> the text of its policy; None when it has none."""
PolicyOfFunction = Callable[[str, str, str], str | None]
"""(account, function's name, version or alias) -> the text of its resource policy; None: it has none."""


def _no_bucket_policy(_bucket: str) -> str | None:
    return None


def _no_function_policy(_account_id: str, _name: str, _qualifier: str) -> str | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What holds the keys that a request is about, for its own question and later ones about single keys.

    Attributes:
        arn: a bucket's, an access point's, or ``*`` where there are no keys.
        attached: the policies of everything on the way, each asked about its own resource: the
            ``resource`` in them is the container's ARN.
        conditions: the condition keys that come with the way.
    """

    arn: str
    attached: Sequence[AttachedPolicy] = ()
    conditions: Conditions = field(default_factory=dict)

    def object_arn(self, key: str) -> str:
        """A key in it, as identity policies name it."""
        return _object_arn(self.arn, key)

    def attached_at(self, key: str | None) -> Sequence[AttachedPolicy]:
        """The policies on the way, each asked about the key below its own resource."""
        if key is None:
            return self.attached
        return [
            AttachedPolicy(policy=each.policy, resource=_object_arn(each.resource, key), name=each.name)
            for each in self.attached
        ]


def _object_arn(container: str, key: str) -> str:
    return f"{container}{'/object/' if ':accesspoint/' in container else '/'}{key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedPolicies:
    """Finds the policies of resources.

    Args:
        policy_of_bucket: where the policies of buckets are kept.
        policy_of_function: where the permissions of functions are kept.
    """

    policy_of_bucket: PolicyOfBucket = _no_bucket_policy
    policy_of_function: PolicyOfFunction = _no_function_policy

    def bucket(self, bucket: str) -> Place:
        """A bucket, addressed directly."""
        arn = f"arn:aws:s3:::{bucket}"
        return Place(arn=arn, attached=self._of_bucket(bucket, arn))

    def access_point(self, access_point: AccessPoint, extra: Conditions) -> Place:
        """A standard access point, and behind it its bucket."""
        attached = [
            attach(access_point.policy, access_point.arn, "access point policy"),
            *self._of_bucket(access_point.bucket, f"arn:aws:s3:::{access_point.bucket}"),
        ]
        conditions = {
            **extra,
            "s3:dataaccesspointarn": (access_point.arn,),
            "s3:dataaccesspointaccount": (access_point.account_id,),
            "s3:accesspointnetworkorigin": ("Internet",),
        }
        return Place(arn=access_point.arn, attached=attached, conditions=conditions)

    def object_lambda(self, access_point: ObjectLambdaAccessPoint) -> Place:
        """An Object Lambda access point: it has no resources below its own."""
        attached = attach(access_point.policy, access_point.arn, "Object Lambda access point policy")
        return Place(arn=access_point.arn, attached=[attached])

    def function(self, account_id: str, name: str, qualifier: str, arn: str) -> Sequence[AttachedPolicy]:
        """A function's resource policy, when it has one."""
        policy = self.policy_of_function(account_id, name, qualifier)
        return () if policy is None else (attach(policy, arn, "function policy"),)

    def _of_bucket(self, bucket: str, arn: str) -> Sequence[AttachedPolicy]:
        policy = self.policy_of_bucket(bucket)
        return () if policy is None else (attach(policy, arn, "bucket policy"),)


def attach(policy: str | None, resource: str, name: str) -> AttachedPolicy:
    """A policy on its resource; ``name`` is what reasons call it."""
    parsed = read_stored(policy, resource_policy=True) if policy is not None else None
    return AttachedPolicy(policy=parsed, resource=resource, name=name)


def refuse_the_public(principal: Principal, access_point: AccessPoint) -> None:
    """Block Public Access: with ``RestrictPublicBuckets`` a public policy opens nothing to strangers.

    Raises:
        AccessDenied: the caller is anonymous and the policy public.
    """
    if principal.kind is not PrincipalKind.ANONYMOUS or access_point.policy is None:
        return
    if access_point.public_access_block.get("RestrictPublicBuckets") and is_public(access_point.policy):
        raise AccessDenied
