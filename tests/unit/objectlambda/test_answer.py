import pytest

from onread.errors import LambdaInvalidResponse
from onread.objectlambda.answer import answer
from onread.objectlambda.rendezvous import Delivery
from onread.objectlambda.response import DeclaredChecksum, FunctionReportedError, FunctionResponse
from onread.wire.message import BytesBody

WRONG = DeclaredChecksum(algorithm="CRC32", value="NhCmhg==")  # of "hello"
OF_NOTHING = DeclaredChecksum(algorithm="CRC32", value="AAAAAA==")


def delivered(content=b"hello", **response):
    given = {"status": 200, "members": {}, **response}
    return Delivery(response=FunctionResponse(**given), body=BytesBody(content))


def test_the_members_are_the_functions_and_the_length_is_the_bodys():
    output, body = answer(delivered(members={"ContentType": "text/plain", "ETag": "e"}), verify=False)
    assert output.members == {"ContentType": "text/plain", "ETag": "e", "ContentLength": 5}
    assert output.body is body


def test_an_unknown_length_is_not_told():
    delivery = delivered()
    delivery.body.length_bytes = None
    assert answer(delivery, verify=False)[0].members == {"ContentType": "binary/octet-stream"}


def test_a_304_has_members_and_no_body():
    output, body = answer(delivered(b"", status=304, members={"ETag": "e"}), verify=True)
    assert (output.status, output.members, output.body, body) == (304, {"ETag": "e"}, None, None)


def test_the_functions_error_is_raised():
    error = FunctionReportedError("Nope", 403, "no")
    with pytest.raises(FunctionReportedError) as raised:
        answer(delivered(b"", status=403, error=error), verify=False)
    assert raised.value is error


def test_T109_the_checksum_of_nothing_is_compared_at_once():
    with pytest.raises(LambdaInvalidResponse, match="CRC32"):
        answer(delivered(b"", checksum=WRONG), verify=True)
    for delivery, verify in (
        (delivered(b"", checksum=OF_NOTHING), True),
        (delivered(b"", checksum=WRONG), False),
    ):
        assert answer(delivery, verify=verify)[0].members["ContentLength"] == 0
