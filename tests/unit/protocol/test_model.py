import pytest

from onread.protocol.model import Services, check_served
from onread.protocol.operations import SERVED


def test_every_service_is_there(services: Services) -> None:
    assert set(services.by_name) == {"s3", "s3control", "lambda", "iam", "sts", "onread"}


def test_every_operation_that_is_served_is_in_the_models(services: Services) -> None:
    for service, names in SERVED.items():
        assert names <= services.service(service).operations.keys()


@pytest.mark.parametrize(
    ("service", "name", "streams_in", "streams_out", "reads"),
    [
        ("s3", "GetObject", False, True, False),
        ("s3", "PutObject", True, False, False),
        ("s3", "WriteGetObjectResponse", True, False, False),
        ("s3", "DeleteObjects", False, False, True),
        ("s3", "PutBucketPolicy", False, False, True),
        ("s3", "ListBuckets", False, False, False),
        ("s3control", "CreateAccessPoint", False, False, True),
        ("s3control", "GetAccessPoint", False, False, False),
        ("lambda", "Invoke", False, False, True),
        ("lambda", "GetFunction", False, False, False),
        ("iam", "ListUsers", False, False, True),
    ],
)
def test_an_operation_says_how_its_bodies_travel(
    services: Services, service: str, name: str, streams_in: bool, streams_out: bool, reads: bool
) -> None:
    operation = services.operation(service, name)
    assert (operation.streaming_input, operation.streaming_output, operation.reads_document) == (
        streams_in,
        streams_out,
        reads,
    )


def test_an_operation_says_which_checksum_it_wants(services: Services) -> None:
    delete_objects = services.operation("s3", "DeleteObjects")
    assert delete_objects.checksum_algorithm_member == "ChecksumAlgorithm"
    assert services.operation("s3", "GetObject").checksum_algorithm_member is None
    assert services.operation("s3", "CompleteMultipartUpload").checksum_algorithm_member is None


def test_long_documents_are_read_only_where_they_are_needed(services: Services) -> None:
    assert services.operation("s3", "DeleteObjects").document_limit_bytes == 2 * 1024 * 1024
    assert services.operation("s3", "CompleteMultipartUpload").document_limit_bytes == 4 * 1024 * 1024
    assert services.operation("s3control", "CreateAccessPoint").document_limit_bytes == 256 * 1024


def test_an_operation_that_no_model_has_is_a_mistake_of_ours(services: Services) -> None:
    with pytest.raises(KeyError):
        services.operation("s3", "Nothing")


def test_a_botocore_that_lacks_an_operation_that_we_answer_is_named_at_the_start() -> None:
    operations = {service: set(names) for service, names in SERVED.items()}
    check_served(operations)
    operations["s3"].remove("WriteGetObjectResponse")
    with pytest.raises(RuntimeError, match="s3 lacks WriteGetObjectResponse"):
        check_served(operations)
