"""Does what somebody tells it line by line, so that nothing in a test depends on time."""

import base64
import json
import os
import socket

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

once = Config(
    signature_version="s3v4", s3={"payload_signing_enabled": False}, retries={"total_max_attempts": 1}
)
s3 = boto3.client("s3", config=once)


class Chunks:
    """What boto3 takes for a file: it has no length and cannot be rewound."""

    def __init__(self, chunks):
        self.chunks = chunks

    def read(self, size=-1):
        return next(self.chunks, b"")


def body(lines):
    for line in lines:
        order = json.loads(line)
        if order["do"] == "end":
            return
        if order["do"] == "exit":
            os._exit(order["code"])
        if order["do"] == "raise":
            raise RuntimeError("told to raise")
        yield base64.b64decode(order["data"])


def write(event, members, lines, streamed):
    context = event["getObjectContext"]
    members = {"RequestRoute": context["outputRoute"], "RequestToken": context["outputToken"], **members}
    if streamed:
        members["Body"] = Chunks(body(lines))
    try:
        s3.write_get_object_response(**members)
    except ClientError as error:
        return {"status": error.response["ResponseMetadata"]["HTTPStatusCode"], **error.response["Error"]}
    except (BotoCoreError, OSError) as error:
        return {"status": 0, "Code": type(error).__name__, "Message": str(error)}
    return {"status": 200}


def handler(event, context):
    host, port = os.environ["ORDERS"].split(":")
    with socket.create_connection((host, int(port))) as connection, connection.makefile("rwb") as lines:

        def say(what):
            lines.write(json.dumps(what).encode() + b"\n")
            lines.flush()

        say({"event": event, "pid": os.getpid(), "environ": dict(os.environ)})
        for line in lines:
            order = json.loads(line)
            if order["do"] == "return":
                return order.get("value")
            if order["do"] == "exit":
                os._exit(order["code"])
            if order["do"] == "raise":
                raise RuntimeError("told to raise")
            if order["do"] == "print":
                print(order["text"], flush=True)
                say({"printed": True})
            if order["do"] in ("write", "stream"):
                say(write(event, order["members"], lines, order["do"] == "stream"))
    return None
