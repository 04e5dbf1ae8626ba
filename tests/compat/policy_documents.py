"""Policies as short words, and the place that they are about."""

import json
from dataclasses import dataclass

ACCOUNT = "000000000000"
DENIED = ("AccessDenied", 403)
VIA_OBJECT_LAMBDA = {"ForAnyValue:StringEquals": {"aws:CalledVia": ["s3-object-lambda.amazonaws.com"]}}


def allow(action, resource, condition=None, *, effect="Allow", principal=None):
    statement = {"Effect": effect, "Action": action, "Resource": resource}
    if condition is not None:
        statement["Condition"] = condition
    if principal is not None:
        statement["Principal"] = principal
    return statement


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@dataclass
class Place:
    """A bucket, its access point, a function, and an OLAP that transforms GetObject."""

    bucket: str
    supporting: dict
    function: str
    olap: str
    alias: str

    @property
    def point(self):
        return self.supporting["Alias"]

    @property
    def point_arn(self):
        return self.supporting["AccessPointArn"]

    @property
    def olap_arn(self):
        return f"arn:aws:s3-object-lambda:us-east-1:{ACCOUNT}:accesspoint/{self.olap}"

    @property
    def function_arn(self):
        return f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{self.function}:$LATEST"

    def only_through(self):
        """AWS's pattern: the data is to be had transformed, and in no other way."""
        return [
            allow("s3-object-lambda:GetObject", self.olap_arn),
            allow("lambda:InvokeFunction", self.function_arn, VIA_OBJECT_LAMBDA),
            allow("s3:GetObject", f"{self.point_arn}/object/*", VIA_OBJECT_LAMBDA),
        ]


def make_place(world):
    bucket, function = world.bucket(), world.function("fetches")
    for key in ("k", "open/k", "closed/k"):
        world.client("s3").put_object(Bucket=bucket, Key=key, Body=b"data")
    supporting = world.access_point(bucket)
    olap, alias = world.olap_over(supporting, function)
    return Place(bucket, supporting, function, olap, alias)


def read(client, bucket, key="k"):
    return client.get_object(Bucket=bucket, Key=key)["Body"].read()
