"""One transformed GET in memory: a caller, a function and what each of them sees."""

import asyncio
import base64
import itertools
import os
import zlib
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from tests.fakes.fake_invoker import FakeInvoker
from tests.fakes.object_lambda import (
    ACCOUNT,
    ENDPOINT,
    FUNCTION,
    NOW,
    REQUEST_ID,
    ROUTE,
    SESSION_KEY,
    TOKEN_KEY,
    WRITER,
    FedBody,
    configuration,
    read_call,
    request,
)
from tests.fakes.virtual_time import run_in_virtual_time

from onread.errors import (
    AccessDenied,
    AccessDeniedException,
    ConnectionClosedByRequester,
    InvalidRuntimeException,
    ResourceNotFoundException,
    ServiceError,
    ServiceException,
    TooManyRequestsException,
    ValidationError,
)
from onread.objectlambda.rendezvous import ENDED, EXPIRED, USED, Rendezvous
from onread.objectlambda.response import forwarded_members
from onread.objectlambda.route_token import UNKNOWN
from onread.objectlambda.transform import Transformation, TransformSettings
from onread.objectlambda.write_get_object_response import WriteCall, WriteGetObjectResponse
from onread.policy.principal import FunctionSession
from onread.protocol.model import load_services
from onread.telemetry.metrics import Metrics
from onread.wire.message import BytesBody

SERVICES = load_services()
FORWARDED = forwarded_members(SERVICES)
HOUR = 3600.0


@dataclass
class Answer:
    """What a caller saw."""

    status: int = 0
    members: dict[str, Any] = field(default_factory=dict)
    length_bytes: int | None = None
    chunks: list[bytes] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    error: ServiceError | None = None
    cut: BaseException | None = None
    seconds: float = 0.0

    @property
    def content(self) -> bytes:
        return b"".join(self.chunks)

    @property
    def code(self) -> str | None:
        return self.error.code if self.error else None


class Gateway:
    """The two operations over one rendezvous, as the pipeline drives them."""

    def __init__(self, function, *, record=FUNCTION, settings=None):
        loop = asyncio.get_running_loop()
        self.invoker = FakeInvoker(function)
        self.rendezvous = Rendezvous()
        self.metrics = Metrics()
        self.record = record

        def clock():
            return NOW + timedelta(seconds=loop.time())

        self.transformation = Transformation(
            services=SERVICES,
            find_function=lambda account, name, qualifier: (
                self.record
                if (account, name) == (ACCOUNT, "upper") and qualifier in (None, "$LATEST")
                else None
            ),
            invoker=self.invoker,
            rendezvous=self.rendezvous,
            settings=settings or TransformSettings(route=ROUTE),
            endpoint=lambda: ENDPOINT,
            session_key=SESSION_KEY,
            token_key=TOKEN_KEY,
            clock=clock,
            random_bytes=os.urandom,
            metrics=self.metrics,
        )
        self.operation = WriteGetObjectResponse(
            rendezvous=self.rendezvous, token_key=TOKEN_KEY, forwarded=FORWARDED, clock=clock
        )

    async def write(self, event, body=b"", *, principal=WRITER, host_route=None, **params):
        """WriteGetObjectResponse as the pipeline calls it."""
        context = event["getObjectContext"]
        call = WriteCall(
            params={
                "RequestRoute": context["outputRoute"],
                "RequestToken": context["outputToken"],
                **params,
            },
            body=BytesBody(body) if isinstance(body, bytes) else body,
            principal=principal,
            route=host_route,
            account_id=ACCOUNT,
        )
        async with AsyncExitStack() as scope:
            return await self.operation.write_get_object_response(call, scope)

    async def read(self, call=None, *, answer=None, leave_after=None):
        """A caller's whole GET, with the scopes as the pipeline has them."""
        answer = answer or Answer()
        now = asyncio.get_running_loop().time
        try:
            async with AsyncExitStack() as scope:
                try:
                    async with AsyncExitStack() as work:
                        output = await self.transformation.transform(call or read_call(), work)
                        scope.push_async_exit(work.pop_all())
                except ServiceError as error:
                    answer.error, answer.status = error, error.status
                    return answer
                answer.status, answer.members = output.status, dict(output.members)
                if output.body is not None:
                    answer.length_bytes = output.body.length_bytes
                    async for chunk in output.body:
                        answer.chunks.append(chunk)
                        answer.times.append(now())
                        if leave_after == len(answer.chunks):
                            raise asyncio.CancelledError  # the server cancels when the caller is gone
        except (ServiceError, asyncio.CancelledError) as error:
            answer.cut = error
        finally:
            answer.seconds = now()
        return answer

    def outcome(self):
        """The one outcome that was counted."""
        counted = {
            sample.labels["outcome"]: sample.value
            for metric in self.metrics.transformed.collect()
            for sample in metric.samples
            if sample.name.endswith("_total")
        }
        assert sum(counted.values()) == 1
        return next(iter(counted))


@asynccontextmanager
async def running(function, **arguments):
    """A gateway; when it closes, nothing may be left."""
    gateway = Gateway(lambda event: function(gateway, event), **arguments)
    async with gateway.invoker:
        yield gateway
        async with asyncio.timeout(HOUR):
            for run in gateway.invoker.runs:
                await run.finished
    assert len(gateway.rendezvous) == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}


def flow(function, test=None, *, call=None, **arguments):
    """Run one GET (or `test`) against a function; gives (answer, gateway)."""

    async def case():
        async with running(function, **arguments) as gateway:
            result = await (test(gateway) if test else gateway.read(call))
        return result, gateway

    return run_in_virtual_time(case())


def crc32(content):
    return base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode()


# The function answers


def test_the_caller_gets_what_the_function_wrote():
    async def function(gateway, event):
        await gateway.write(event, b"HELLO", StatusCode=206, ContentType="text/plain", Metadata={"a": "b"})

    answer, gateway = flow(function)
    assert (answer.status, answer.content, answer.length_bytes) == (206, b"HELLO", 5)
    assert answer.members == {"ContentType": "text/plain", "Metadata": {"a": "b"}, "ContentLength": 5}
    assert gateway.outcome() == "delivered"
    assert not gateway.invoker.runs[0].abandoned


def test_nothing_of_the_original_comes_along_and_the_type_has_a_default():
    async def function(gateway, event):
        await gateway.write(event, b"HELLO")

    answer, _ = flow(function)
    assert answer.members == {"ContentType": "binary/octet-stream", "ContentLength": 5}


def test_the_run_gets_the_event_and_the_request_id():
    async def function(gateway, event):
        await gateway.write(event, event["xAmzRequestId"].encode())

    answer, gateway = flow(function)
    assert answer.content == REQUEST_ID.encode()
    invocation = gateway.invoker.runs[0].invocation
    assert (invocation.request_id, invocation.deadline) == (REQUEST_ID, 60.0)
    assert invocation.function is FUNCTION


def test_bytes_stream_while_the_function_still_writes():
    async def function(gateway, event):
        body = FedBody()
        async with asyncio.TaskGroup() as group:
            group.create_task(gateway.write(event, body))
            for number in range(3):
                body.feed(b"%d" % number)
                await asyncio.sleep(5)
            body.end()

    answer, _ = flow(function)
    assert (answer.chunks, answer.length_bytes) == ([b"0", b"1", b"2"], None)
    assert answer.times == pytest.approx([0, 5, 10], abs=0.01)
    assert "ContentLength" not in answer.members


def test_nothing_is_read_ahead_of_the_caller():
    async def test(gateway):
        bodies = []

        async def function(event):
            bodies.append(FedBody().feed(b"one").feed(b"two").end())
            await gateway.write(event, bodies[0])

        gateway.invoker.function = function
        async with AsyncExitStack() as scope:
            output = await gateway.transformation.transform(read_call(), scope)
            await asyncio.sleep(1)
            assert bodies[0].pulled_bytes == 0
            assert await anext(output.body) == b"one"
            await asyncio.sleep(1)
            assert bodies[0].pulled_bytes == 3
            assert [chunk async for chunk in output.body] == [b"two"]

    flow(None, test)


def test_the_writer_is_answered_after_the_caller_was_served():
    order = []

    async def function(gateway, event):
        await gateway.write(event, b"x")
        order.append("writer")

    async def test(gateway):
        async with AsyncExitStack() as scope:
            output = await gateway.transformation.transform(read_call(), scope)
            assert [chunk async for chunk in output.body] == [b"x"]
            await asyncio.sleep(1)
            order.append("caller")

    flow(function, test)
    assert order == ["caller", "writer"]


def test_T116_a_writer_may_think_as_long_as_the_deadline_allows():
    async def function(gateway, event):
        body = FedBody(2)
        async with asyncio.TaskGroup() as group:
            group.create_task(gateway.write(event, body))
            await asyncio.sleep(29)
            body.feed(b"a")
            await asyncio.sleep(29)
            body.feed(b"b").end()
            assert body.stall_limit_seconds is None

    answer, _ = flow(function, record=replace(FUNCTION, timeout_seconds=60))
    assert (answer.content, answer.cut) == (b"ab", None)


def test_what_the_function_does_after_the_answer_is_ignored():
    async def function(gateway, event):
        await gateway.write(event, b"fine")
        raise ValueError("later")

    answer, gateway = flow(function)
    assert (answer.status, answer.content, answer.cut) == (200, b"fine", None)
    assert not gateway.invoker.runs[0].abandoned


def test_a_return_while_the_answer_streams_does_not_stop_it():
    async def test(gateway):
        body = FedBody()
        async with asyncio.TaskGroup() as group:

            async def function(event):
                group.create_task(gateway.write(event, body))
                await asyncio.sleep(1)

            async def connection():
                await asyncio.sleep(2)
                body.feed(b"still").end()

            gateway.invoker.function = function
            group.create_task(connection())
            return await gateway.read()

    answer, _ = flow(None, test)
    assert (answer.content, answer.cut) == (b"still", None)


def test_a_not_modified_has_no_body_and_no_length():
    async def function(gateway, event):
        await gateway.write(event, StatusCode=304, ETag='"e"')

    answer, _ = flow(function)
    assert (answer.status, answer.members, answer.length_bytes) == (304, {"ETag": '"e"'}, None)


@pytest.mark.parametrize("body", [lambda: b"", lambda: FedBody().end()])
def test_the_functions_own_error_reaches_the_caller_and_the_writer_is_content(body):
    async def function(gateway, event):
        await gateway.write(
            event, body(), StatusCode=403, ErrorCode="NoSuperSecretTokenFound", ErrorMessage="No <token>"
        )

    answer, gateway = flow(function)
    assert (answer.status, answer.code, answer.error.text) == (403, "NoSuperSecretTokenFound", "No <token>")
    assert gateway.outcome() == "reported_error"
    assert not gateway.invoker.runs[0].abandoned
    assert gateway.invoker.runs[0].finished.result().payload == b"null"


@pytest.mark.parametrize("length", [4, None])
def test_an_error_status_with_a_body_passes_the_body_through(length):
    async def function(gateway, event):
        await gateway.write(event, FedBody(length).feed(b"oops").end(), StatusCode=404)

    answer, _ = flow(function)
    assert (answer.status, answer.content, answer.error) == (404, b"oops", None)


def test_an_error_status_alone_has_its_standard_code():
    async def function(gateway, event):
        await gateway.write(event, StatusCode=412)

    answer, _ = flow(function)
    assert (answer.status, answer.code) == (412, "PreconditionFailed")


# The function does not answer


async def silent(gateway, event):
    return None


async def raises(gateway, event):
    raise ValueError("secret /path/of/ours")


async def hangs(gateway, event):
    await asyncio.Event().wait()


def test_T110_a_return_without_a_write_is_told_after_the_grace_and_not_after_the_timeout():
    answer, gateway = flow(silent)
    assert (answer.status, answer.code) == (500, "LambdaResponseNotReceived")
    assert answer.error.text == "The Lambda exited without successfully calling WriteGetObjectResponse."
    assert answer.seconds == pytest.approx(0.25)
    assert gateway.outcome() == "LambdaResponseNotReceived"


def test_T111_an_error_of_the_function_is_told_at_once_and_without_its_text():
    answer, _ = flow(raises)
    assert (answer.status, answer.code) == (500, "LambdaRuntimeError")
    assert "secret" not in answer.error.text
    assert answer.seconds < 0.1


def test_a_write_in_flight_when_the_function_returns_is_served():
    async def test(gateway):
        async with asyncio.TaskGroup() as group:

            async def function(event):
                async def late():
                    await asyncio.sleep(0.2)
                    await gateway.write(event, b"late")

                group.create_task(late())

            gateway.invoker.function = function
            return await gateway.read()

    answer, _ = flow(None, test)
    assert (answer.status, answer.content) == (200, b"late")


def test_T105_a_write_after_the_return_is_too_late():
    async def test(gateway):
        events = []

        async def function(event):
            events.append(event)

        gateway.invoker.function = function
        answer = await gateway.read()
        with pytest.raises(ValidationError) as refused:
            await gateway.write(events[0], b"late")
        assert refused.value.text == ENDED
        return answer

    answer, _ = flow(None, test)
    assert answer.code == "LambdaResponseNotReceived"


def test_the_functions_own_timeout_is_its_error():
    answer, _ = flow(hangs, record=replace(FUNCTION, timeout_seconds=3))
    assert (answer.code, answer.seconds) == ("LambdaRuntimeError", pytest.approx(3))


def test_the_deadline_is_a_timeout():
    answer, gateway = flow(hangs, record=replace(FUNCTION, timeout_seconds=900))
    assert (answer.status, answer.code, answer.seconds) == (500, "LambdaTimeout", pytest.approx(60))
    assert gateway.outcome() == "LambdaTimeout"


def test_the_time_limit_is_a_setting():
    settings = TransformSettings(route=ROUTE, timeout_seconds=5)
    answer, _ = flow(hangs, settings=settings)
    assert (answer.code, answer.seconds) == ("LambdaTimeout", pytest.approx(5))


def test_T105_a_write_after_the_deadline_has_expired():
    async def test(gateway):
        events = []

        async def function(event):
            events.append(event)
            await asyncio.Event().wait()

        gateway.invoker.function = function
        answer = await gateway.read()
        await asyncio.sleep(1)
        with pytest.raises(ValidationError) as refused:
            await gateway.write(events[0], b"late")
        assert refused.value.text == EXPIRED
        return answer

    answer, _ = flow(None, test, record=replace(FUNCTION, timeout_seconds=60))
    assert answer.code == "LambdaTimeout"


@pytest.mark.parametrize(
    ("refusal", "status", "code"),
    [
        (ResourceNotFoundException("function f"), 404, "LambdaNotFound"),
        (AccessDeniedException(), 403, "LambdaPermissionError"),
        (TooManyRequestsException("queue of 100"), 503, "SlowDown"),
        (InvalidRuntimeException("/opt/python is gone"), 400, "LambdaInvocationFailed"),
        (ServiceException("traceback"), 400, "LambdaInvocationFailed"),
    ],
)
def test_a_function_that_cannot_be_invoked_has_its_code_and_nothing_internal(refusal, status, code):
    async def test(gateway):
        gateway.invoker.refuse_with = refusal
        return await gateway.read()

    answer, gateway = flow(silent, test)
    assert (answer.status, answer.code) == (status, code)
    assert refusal.text not in answer.error.text
    assert answer.error.retry_after_seconds == (1 if code == "SlowDown" else None)
    assert gateway.outcome() == code


def test_no_environment_before_the_deadline_is_a_timeout():
    async def test(gateway):
        gateway.invoker.held = asyncio.Event()
        return await gateway.read()

    answer, gateway = flow(silent, test)
    assert (answer.code, answer.seconds) == ("LambdaTimeout", pytest.approx(60))
    assert gateway.invoker.runs == []


def test_an_event_over_lambdas_limit_is_an_invocation_that_failed():
    configured = configuration(
        TransformationConfigurations=[
            {
                "Actions": ["GetObject"],
                "ContentTransformation": {
                    "AwsLambda": {"FunctionArn": FUNCTION.arn, "FunctionPayload": "x" * (6 << 20)}
                },
            }
        ]
    )
    answer, gateway = flow(silent, call=read_call(configuration=configured))
    assert (answer.status, answer.code) == (400, "LambdaInvocationFailed")
    assert gateway.invoker.runs == []


# Refused before anything is invoked


def function_arn(arn):
    return configuration(
        TransformationConfigurations=[
            {"Actions": ["GetObject"], "ContentTransformation": {"AwsLambda": {"FunctionArn": arn}}}
        ]
    )


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"params": {"Key": "k", "Range": "bytes=0-1"}}, 501, "NotImplemented"),
        ({"params": {"Key": "k", "PartNumber": 1}}, 501, "NotImplemented"),
        ({"request": request("/k?Range=bytes%3D0-1")}, 501, "NotImplemented"),
        ({"operation": "HeadObject"}, 404, "NoTransformationDefined"),
        ({"request": request(x_amz_server_side_encryption_customer_key="k")}, 400, "InvalidRequest"),
        ({"configuration": function_arn("gone")}, 404, "LambdaNotFound"),
        ({"configuration": function_arn(FUNCTION.arn + ":PROD")}, 404, "LambdaNotFound"),
        (
            {"configuration": function_arn("arn:aws:lambda:us-east-1:999999999999:function:upper")},
            403,
            "LambdaPermissionError",
        ),
    ],
)
def test_T121_T122_T132_what_can_be_refused_early_never_reaches_a_function(changes, status, code):
    answer, gateway = flow(silent, call=read_call(**changes))
    assert (answer.status, answer.code) == (status, code)
    assert gateway.invoker.runs == []


def test_the_refusal_of_a_range_has_awss_words():
    answer, _ = flow(silent, call=read_call(params={"Key": "k", "Range": "bytes=0-1"}))
    assert answer.error.text == "Operation Not Implemented."


def test_T121_an_allowed_range_is_the_functions_own_business():
    async def function(gateway, event):
        assert "ange" not in event["getObjectContext"]["inputS3Url"]
        await gateway.write(event, event["userRequest"]["headers"]["Range"].encode())

    ranged = read_call(
        params={"Key": "k", "Range": "bytes=0-1", "PartNumber": 1},
        request=request("/k?partNumber=1", Range="bytes=0-1"),
        configuration=configuration(AllowedFeatures=["GetObject-Range", "GetObject-PartNumber"]),
    )
    answer, _ = flow(function, call=ranged)
    assert answer.content == b"bytes=0-1"


def test_latest_is_the_function():
    async def function(gateway, event):
        await gateway.write(event, b"x")

    answer, _ = flow(function, call=read_call(configuration=function_arn("upper:$LATEST")))
    assert answer.status == 200


# Wrong writes


BROKEN = [
    {"StatusCode": 201},
    {"ErrorCode": "Nope"},
    {"StatusCode": 403, "ErrorCode": "Nope"},  # with a body
    {"StatusCode": 304},
    {"ETag": "a\r\nb"},
    {"ChecksumCRC32": "aaaaaa==", "ChecksumSHA1": "b"},
]


@pytest.mark.parametrize("params", BROKEN)
def test_T060_T062_a_refused_write_and_nothing_after_it_is_an_invalid_response(params):
    told = []

    async def function(gateway, event):
        try:
            await gateway.write(event, b"body", **params)
        except ValidationError as error:
            told.append(error)

    answer, gateway = flow(function)
    assert len(told) == 1
    assert (answer.status, answer.code) == (400, "LambdaInvalidResponse")
    assert gateway.outcome() == "LambdaInvalidResponse"


def test_a_function_that_fails_of_its_refused_write_gave_an_invalid_response():
    async def function(gateway, event):
        await gateway.write(event, b"body", StatusCode=201)  # boto3 raises on the 400

    answer, _ = flow(function)
    assert answer.code == "LambdaInvalidResponse"


@pytest.mark.parametrize("params", BROKEN)
def test_a_valid_write_after_a_refused_one_is_served(params):
    async def function(gateway, event):
        with pytest.raises(ValidationError):
            await gateway.write(event, b"body", **params)
        await gateway.write(event, b"right")

    answer, _ = flow(function)
    assert (answer.status, answer.content) == (200, b"right")


def test_T101_a_second_write_after_success_is_refused_and_the_caller_unharmed():
    async def function(gateway, event):
        await gateway.write(event, b"first")
        with pytest.raises(ValidationError) as refused:
            await gateway.write(event, b"second")
        assert "used" in refused.value.text

    answer, gateway = flow(function)
    assert answer.content == b"first"
    assert gateway.invoker.runs[0].finished.result().payload == b"null"


def test_T101_a_second_write_while_the_first_streams_is_refused():
    async def function(gateway, event):
        body = FedBody()
        async with asyncio.TaskGroup() as group:
            group.create_task(gateway.write(event, body))
            await asyncio.sleep(1)
            with pytest.raises(ValidationError) as refused:
                await gateway.write(event, b"second")
            assert refused.value.text == USED
            body.feed(b"first").end()

    answer, _ = flow(function)
    assert answer.content == b"first"


def test_T101_64_writes_at_the_same_instant_make_one_answer():
    async def function(gateway, event):
        async def attempt(number):
            try:
                await gateway.write(event, b"%d" % number)
            except ValidationError:
                return False
            return True

        async with asyncio.TaskGroup() as group:
            attempts = [group.create_task(attempt(number)) for number in range(64)]
        return sum(one.result() for one in attempts)

    answer, gateway = flow(function)
    assert answer.content == b"0"
    assert gateway.invoker.runs[0].finished.result().payload == b"1"


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"RequestToken": "AAAA"}, UNKNOWN),
        ({"RequestRoute": "io-other"}, UNKNOWN),
        ({"host_route": "io-other"}, UNKNOWN),
        ({"principal": replace(WRITER, account_id="999999999999")}, UNKNOWN),
    ],
)
def test_T100_T102_T103_a_foreign_token_or_route_is_unknown_and_harms_nobody(change, refusal):
    async def function(gateway, event):
        with pytest.raises(ValidationError) as refused:
            await gateway.write(event, b"stolen", **change)
        assert refused.value.text == refusal
        await gateway.write(event, b"mine", host_route=ROUTE)

    answer, _ = flow(function)
    assert answer.content == b"mine"


def test_T103_the_routes_and_tokens_of_two_requests_do_not_mix():
    async def test(gateway):
        both = asyncio.Barrier(2)

        async def function(event):
            await both.wait()
            await gateway.write(event, event["xAmzRequestId"].encode())

        gateway.invoker.function = function
        async with asyncio.TaskGroup() as group:
            reads = [group.create_task(gateway.read(read_call(request_id=name))) for name in ("a", "b")]
        return [read.result().content for read in reads]

    assert flow(None, test)[0] == [b"a", b"b"]


def test_T141_the_credentials_of_another_function_are_refused():
    other = FunctionSession(function_arn=FUNCTION.arn + "2", environment_id="e2")

    async def function(gateway, event):
        with pytest.raises(AccessDenied):
            await gateway.write(event, b"stolen", principal=replace(WRITER, function_session=other))
        await gateway.write(event, b"mine")

    answer, _ = flow(function)
    assert answer.content == b"mine"


def test_any_identity_of_the_account_may_answer():
    async def function(gateway, event):
        await gateway.write(event, b"x", principal=replace(WRITER, function_session=None))

    answer, _ = flow(function)
    assert answer.content == b"x"


# Bytes that are wrong


def test_T107_a_short_body_cuts_the_caller_and_the_writer_is_told():
    async def function(gateway, event):
        with pytest.raises(ServiceError) as told:
            await gateway.write(event, FedBody(10).feed(b"hello").break_off())
        return told.value.code

    answer, gateway = flow(function)
    assert (answer.status, answer.content, answer.length_bytes) == (200, b"hello", 10)
    assert answer.cut is not None
    assert gateway.outcome() == "IncompleteBody"
    assert gateway.invoker.runs[0].abandoned


def test_a_body_that_breaks_before_its_head_is_used_leaves_the_token_open():
    async def function(gateway, event):
        with pytest.raises(ServiceError):
            await gateway.write(event, FedBody().break_off(), StatusCode=404)
        await gateway.write(event, b"again")

    answer, _ = flow(function)
    assert answer.content == b"again"


def test_a_body_that_breaks_before_its_head_is_used_and_nothing_after_it():
    async def function(gateway, event):
        await gateway.write(event, FedBody().break_off(), StatusCode=404)

    answer, _ = flow(function)
    assert (answer.status, answer.code) == (400, "ConnectionClosedByRequester")


def test_a_body_that_never_begins_where_it_must_be_known_ends_with_the_deadline():
    async def test(gateway):
        told = []
        async with asyncio.TaskGroup() as group:

            async def write(event):
                try:
                    await gateway.write(event, FedBody(), StatusCode=404)
                except ValidationError as error:
                    told.append(error.text)

            async def function(event):
                group.create_task(write(event))
                await asyncio.Event().wait()

            gateway.invoker.function = function
            answer = await gateway.read()
        return answer, told

    (answer, told), _ = flow(None, test, record=replace(FUNCTION, timeout_seconds=900))
    assert (answer.code, told) == ("LambdaTimeout", [EXPIRED])


ENABLED = read_call(params={"Key": "key", "ChecksumMode": "ENABLED"})


@pytest.mark.parametrize("length", [5, None])
def test_T109_a_right_checksum_passes(length):
    async def function(gateway, event):
        await gateway.write(event, FedBody(length).feed(b"hello").end(), ChecksumCRC32=crc32(b"hello"))

    answer, _ = flow(function, call=ENABLED)
    assert (answer.content, answer.cut, answer.members["ChecksumCRC32"]) == (b"hello", None, crc32(b"hello"))


@pytest.mark.parametrize("length", [5, None])
def test_T109_a_wrong_checksum_cuts_the_caller(length):
    told = []

    async def function(gateway, event):
        try:
            await gateway.write(event, FedBody(length).feed(b"hello").end(), ChecksumCRC32=crc32(b"x"))
        except ServiceError as error:
            told.append(error.code)
            raise

    answer, gateway = flow(function, call=ENABLED)
    assert answer.cut is not None
    assert length is None or answer.content == b""
    assert gateway.outcome() == "BadDigest"


def test_T109_a_wrong_checksum_of_nothing_is_an_invalid_response():
    async def function(gateway, event):
        await gateway.write(event, b"", ChecksumCRC32=crc32(b"x"))

    answer, _ = flow(function, call=ENABLED)
    assert (answer.status, answer.code) == (400, "LambdaInvalidResponse")


def test_a_checksum_nobody_asked_for_is_passed_on_unverified():
    async def function(gateway, event):
        await gateway.write(event, b"hello", ChecksumCRC32=crc32(b"x"))

    answer, _ = flow(function)
    assert (answer.content, answer.members["ChecksumCRC32"]) == (b"hello", crc32(b"x"))


# Somebody leaves


async def left(task):
    """The server's way of telling a handler that its caller is gone."""
    task.cancel()
    await asyncio.wait([task])


def test_T114_a_caller_that_leaves_in_the_queue_gives_its_place_up():
    async def test(gateway):
        gateway.invoker.held = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            caller = group.create_task(gateway.read())
            await asyncio.sleep(1)
            await left(caller)

    _, gateway = flow(silent, test)
    assert gateway.invoker.runs == []
    assert gateway.outcome() == "caller_left"


def test_T114_a_caller_that_leaves_while_the_function_runs_abandons_the_run():
    async def test(gateway):
        async with asyncio.TaskGroup() as group:
            caller = group.create_task(gateway.read())
            await asyncio.sleep(1)
            await left(caller)
        assert gateway.invoker.runs[0].abandoned

    _, gateway = flow(hangs, test)
    assert gateway.outcome() == "caller_left"


def test_T105_a_write_after_the_caller_left_is_refused():
    async def test(gateway):
        events = []

        async def function(event):
            events.append(event)
            await asyncio.Event().wait()

        gateway.invoker.function = function
        async with asyncio.TaskGroup() as group:
            caller = group.create_task(gateway.read())
            await asyncio.sleep(1)
            await left(caller)
        with pytest.raises(ValidationError) as refused:
            await gateway.write(events[0], b"late")
        assert refused.value.text == ENDED

    flow(None, test)


@pytest.mark.parametrize("leave_after", [1, 2])
def test_T114_a_caller_that_leaves_mid_body_is_told_to_the_writer_at_once(leave_after):
    async def test(gateway):
        told = []

        async def function(event):
            body = FedBody().feed(b"one")
            async with asyncio.TaskGroup() as group:

                async def attempt():
                    try:
                        await gateway.write(event, body)
                    except ConnectionClosedByRequester as error:
                        told.append((error.status, asyncio.get_running_loop().time()))

                group.create_task(attempt())
                await asyncio.sleep(1)
                body.feed(b"two")

        gateway.invoker.function = function
        answer = await gateway.read(leave_after=leave_after)
        await asyncio.sleep(0.5)
        return answer, told

    (answer, told), gateway = flow(None, test)
    assert isinstance(answer.cut, asyncio.CancelledError)
    assert len(answer.chunks) == leave_after
    assert gateway.invoker.runs[0].abandoned
    assert gateway.outcome() == "caller_left"
    assert [status for status, _ in told] in ([400], [])  # the fake kills an abandoned run at once


def test_T112_a_function_that_dies_mid_body_cuts_the_caller():
    async def test(gateway):
        async with asyncio.TaskGroup() as group:

            async def function(event):
                body = FedBody(10).feed(b"half")
                connection = group.create_task(gateway.write(event, body))
                await asyncio.sleep(1)
                await left(connection)  # the process is gone, and its connection with it
                raise ValueError("killed")

            gateway.invoker.function = function
            return await gateway.read()

    answer, gateway = flow(None, test)
    assert (answer.status, answer.content) == (200, b"half")
    assert answer.cut is not None
    assert answer.seconds == pytest.approx(1)
    assert gateway.outcome() == "ResponseInterrupted"


def test_T113_a_function_that_hangs_mid_body_is_cut_at_the_deadline():
    async def test(gateway):
        told = []
        async with asyncio.TaskGroup() as group:

            async def write(event, body):
                try:
                    await gateway.write(event, body)
                except ValidationError as error:
                    told.append(error.text)

            async def function(event):
                group.create_task(write(event, FedBody(10).feed(b"half")))
                await asyncio.Event().wait()

            gateway.invoker.function = function
            answer = await gateway.read()
        return answer, told

    (answer, told), gateway = flow(None, test, record=replace(FUNCTION, timeout_seconds=900))
    assert (answer.content, answer.seconds) == (b"half", pytest.approx(60))
    assert answer.cut is not None
    assert told == [EXPIRED]
    assert gateway.outcome() == "LambdaTimeout"


def test_a_caller_that_leaves_between_the_claim_and_the_head_is_told_to_the_writer():
    async def test(gateway):
        async with asyncio.TaskGroup() as group:
            caller = None

            async def function(event):
                caller.cancel()
                with pytest.raises(ServiceError) as told:
                    await gateway.write(event, b"x")
                assert told.value.status == 400

            gateway.invoker.function = function
            caller = group.create_task(gateway.read())
            await asyncio.wait([caller])

    _, gateway = flow(None, test)
    assert gateway.outcome() == "caller_left"


def test_R025_in_2000_requests_at_once_no_answer_goes_to_another_caller():
    async def test(gateway):
        async def function(event):
            await gateway.write(event, event["xAmzRequestId"].encode() * 3)

        gateway.invoker.function = function
        names = itertools.count()

        async def client():
            for _ in range(50):
                name = f"request-{next(names)}"
                leaves = hash(name) % 7 == 0
                answer = await gateway.read(read_call(request_id=name), leave_after=1 if leaves else None)
                assert answer.content == name.encode() * 3

        async with asyncio.TaskGroup() as group:
            for _ in range(40):
                group.create_task(client())

    flow(None, test)


def test_stages_are_measured():
    async def function(gateway, event):
        await asyncio.sleep(2)
        await gateway.write(event, b"x")

    _, gateway = flow(function)
    sums = {
        sample.labels["stage"]: sample.value
        for metric in gateway.metrics.stage_seconds.collect()
        for sample in metric.samples
        if sample.name.endswith("_sum")
    }
    assert sums == {"queue": 0, "run": 2, "first_byte": 2, "total": 2}


# HEAD and the lists


def transforming(action, **params):
    configured = configuration(
        TransformationConfigurations=[
            {"Actions": [action], "ContentTransformation": {"AwsLambda": {"FunctionArn": FUNCTION.arn}}}
        ]
    )
    return read_call(operation=action, params=params, configuration=configured)


async def transformed(gateway, call):
    """A HEAD's or a list's answer, or the error it is refused with."""
    try:
        async with AsyncExitStack() as scope:
            return await gateway.transformation.transform(call, scope)
    except ServiceError as error:
        return error


def returned_flow(function, call, **arguments):
    return flow(function, lambda gateway: transformed(gateway, call), **arguments)


def test_a_head_is_made_of_what_the_function_returns():
    async def function(gateway, event):
        assert set(event["headObjectContext"]) == {"inputS3Url"}
        assert "getObjectContext" not in event
        return {"statusCode": 200, "headers": {"Content-Length": 5}}

    answer, gateway = returned_flow(function, transforming("HeadObject", Key="key"))
    assert (answer.status, dict(answer.headers)["Content-Length"]) == (200, "5")
    assert gateway.outcome() == "delivered"


@pytest.mark.parametrize(
    ("action", "context"), [("ListObjects", "listObjectsContext"), ("ListObjectsV2", "listObjectsV2Context")]
)
def test_a_list_is_made_of_what_the_function_returns(action, context):
    async def function(gateway, event):
        return {"statusCode": 200, "listResultXml": event[context]["inputS3Url"]}

    call = replace(transforming(action), request=request("/my-olap.olap?prefix=a", Range="bytes=0-1"))
    answer, _ = returned_flow(function, call)
    assert b"prefix=a" in answer.body


@pytest.mark.parametrize(
    ("function", "status", "code", "outcome"),
    [
        (silent, 400, "LambdaInvalidResponse", "LambdaInvalidResponse"),
        (raises, 500, "LambdaRuntimeError", "LambdaRuntimeError"),
        (hangs, 500, "LambdaTimeout", "LambdaTimeout"),
    ],
)
def test_T120_a_head_without_a_usable_answer_has_its_code(function, status, code, outcome):
    answer, gateway = returned_flow(
        function, transforming("HeadObject", Key="k"), record=replace(FUNCTION, timeout_seconds=900)
    )
    assert (answer.status, answer.code, gateway.outcome()) == (status, code, outcome)


def test_a_run_that_outlives_the_deadline_of_a_head_is_abandoned():
    async def test(gateway):
        async def stubborn(event):
            while asyncio.get_running_loop().time() < 100:
                try:
                    await asyncio.sleep(200)
                except asyncio.CancelledError:
                    continue

        gateway.invoker.function = stubborn
        answer = await transformed(gateway, transforming("HeadObject", Key="k"))
        return answer, gateway.invoker.runs[0].abandoned

    (answer, abandoned), _ = flow(None, test, record=replace(FUNCTION, timeout_seconds=900))
    assert (answer.code, abandoned) == ("LambdaTimeout", True)


def test_the_functions_own_refusal_of_a_head_abandons_nothing():
    async def function(gateway, event):
        return {"statusCode": 403, "errorCode": "Nope", "errorMessage": "no"}

    answer, gateway = returned_flow(function, transforming("HeadObject", Key="k"))
    assert (answer.status, answer.code, gateway.outcome()) == (403, "Nope", "reported_error")


def test_T114_a_caller_that_leaves_a_head_abandons_the_run():
    async def test(gateway):
        async with asyncio.TaskGroup() as group:
            caller = group.create_task(transformed(gateway, transforming("HeadObject", Key="k")))
            await asyncio.sleep(1)
            await left(caller)
        assert gateway.invoker.runs[0].abandoned

    _, gateway = flow(hangs, test)
    assert gateway.outcome() == "caller_left"


def test_T121_a_ranged_head_needs_its_feature():
    answer, gateway = returned_flow(silent, transforming("HeadObject", Key="k", Range="bytes=0-1"))
    assert (answer.status, gateway.invoker.runs) == (501, [])
