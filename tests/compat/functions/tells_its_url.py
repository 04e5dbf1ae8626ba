"""Answers with the URL it was given."""

import boto3

s3 = boto3.client("s3")


def handler(event, context):
    where = event["getObjectContext"]
    s3.write_get_object_response(
        Body=where["inputS3Url"].encode(),
        RequestRoute=where["outputRoute"],
        RequestToken=where["outputToken"],
    )
    return {"statusCode": 200}
