"""The table of limits: each is what was promised, and holds one below it, at it and one above it.

Those of the connection stand in unit/server/test_reader.py and test_connection.py, of the function pool in
flow/test_function_pool.py, of policies in unit/control and unit/policy.
"""

import asyncio
import base64
import hashlib
import io
import math
import os
import zipfile
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.fakes.road import SERVICES, open_road

from onread import errors
from onread.config import Settings
from onread.control import lambda_invoke, policies
from onread.functions import failures, package
from onread.functions.logs import EnvironmentLog, FunctionLog
from onread.functions.settings import PoolSettings
from onread.gateway import documents
from onread.gateway.gate import AdmissionLimits
from onread.objectlambda import event, returned
from onread.objectlambda.transform import TransformSettings
from onread.policy import document
from onread.protocol.parse import parse_body
from onread.server.limits import DEFAULT_LIMITS
from onread.sigv4 import scope
from onread.stores.local import content, engine
from onread.wire.message import IteratorBody

KIB, MIB = 1 << 10, 1 << 20
AROUND = (-1, 0, 1)


def document_limit(service, operation):
    return SERVICES.operation(service, operation).document_limit_bytes


def settings(**changes):
    return PoolSettings(cache_directory=".", **changes)


PROMISED = [
    ("request line", DEFAULT_LIMITS.request_line_bytes, 16 * KIB),
    ("header block", DEFAULT_LIMITS.header_block_bytes, 32 * KIB),
    ("number of headers", DEFAULT_LIMITS.header_count, 100),
    ("one header", DEFAULT_LIMITS.header_bytes, 16 * KIB),
    ("time to a whole header block", DEFAULT_LIMITS.head_seconds, 10),
    ("idle keep-alive", DEFAULT_LIMITS.idle_seconds, 60),
    ("stall", DEFAULT_LIMITS.stall_seconds, 30),
    ("refused after", AdmissionLimits().patience_seconds + 0.1, 1),
    ("in flight", AdmissionLimits().in_flight, Settings().max_in_flight),
    ("request memory", AdmissionLimits().memory_bytes, Settings().max_request_memory_bytes),
    ("connections", DEFAULT_LIMITS.connections, Settings().max_connections),
    ("key length", engine.LONGEST_KEY_BYTES, 1024),
    ("user metadata", content.LARGEST_METADATA_BYTES, 2 * KIB),
    ("policy, where it is read", document.MAX_POLICY_BYTES, 20 * KIB),
    ("policy, where it is kept", policies.MOST_BYTES, 20 * KIB),
    ("s3control document", document_limit("s3control", "CreateAccessPoint"), 256 * KIB),
    ("s3 document", document_limit("s3", "PutObjectTagging"), 256 * KIB),
    ("DeleteObjects", document_limit("s3", "DeleteObjects"), 2 * MIB),
    ("CompleteMultipartUpload", document_limit("s3", "CompleteMultipartUpload"), 4 * MIB),
    ("Lambda document", document_limit("lambda", "UpdateFunctionConfiguration"), 256 * KIB),
    ("a document's pace", documents.SLOWEST_BYTES_PER_SECOND, 128 * KIB),
    ("presigned lifetime", scope.MAX_EXPIRES_SECONDS, 7 * 24 * 3600),
    ("clock skew", scope.MAX_SKEW, timedelta(minutes=15)),
    ("function start", settings().start_timeout_seconds, 10),
    ("whole transformed answer", Settings().transform_timeout_seconds, 60),
    ("input URL life", TransformSettings(route="r").input_url_seconds, 61),
    ("relay, one direction", DEFAULT_LIMITS.buffer_bytes, 256 * KIB),
    ("log of an invocation", settings().log_bytes_per_invocation, 256 * KIB),
    ("event", event.MAXIMUM_EVENT_BYTES, 6 * MIB),
    ("returned document", returned.MAXIMUM_RETURN_BYTES, 6 * MIB),
    ("answer of a function", failures.RESPONSE_LIMIT_BYTES, 6 * MIB),
    ("payload of Invoke", lambda_invoke.MOST_PAYLOAD_BYTES, 6 * MIB),
    ("package zipped", package.ZIPPED_LIMIT_BYTES, 50 * MIB),
    ("package unzipped", package.UNZIPPED_LIMIT_BYTES, 250 * MIB),
    ("package entries", package.ENTRY_LIMIT, 10_000),
    ("package ratio", package.RATIO_LIMIT, 100),
]


@pytest.mark.parametrize(("name", "built", "promised"), PROMISED, ids=[row[0] for row in PROMISED])
def test_every_limit_is_the_promised_one(name, built, promised):
    assert built == pytest.approx(promised) if isinstance(built, float) else built == promised


def run(tmp_path, story):
    async def told():
        async with open_road(tmp_path / "data") as road:
            await road.call("PUT", "/bucket")
            await road.call("PUT", "/bucket/key", b"content")
            return await story(road)

    return asyncio.run(told())


@pytest.mark.parametrize("excess", AROUND)
@pytest.mark.parametrize("letter", ["k", "é"])
def test_key_length(tmp_path, letter, excess):
    size = 1024 + excess
    key = letter * (size // len(letter.encode())) + "k" * (size % len(letter.encode()))
    assert len(key.encode()) == size
    path = "/bucket/" + "".join(f"%{byte:02X}" for byte in key.encode())
    answer = run(tmp_path, lambda road: road.call("GET", path))
    assert answer.code == ("KeyTooLongError" if excess > 0 else "NoSuchKey")


@pytest.mark.parametrize("excess", AROUND)
@pytest.mark.parametrize(("life", "code"), [(7 * 24 * 3600, "AuthorizationQueryParametersError")])
def test_presigned_lifetime(tmp_path, life, code, excess):
    async def story(road):
        good = road.presigned("GET", "/bucket/key", expires_seconds=life)
        written = good.target.replace(f"X-Amz-Expires={life}", f"X-Amz-Expires={life + excess}")
        return await road.send(replace(good, target=written))

    # Written over, the signature is wrong; the life is looked at first.
    expected = {-1: "SignatureDoesNotMatch", 0: "", 1: code}
    assert run(tmp_path, story).code == expected[excess]


@pytest.mark.parametrize("excess", AROUND)
@pytest.mark.parametrize("direction", [-1, 1])
def test_clock_skew(tmp_path, direction, excess):
    async def story(road):
        age = timedelta(seconds=15 * 60 + excess) * direction
        return await road.call("GET", "/bucket/key", age=age)

    assert run(tmp_path, story).code == ("RequestTimeTooSkewed" if excess > 0 else "")


def padded(text, size):
    return text.ljust(size).encode()


@pytest.mark.parametrize("excess", AROUND)
@pytest.mark.parametrize("declared", [True, False])
def test_a_document_of_s3(tmp_path, declared, excess):
    """DeleteObjects: two mebibytes, whether the length is known beforehand or not."""
    sent = padded("<Delete><Object><Key>key</Key></Object></Delete>", 2 * MIB + excess)
    md5 = base64.b64encode(hashlib.md5(sent).digest()).decode()

    async def chunks():
        for start in range(0, len(sent), 65536):
            yield sent[start : start + 65536]

    async def story(road):
        body = IteratorBody(chunks(), len(sent) if declared else None)
        return await road.call("POST", "/bucket?delete", sent, payload=body, headers=(("content-md5", md5),))

    assert run(tmp_path, story).code == ("MaxMessageLengthExceeded" if excess > 0 else "")


@pytest.mark.parametrize("excess", AROUND)
def test_xml_depth(excess):
    inner = 32 + excess - 1  # below the root
    sent = "<Delete>" + "<a>" * inner + "</a>" * inner + "<Object><Key>k</Key></Object></Delete>"
    operation = SERVICES.operation("s3", "DeleteObjects")
    if excess > 0:
        with pytest.raises(errors.MalformedXML):
            parse_body(operation, sent.encode())
    else:
        assert parse_body(operation, sent.encode())["Delete"]["Objects"] == [{"Key": "k"}]


@pytest.mark.parametrize("excess", AROUND)
@pytest.mark.parametrize(("opening", "closing"), [('{"a":', "}"), ("[", "]")])
def test_json_depth(opening, closing, excess):
    inner = 64 + excess - 1  # in the document itself
    sent = '{"Unknown":' + opening * inner + "1" + closing * inner + "}"
    operation = SERVICES.operation("lambda", "UpdateFunctionConfiguration")
    if excess > 0:
        with pytest.raises(errors.InvalidRequestContentException):
            parse_body(operation, sent.encode())
    else:
        assert "Unknown" not in parse_body(operation, sent.encode())


def stored(*sizes):
    """A zip whose entries are stored as they are."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for number, size in enumerate(sizes):
            archive.writestr(str(number), bytes(size))
    return made.getvalue()


def deflated(data):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", data)
    return made.getvalue()


def passes(content):
    try:
        package.check_package(content)
    except errors.InvalidParameterValueException:
        return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize("excess", AROUND)
def test_a_zipped_package(excess):
    around = len(stored(0))
    sent = stored(50 * MIB - around + excess)
    assert len(sent) == 50 * MIB + excess
    assert passes(sent) is (excess <= 0)


@pytest.mark.slow
@pytest.mark.parametrize("excess", AROUND)
def test_the_entries_of_a_package(excess):
    assert passes(stored(*[0] * (10_000 + excess))) is (excess <= 0)


@pytest.mark.slow
@pytest.mark.parametrize("excess", AROUND)
def test_an_unzipped_package(excess):
    """A part that cannot be compressed keeps the ratio below the other limit."""
    noise = os.urandom(3 * MIB)
    assert passes(deflated(noise + bytes(250 * MIB - len(noise) + excess))) is (excess <= 0)


@pytest.mark.slow
@pytest.mark.parametrize("percent", [99, 101])
def test_the_ratio_of_a_package(percent):
    """Zeros take about a thousandth; the noise is the rest of a hundredth."""
    total = 20 * MIB
    noise = os.urandom(math.ceil(total / percent) - total // 1000)
    sent = deflated(noise + bytes(total - len(noise)))
    assert (total / len(sent) > 100) is (percent > 100)
    assert passes(sent) is (percent < 100)


@pytest.mark.parametrize("excess", AROUND)
def test_the_log_of_an_invocation(excess):
    lines = []
    log = EnvironmentLog(
        None,
        FunctionLog(MIB),
        sink=lambda _, line: lines.append(line.text),
        clock=lambda: None,
        limit_bytes=settings().log_bytes_per_invocation,
    )
    log.begin("id")
    line = b"x" * 1023 + b"\n"
    log.feed(line * 255 + b"x" * (1023 + excess) + b"\n")
    log.end("REPORT")
    assert any("is cut after 262144 bytes" in line for line in lines) is (excess > 0)


@pytest.mark.parametrize("excess", AROUND)
def test_a_returned_document(excess):
    """What a function returns for HEAD: a JSON object of at most six mebibytes."""
    operation = SERVICES.operation("s3", "HeadObject")
    sent = padded('{"statusCode":304,"headers":{}}', 6 * MIB + excess)
    if excess > 0:
        with pytest.raises(errors.LambdaInvalidResponse):
            returned.read_returned(sent, operation)
    else:
        returned.read_returned(sent, operation)
