"""`onread.wire.checksums`: known answers, any split, multipart values."""

import base64
import hashlib
import json
from pathlib import Path

import botocore.session
import pytest
from botocore.httpchecksum import Crc32Checksum, Sha256Checksum
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.checksums import base64_value

from onread.errors import InvalidDigest, InvalidRequest
from onread.wire.checksums import (
    ALGORITHMS,
    BY_HEADER,
    composite_value,
    decode_value,
    find_algorithm,
    full_object_value,
    multipart_etag,
    new_checksum,
)

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "checksums.json").read_text())
CRCS = ["CRC32", "CRC32C", "CRC64NVME"]
parts_of_bytes = st.lists(st.binary(max_size=40), max_size=5)


def value_of(algorithm, *parts):
    checksum = new_checksum(algorithm)
    for part in parts:
        checksum.update(part)
    return checksum.value()


@pytest.mark.parametrize("name", VECTORS["hex"])
def test_known_answers(name):
    expected = base64.b64encode(bytes.fromhex(VECTORS["hex"][name])).decode()
    assert value_of(name, VECTORS["input"].encode()) == expected


def test_every_algorithm_of_the_model_is_there():
    model = botocore.session.get_session().get_service_model("s3")
    assert set(model.shape_for("ChecksumAlgorithm").enum) <= set(ALGORITHMS)
    output = model.shape_for("GetObjectOutput").members
    for algorithm in ALGORITHMS.values():
        assert output[algorithm.member].serialization["name"].lower() == algorithm.header
        assert BY_HEADER[algorithm.header] is algorithm


@pytest.mark.parametrize("name", ALGORITHMS)
@given(parts_of_bytes)
def test_any_split_gives_the_same_value(name, parts):
    whole = value_of(name, b"".join(parts))
    assert value_of(name, *parts) == whole
    assert value_of(name, *map(memoryview, parts)) == whole
    assert value_of(name, *map(bytearray, parts)) == whole
    assert len(decode_value(ALGORITHMS[name], whole)) == ALGORITHMS[name].size_bytes


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_value_may_be_asked_for_twice(name):
    checksum = new_checksum(name)
    checksum.update(b"x")
    assert checksum.value() == checksum.value()


@pytest.mark.parametrize("name", ALGORITHMS)
@given(st.binary(max_size=300))
def test_other_libraries_have_the_same_values(name, data):
    assert value_of(name, data) == base64_value(name, data)


@given(st.binary(max_size=100))
def test_botocore_has_the_same_values(data):
    assert value_of("CRC32", data) == Crc32Checksum().handle(data)
    assert value_of("SHA256", data) == Sha256Checksum().handle(data)


def test_names_are_read_in_any_letter_case():
    assert find_algorithm("crc64nvme") is ALGORITHMS["CRC64NVME"]
    with pytest.raises(InvalidRequest, match="CRC32, CRC32C"):
        new_checksum("ADLER32")


@pytest.mark.parametrize(
    "value", ["", "AAAA", "AAAAAA", "AAAAAA==\n", "!!!!!!==", "AAAAAAA=", "ÄAAAAA==", "AAAAAA==-2"]
)
def test_a_value_that_is_no_digest_is_refused(value):
    with pytest.raises(InvalidRequest, match="Value for x-amz-checksum-crc32 header is invalid"):
        decode_value(ALGORITHMS["CRC32"], value)
    with pytest.raises(InvalidDigest, match="The Content-MD5 you specified was invalid"):
        decode_value(find_algorithm("MD5"), value)


@pytest.mark.parametrize("name", CRCS)
@given(parts_of_bytes)
def test_crcs_of_parts_combine_to_the_crc_of_the_object(name, parts):
    pairs = [(value_of(name, part), len(part)) for part in parts]
    assert full_object_value(ALGORITHMS[name], pairs) == value_of(name, *parts)


@pytest.mark.parametrize("name", sorted(set(ALGORITHMS) - set(CRCS)))
def test_hashes_do_not_combine(name):
    with pytest.raises(InvalidRequest, match="FULL_OBJECT"):
        full_object_value(ALGORITHMS[name], [])


@pytest.mark.parametrize("name", sorted(set(ALGORITHMS) - {"CRC64NVME"}))
def test_a_composite_value_is_the_checksum_of_the_digests(name):
    parts = [value_of(name, b"one"), value_of(name, b"two")]
    expected = value_of(name, *(base64.b64decode(part) for part in parts))
    assert composite_value(ALGORITHMS[name], parts) == f"{expected}-2"
    assert ALGORITHMS[name].composite


def test_crc64nvme_is_full_object_only():
    assert not ALGORITHMS["CRC64NVME"].composite


def test_a_multipart_entity_tag_is_the_md5_of_the_digests():
    digests = [hashlib.md5(part).digest() for part in (b"one", b"two")]
    assert multipart_etag(digests) == hashlib.md5(b"".join(digests)).hexdigest() + "-2"
