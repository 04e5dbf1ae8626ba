"""Environment variables: AWS's reserved names, and the whole set a process gets."""

from datetime import UTC, datetime

import pytest

from onread.errors import InvalidParameterValueException
from onread.functions.variables import RESERVED, Surroundings, build_environment, check_environment_variables
from onread.metadata.records import Function

GIVEN = Surroundings(
    runtime_api="127.0.0.1:1",
    task_root="/code",
    runtime_directory="/runtime",
    work_directory="/work",
    endpoint="http://127.0.0.1:2",
    access_key_id="AK",
    secret_access_key="SK",
    session_token="T",
    log_stream="s",
)


def build(**variables: str) -> dict[str, str]:
    function = Function(
        account_id="000000000000",
        region="eu-west-1",
        name="f",
        runtime="python3.12",
        handler="app.handler",
        role="r",
        code_sha256="0" * 64,
        code_size_bytes=1,
        modified_at=datetime(2030, 1, 1, tzinfo=UTC),
        revision_id="1",
        environment=variables,
    )
    return build_environment(function, GIVEN)


@pytest.mark.parametrize(
    "name",
    [*sorted(RESERVED), "LD_PRELOAD", "LD_AUDIT", "PYTHONHOME", "PYTHONSTARTUP", "NODE_OPTIONS", "_HANDLER",
     "_X_AMZN_TRACE_ID"],
)  # fmt: skip
def test_T166_a_reserved_name_is_refused(name):
    with pytest.raises(InvalidParameterValueException, match=name):
        check_environment_variables({name: "x"})


@pytest.mark.parametrize("name", ["", "A", "1A", "A=B", "A\0B", "A-B", "Ä1", "A B", "AB\n"])
def test_T166_a_malformed_name_is_refused(name):
    with pytest.raises(InvalidParameterValueException):
        check_environment_variables({name: "x"})


@pytest.mark.parametrize("value", ["x\0", "\ud800"])
def test_T166_a_value_that_no_environment_can_hold_is_refused(value):
    with pytest.raises(InvalidParameterValueException, match="AB holds a character"):
        check_environment_variables({"AB": value})


def test_names_that_aws_allows_are_allowed():
    check_environment_variables(
        {"PATH": "/x", "PYTHONPATH": "lib", "TZ": "UTC", "LD_LIBRARY_PATH": "/x", "STAGE": ""}
    )


def test_four_kibibytes_pass_and_one_byte_more_is_refused():
    check_environment_variables({"AB": "x" * (4096 - 9)})
    with pytest.raises(InvalidParameterValueException, match="4KB"):
        check_environment_variables({"AB": "x" * (4096 - 8)})


def test_users_beat_defaults_and_reserved_names_beat_users():
    built = build(TZ="Europe/Berlin", AWS_REGION="mars", STAGE="test")
    assert built["TZ"] == "Europe/Berlin"
    assert built["STAGE"] == "test"
    assert built["AWS_REGION"] == built["AWS_DEFAULT_REGION"] == "eu-west-1"


def test_the_process_finds_its_gateway_and_its_own_home():
    built = build()
    assert built["AWS_ENDPOINT_URL_S3"] == "http://127.0.0.1:2"
    assert built["AWS_DISABLE_HOST_PREFIX_INJECTION"] == "true"
    assert built["BOTO_DISABLE_CRT"] == "true"
    assert built["HOME"] == built["TMPDIR"] == "/work"
    assert built["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.12"
    assert built["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "128"
