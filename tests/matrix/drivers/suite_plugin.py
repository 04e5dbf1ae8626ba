"""A plugin for pytest, in the environment of somebody else's suite: it writes down how each case ended.

With ``SUITE_ACCESS_POINTS`` it gives every bucket that the suite makes an access point, and puts the access
point's alias in the place of the bucket's name wherever AWS lets an alias stand there. The suite is not
changed, and does not know.
"""

import hashlib
import json
import os
import threading
import urllib.parse

import botocore.session
import pytest

ACCOUNT = "000000000000"
# What AWS answers for an access point, beside all that names a key.
OF_BUCKETS = frozenset(
    {
        "DeleteObjects",
        "HeadBucket",
        "ListMultipartUploads",
        "ListObjects",
        "ListObjectsV2",
        "ListObjectVersions",
    }
)
KEPT_CHARACTERS = 300


def name_for(bucket):
    """The name of a bucket's access point; some buckets' names are too long for one."""
    return f"suite-{hashlib.sha256(bucket.encode()).hexdigest()[:20]}"


class AccessPoints:
    """The access points of the buckets that this process has made; made when they are first wanted."""

    def __init__(self, control):
        self.control = control
        self.buckets = set()
        self.aliases = {}
        self.lock = threading.Lock()  # some cases upload from several threads

    def watch(self, client):
        events = client.meta.events
        events.register("provide-client-params.s3", self.redirect)
        events.register("after-call.s3.CreateBucket", self.created)

    def created(self, parsed, context, **_):
        if parsed["ResponseMetadata"]["HTTPStatusCode"] == 200:
            self.buckets.add(context["suite_bucket"])

    def redirect(self, params, model, context, **_):
        bucket = params.get("Bucket")
        if model.name == "CreateBucket":
            context["suite_bucket"] = bucket
        elif model.name == "DeleteBucket" and self.aliases.pop(bucket, None):
            self.control.delete_access_point(AccountId=ACCOUNT, Name=name_for(bucket))
        elif bucket in self.buckets and ("Key" in params or model.name in OF_BUCKETS):
            return {**params, "Bucket": self.alias(bucket)}
        return params

    def alias(self, bucket):
        with self.lock:
            if bucket not in self.aliases:
                named = {"AccountId": ACCOUNT, "Name": name_for(bucket)}
                made = self.control.create_access_point(**named, Bucket=bucket)
                self.aliases[bucket] = made["Alias"]
            return self.aliases[bucket]


def _control(create_client):
    """s3control at the gateway: the account that it puts before the host is taken away before signing."""
    endpoint = urllib.parse.urlsplit(os.environ["SUITE_ACCESS_POINTS"])

    def put_host_back(request, **_):
        request.url = urllib.parse.urlsplit(request.url)._replace(netloc=endpoint.netloc).geturl()

    control = create_client(
        botocore.session.Session(),
        "s3control",
        region_name="us-east-1",
        endpoint_url=endpoint.geturl(),
        aws_access_key_id=os.environ["SUITE_ACCESS_KEY_ID"],
        aws_secret_access_key=os.environ["SUITE_SECRET_ACCESS_KEY"],
    )
    control.meta.events.register("before-sign.s3-control", put_host_back)
    return control


def _redirect_every_client():
    create_client = botocore.session.Session.create_client
    points = AccessPoints(_control(create_client))

    def watched(self, service_name, *words, **more):
        client = create_client(self, service_name, *words, **more)
        if service_name == "s3":
            points.watch(client)
        return client

    botocore.session.Session.create_client = watched


if "SUITE_ACCESS_POINTS" in os.environ:
    _redirect_every_client()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == "call" or report.outcome != "passed":
        reason = str(report.longrepr or "").strip().splitlines()[-1:] or [""]
        crash = getattr(report.longrepr, "reprcrash", None)
        told = crash.message if crash is not None else reason[0]
        case = item.nodeid.rpartition("/")[2]
        with open(os.environ["SUITE_RESULTS"], "a") as file:
            file.write(json.dumps([case, report.outcome, told[:KEPT_CHARACTERS]]) + "\n")
    return report
