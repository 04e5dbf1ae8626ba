"""Reports what a function finds around itself."""

import contextlib
import glob
import json
import os
import resource

import boto3


def readable(pattern):
    found = {}
    for path in glob.glob(pattern):
        with contextlib.suppress(OSError), open(path, "rb") as file:
            found[path] = file.read().decode("latin-1")
    return found


def handler(event, context):
    object_context = event["getObjectContext"]
    descriptors = {}
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the one that lists
            descriptors[number] = os.readlink(f"/proc/self/fd/{number}")
    report = {
        "environ": dict(os.environ),
        "own_environ": readable("/proc/self/environ"),
        "cmdline": readable("/proc/self/cmdline"),
        "descriptors": descriptors,
        "cwd": os.getcwd(),
        "core": resource.getrlimit(resource.RLIMIT_CORE),
    }
    boto3.client("s3").write_get_object_response(
        Body=json.dumps(report),
        RequestRoute=object_context["outputRoute"],
        RequestToken=object_context["outputToken"],
    )
