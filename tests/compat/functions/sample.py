"""All four operations as AWS's own sample does them.

It forwards what is signed and the conditions, returns what S3 said, and does ranges and parts by itself,
with status 200.
"""

import re
from urllib.parse import parse_qs, urlparse

import boto3
import requests

CONDITIONAL = {"if-match", "if-none-match", "if-modified-since", "if-unmodified-since"}
PART_BYTES = 5 * 1024 * 1024
s3 = boto3.client("s3")


def ask(event, context, method):
    signed = parse_qs(urlparse(context["inputS3Url"]).query)["X-Amz-SignedHeaders"][0].split(";")
    wanted = ({*signed} | CONDITIONAL) - {"host"}
    headers = {k: v for k, v in event["userRequest"]["headers"].items() if k.lower() in wanted}
    return requests.request(method, context["inputS3Url"], headers=headers)


def wanted_bytes(event, size):
    """Start and stop of what the reader asked for."""
    query = parse_qs(urlparse(event["userRequest"]["url"]).query)
    headers = {name.lower(): value for name, value in event["userRequest"]["headers"].items()}
    if "partNumber" in query:
        start = PART_BYTES * (int(query["partNumber"][0]) - 1)
        return start, min(start + PART_BYTES, size)
    text = headers.get("range") or query.get("Range", [""])[0]
    found = re.fullmatch(r"bytes=(\d+)?-(\d+)?", text)
    if not found:
        return 0, size
    first, last = (None if group is None else int(group) for group in found.groups())
    if first is None:
        return max(0, size - last), size
    return first, size if last is None else min(last + 1, size)


def get_object(event):
    context = event["getObjectContext"]
    route = {"RequestRoute": context["outputRoute"], "RequestToken": context["outputToken"]}
    answer = ask(event, context, "GET")
    if answer.status_code == 304:
        s3.write_get_object_response(StatusCode=304, **route)
    elif answer.status_code >= 400:
        code = re.search("<Code>(.*?)</Code>", answer.text).group(1)
        s3.write_get_object_response(StatusCode=answer.status_code, ErrorCode=code, **route)
    else:
        start, stop = wanted_bytes(event, len(answer.content))
        s3.write_get_object_response(
            Body=answer.content[start:stop],
            ETag=answer.headers["ETag"],
            ContentType=answer.headers["Content-Type"],
            **route,
        )


def head_object(event):
    answer = ask(event, event["headObjectContext"], "HEAD")
    headers = dict(answer.headers)
    if answer.status_code == 200:
        start, stop = wanted_bytes(event, int(headers["Content-Length"]))
        headers["Content-Length"] = stop - start
    return {"statusCode": answer.status_code, "headers": headers}


def list_objects(event, context):
    answer = ask(event, context, "GET")
    return {"statusCode": answer.status_code, "listResultXml": answer.text}


def handler(event, _context):
    if "getObjectContext" in event:
        return get_object(event)
    if "headObjectContext" in event:
        return head_object(event)
    return list_objects(event, event.get("listObjectsContext") or event.get("listObjectsV2Context"))
