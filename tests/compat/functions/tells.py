"""Returns what its payload says, word for word."""

import json


def handler(event, context):
    return json.loads(event["configuration"]["payload"])
