"""The policies of the resources on the way: access points of both kinds, the bucket, the function.

Owns where each is looked up and how a key's ARN is put to it. Whoever keeps a policy gives it as the text
its owner wrote; what is written in it is `onread.policy`'s to say.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from onread.errors import AccessDenied
from onread.gateway.conditions import Conditions
from onread.gateway.stored_policy import read_stored
from onread.metadata.records import AccessPoint, ObjectLambdaAccessPoint
from onread.policy.evaluate import AttachedPolicy
from onread.policy.principal import Principal, PrincipalKind
from onread.policy.public import is_public
from onread.stores.bucket_settings import BucketSettings, FindBucketSettings
from onread.wire.frozen import frozen

_BUCKETS = "arn:aws:s3:::"

PolicyOfFunction = Callable[[str, str, str], str | None]
"""(account, function's name, version or alias) -> the text of its resource policy; None: it has none."""


def _no_bucket_settings(_bucket: str) -> BucketSettings | None:
    return None


def _is_not() -> bool:
    return False


def _no_function_policy(_account_id: str, _name: str, _qualifier: str) -> str | None:
    return None


@frozen(kw_only=True)
class Place:
    """What holds the keys that a request is about, for its own question and later ones about single keys.

    Attributes:
        arn: a bucket's, an access point's, or ``*`` where there are no keys.
        bucket: the bucket that has the objects.
        attached: the policies of everything on the way, each asked about its own resource: the
            ``resource`` in them is the container's ARN.
        conditions: the condition keys that come with the way.
    """

    arn: str
    bucket: str = ""
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
        bucket_settings: where the policies of buckets are kept.
        policy_of_function: where the permissions of functions are kept.
        public_access_is_restricted: whether ``RestrictPublicBuckets`` is on for the whole account.
    """

    bucket_settings: FindBucketSettings = _no_bucket_settings
    policy_of_function: PolicyOfFunction = _no_function_policy
    public_access_is_restricted: Callable[[], bool] = _is_not

    def bucket(self, bucket: str) -> Place:
        """A bucket, addressed directly."""
        arn = f"{_BUCKETS}{bucket}"
        return Place(arn=arn, bucket=bucket, attached=self._of_bucket(bucket, arn))

    def access_point(self, access_point: AccessPoint, extra: Conditions) -> Place:
        """A standard access point, and behind it its bucket."""
        attached = [
            attach(access_point.policy, access_point.arn, "access point policy"),
            *self._of_bucket(access_point.bucket, f"{_BUCKETS}{access_point.bucket}"),
        ]
        conditions = {
            **extra,
            "s3:dataaccesspointarn": (access_point.arn,),
            "s3:dataaccesspointaccount": (access_point.account_id,),
            "s3:accesspointnetworkorigin": ("Internet",),
        }
        return Place(
            arn=access_point.arn, bucket=access_point.bucket, attached=attached, conditions=conditions
        )

    def object_lambda(self, access_point: ObjectLambdaAccessPoint) -> Place:
        """An Object Lambda access point: it has no resources below its own."""
        attached = attach(access_point.policy, access_point.arn, "Object Lambda access point policy")
        return Place(arn=access_point.arn, attached=[attached])

    def function(self, account_id: str, name: str, qualifier: str, arn: str) -> Sequence[AttachedPolicy]:
        """A function's resource policy, when it has one; that of ``$LATEST`` names it unqualified."""
        policy = self.policy_of_function(account_id, name, qualifier)
        named = arn.removesuffix(":$LATEST")
        return () if policy is None else (attach(policy, named, "function policy"),)

    def _of_bucket(self, bucket: str, arn: str) -> Sequence[AttachedPolicy]:
        settings = self.bucket_settings(bucket)
        if settings is None or settings.policy is None:
            return ()
        return (attach(settings.policy, arn, "bucket policy"),)

    def of_object(self, resource: str) -> Sequence[AttachedPolicy]:
        """The policies that have a say about one object, named by its bucket: the source of a copy, say."""
        bucket, key = bucket_and_key(resource)
        return self.bucket(bucket).attached_at(key) if bucket else ()

    def refuse_strangers(
        self, principal: Principal, bucket: str, access_point: AccessPoint | None = None
    ) -> None:
        """Go on only when a caller without a name may be asked about here at all.

        The bucket's own policy must let him in, through an access point as well; and where
        ``RestrictPublicBuckets`` is on, of the account, the bucket or the access point, a public policy
        lets nobody in.

        Raises:
            AccessDenied: he may not.
        """
        if principal.kind is not PrincipalKind.ANONYMOUS:
            return
        settings = self.bucket_settings(bucket)
        if settings is None or settings.policy is None:
            raise AccessDenied
        everywhere = self.public_access_is_restricted()
        if (everywhere or "RestrictPublicBuckets" in settings.blocks) and is_public(settings.policy):
            raise AccessDenied
        if access_point is None or access_point.policy is None:
            return  # without a policy an access point lets no stranger in, as will be found
        restricted = everywhere or access_point.public_access_block.get("RestrictPublicBuckets")
        if restricted and is_public(access_point.policy):
            raise AccessDenied


def bucket_and_key(resource: str) -> tuple[str, str]:
    """The two that an object's ARN names by its bucket; both empty for any other."""
    if not resource.startswith(_BUCKETS):
        return "", ""
    bucket, _, key = resource.removeprefix(_BUCKETS).partition("/")
    return bucket, key


def attach(policy: str | None, resource: str, name: str) -> AttachedPolicy:
    """A policy on its resource; ``name`` is what reasons call it."""
    parsed = read_stored(policy, resource_policy=True) if policy is not None else None
    return AttachedPolicy(policy=parsed, resource=resource, name=name)
