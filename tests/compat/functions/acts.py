"""Calls what its event or its payload names, with its own credentials or those it is told to get."""

import json

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

once = Config(signature_version="s3v4", retries={"total_max_attempts": 1}, read_timeout=15)


def client(service, keys=None):
    keys = keys or {}
    return boto3.client(
        service,
        config=once if service == "s3" else Config(retries={"total_max_attempts": 1}, read_timeout=15),
        aws_access_key_id=keys.get("AccessKeyId"),
        aws_secret_access_key=keys.get("SecretAccessKey"),
        aws_session_token=keys.get("SessionToken"),
    )


def act(service, operation, params, keys):
    try:
        answer = getattr(client(service, keys), operation)(**params)
    except ClientError as refusal:
        return refusal.response["Error"]["Code"]
    for member in ("Body", "Payload"):
        if member in answer:
            return answer[member].read().decode()
    return answer.get("Arn", "done")


def handler(event, _context):
    orders = json.loads(event["configuration"]["payload"]) if "configuration" in event else event
    keys = None
    if "assume" in orders:
        made = client("sts").assume_role(RoleArn=orders["assume"], RoleSessionName="inner")
        keys = made["Credentials"]
    results = [act(*call, keys) for call in orders["calls"]]
    if "getObjectContext" in event:
        context = event["getObjectContext"]
        boto3.client("s3").write_get_object_response(
            RequestRoute=context["outputRoute"],
            RequestToken=context["outputToken"],
            Body=json.dumps(results).encode(),
        )
        return None
    return results
