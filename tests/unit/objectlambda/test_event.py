import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from tests.fakes.object_lambda import ACCOUNT, CALLER, REQUEST_ID, SUPPORTING, olap, request

from onread.errors import InvalidRequest, RequestTooLargeException
from onread.objectlambda.event import (
    build_event,
    get_object_context,
    parameters,
    refuse_customer_keys,
    user_headers,
    user_identity,
    user_url,
)
from onread.policy.principal import Principal, PrincipalKind
from onread.wire.message import Headers

CONTEXT = get_object_context(
    input_url="https://in.example.com/", output_route="io-local", output_token="token"
)
HOST = "my-olap-111122223333.s3-object-lambda.us-east-1.amazonaws.com"
ROLE_SESSION = Principal(
    kind=PrincipalKind.ASSUMED_ROLE,
    account_id=ACCOUNT,
    arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/Admin/session-name",
    principal_id="AROAEXAMPLEID:session-name",
    access_key_id="ASIAEXAMPLE",
    role_arn=f"arn:aws:iam::{ACCOUNT}:role/Admin",
    issued_at=datetime(2021, 3, 10, 23, 41, 52, tzinfo=UTC),
)


def event(**changes):
    arguments = {
        "request_id": REQUEST_ID,
        "operation": "GetObject",
        "context": CONTEXT,
        "access_point_arn": olap().arn,
        "supporting_access_point_arn": SUPPORTING.arn,
        "payload": '{"res-x": "100"}',
        "request": request(),
        "host": HOST,
        "principal": CALLER,
        **changes,
    }
    return json.loads(build_event(**arguments))


def test_the_event_is_the_documented_sample_field_by_field():
    sent = replace(
        request("/key?width=300"),
        host=HOST,
        scheme="https",
        headers=Headers(
            [
                ("Host", HOST),
                ("Accept-Encoding", "identity"),
                ("X-Amz-Content-SHA256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
                ("X-Amz-Date", "20210310T234152Z"),
                ("X-Amz-Security-Token", "token"),
                ("Authorization", "AWS4-HMAC-SHA256 ..."),
            ]
        ),
    )
    assert event(request=sent, principal=ROLE_SESSION) == {
        "xAmzRequestId": "1a5ed718-5f53-471d-b6fe-5cf62d88d02a",
        "getObjectContext": {
            "inputS3Url": "https://in.example.com/",
            "outputRoute": "io-local",
            "outputToken": "token",
        },
        "configuration": {
            "accessPointArn": "arn:aws:s3-object-lambda:us-east-1:111122223333:accesspoint/my-olap",
            "supportingAccessPointArn": "arn:aws:s3:us-east-1:111122223333:accesspoint/my-ap",
            "payload": '{"res-x": "100"}',
        },
        "userRequest": {
            "url": f"https://{HOST}/key?width=300",
            "headers": {
                "Host": HOST,
                "Accept-Encoding": "identity",
                "X-Amz-Content-SHA256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            },
        },
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": "AROAEXAMPLEID:session-name",
            "arn": "arn:aws:sts::111122223333:assumed-role/Admin/session-name",
            "accountId": "111122223333",
            "accessKeyId": "ASIAEXAMPLE",
            "sessionContext": {
                "attributes": {"mfaAuthenticated": "false", "creationDate": "Wed Mar 10 23:41:52 UTC 2021"},
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": "AROAEXAMPLEID",
                    "arn": "arn:aws:iam::111122223333:role/Admin",
                    "accountId": "111122223333",
                    "userName": "Admin",
                },
            },
        },
        "protocolVersion": "1.00",
    }


def test_the_event_is_utf_8_json_without_escapes_that_change_types():
    sent = build_event(
        request_id=REQUEST_ID,
        operation="GetObject",
        context=CONTEXT,
        access_point_arn=olap().arn,
        supporting_access_point_arn=SUPPORTING.arn,
        payload="\N{SNOWMAN}",
        request=request(),
        host=HOST,
        principal=CALLER,
    )
    assert "\N{SNOWMAN}" in sent.decode("utf-8")
    assert isinstance(json.loads(sent)["protocolVersion"], str)


@pytest.mark.parametrize(
    ("operation", "key"),
    [
        ("HeadObject", "headObjectContext"),
        ("ListObjects", "listObjectsContext"),
        ("ListObjectsV2", "listObjectsV2Context"),
    ],
)
def test_exactly_one_context_is_there(operation, key):
    built = event(operation=operation, context={"inputS3Url": "https://in.example.com/"})
    assert built[key] == {"inputS3Url": "https://in.example.com/"}
    assert [name for name in built if name.endswith("Context")] == [key]


def test_a_configuration_without_payload_gives_an_empty_string():
    assert event(payload="")["configuration"]["payload"] == ""


def test_T139_the_payload_arrives_word_for_word():
    payload = '"q" ${x} {{y}} \n \x00 \N{SNOWMAN}' * 1000
    assert event(payload=payload)["configuration"]["payload"] == payload


def test_an_event_over_lambdas_six_megabytes_is_refused():
    with pytest.raises(RequestTooLargeException):
        event(payload="x" * (6 * 1024 * 1024))


def test_T142_the_largest_header_block_makes_a_small_event():
    headers = {f"x_bomb_{number}": "v" * 300 for number in range(100)}
    assert len(json.dumps(event(request=request(**headers)))) < 128 * 1024


def test_the_url_is_absolute_and_decoded():
    sent = request("/my-olap.olap/a%20b/%E2%98%83?x=%C3%A9&y=1+2")
    assert user_url(sent, HOST) == "http://s3.example.com/my-olap.olap/a b/\N{SNOWMAN}?x=é&y=1+2"


def test_a_request_without_a_host_gets_the_access_points_own():
    assert user_url(replace(request("/key"), host=""), HOST) == f"http://{HOST}/key"


def test_the_callers_parameters_stay_and_those_of_a_signature_go():
    signature = (
        "X-Amz-Algorithm=a&X-Amz-Credential=b&X-Amz-Date=c&X-Amz-Expires=1&X-Amz-SignedHeaders=host"
        "&x-amz-signature=d&X-Amz-Security-Token=e&X%2DAmz%2DSignature=f&AWSAccessKeyId=g&Signature=h&Expires=2"
    )
    kept = "width=300&expires=soon&signature=mine&flag&x-amz-other=1"
    assert user_url(request(f"/key?{signature}&{kept}"), HOST) == f"http://s3.example.com/key?{kept}"
    assert user_url(request(f"/key?{signature}"), HOST) == "http://s3.example.com/key"


def test_parameters_are_decoded_in_order():
    assert parameters("b=1&a=%2F&&c&a=x=y") == (("b", "1"), ("a", "/"), ("c", ""), ("a", "x=y"))


def test_headers_keep_their_letter_case_and_order():
    headers = Headers([("SuperSecretToken", "a"), ("x-LOWER", "b"), ("Cookie", "c")])
    assert list(user_headers(headers).items()) == [
        ("SuperSecretToken", "a"),
        ("x-LOWER", "b"),
        ("Cookie", "c"),
    ]


def test_T135_repeated_and_mixed_case_headers_collapse_to_one_value():
    headers = Headers([("X-Amz-Request-Payer", "requester"), ("x-amz-request-payer", "other"), ("A", "1")])
    assert user_headers(headers) == {"X-Amz-Request-Payer": "requester,other", "A": "1"}


def test_T134_no_credential_of_the_caller_is_in_the_event():
    canary = "canary-7f3a"
    secret_headers = (
        "Authorization",
        "Proxy-Authorization",
        "X-Amz-Security-Token",
        "X-Amz-Date",
        "X-Amz-S3session-Token",
        "X-Forwarded-Client-Cert",
        "X-Amz-Server-Side-Encryption-Customer-Key",
        "X-Amz-Server-Side-Encryption-Customer-Key-MD5",
        "X-Amz-Copy-Source-Server-Side-Encryption-Customer-Key",
    )
    query = "&".join(
        f"{name}={canary}"
        for name in (
            "X-Amz-Signature",
            "X-Amz-Credential",
            "X-Amz-Security-Token",
            "Signature",
            "AWSAccessKeyId",
        )
    )
    sent = replace(
        request(f"/key?{query}&width=1"), headers=Headers([(name, canary) for name in secret_headers])
    )
    text = json.dumps(event(request=sent))
    for form in (canary, base64.b64encode(canary.encode()).decode(), quote(canary, safe="")):
        assert form not in text


def test_T134_an_access_key_id_is_an_id_and_nothing_of_the_secret():
    assert event()["userIdentity"]["accessKeyId"] == CALLER.access_key_id
    assert set(event()["userIdentity"]) == {
        "type",
        "principalId",
        "arn",
        "accountId",
        "accessKeyId",
        "userName",
    }


@pytest.mark.parametrize(
    "sent",
    [
        request(x_amz_server_side_encryption_customer_algorithm="AES256"),
        request(X_Amz_Server_Side_Encryption_Customer_Key="k"),
        request("/key?x-amz-server-side-encryption-customer-key=k"),
        request("/key?X-Amz-Server-Side-Encryption-Customer-Key%2DMD5=k"),
    ],
)
def test_T122_a_customers_key_is_refused(sent):
    with pytest.raises(InvalidRequest, match="customer-provided keys"):
        refuse_customer_keys(sent)


def test_other_encryption_headers_are_not_customer_keys():
    refuse_customer_keys(request("/key?width=1", x_amz_server_side_encryption="AES256"))


def test_an_iam_user_has_a_name_and_no_session():
    assert user_identity(CALLER) == {
        "type": "IAMUser",
        "principalId": "AIDAEXAMPLEALICE00001",
        "arn": "arn:aws:iam::111122223333:user/alice",
        "accountId": "111122223333",
        "accessKeyId": "AKIAEXAMPLEALICE0001",
        "userName": "alice",
    }


def test_a_user_with_temporary_credentials_has_a_session_without_issuer():
    identity = user_identity(replace(CALLER, issued_at=datetime(2030, 1, 1, tzinfo=UTC)))
    assert identity["sessionContext"] == {
        "attributes": {"mfaAuthenticated": "false", "creationDate": "Tue Jan 01 00:00:00 UTC 2030"}
    }


def test_root_is_the_account():
    root = Principal(
        kind=PrincipalKind.ROOT,
        account_id=ACCOUNT,
        arn=f"arn:aws:iam::{ACCOUNT}:root",
        principal_id=ACCOUNT,
        access_key_id="AKIAROOT",
    )
    assert user_identity(root) == {
        "type": "Root",
        "principalId": ACCOUNT,
        "arn": f"arn:aws:iam::{ACCOUNT}:root",
        "accountId": ACCOUNT,
        "accessKeyId": "AKIAROOT",
    }


def test_a_principal_without_access_key_has_none():
    assert "accessKeyId" not in user_identity(replace(CALLER, access_key_id=None))


def test_an_anonymous_caller_is_cloudtrails():
    anonymous = Principal(
        kind=PrincipalKind.ANONYMOUS, account_id="", arn="anonymous", principal_id="anonymous"
    )
    assert user_identity(anonymous) == {
        "type": "AWSAccount",
        "principalId": "",
        "accountId": "ANONYMOUS_PRINCIPAL",
    }
