import sys
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.processor import least_seconds

from onread.errors import MalformedXML
from onread.protocol.model import load_services
from onread.protocol.parse import parse_body
from onread.protocol.serialize_xml import write_document

_SERVICES = load_services()
# A tenth of a second on an idle machine; a busy one and a coverage run are slower.
_SOON_SECONDS = 0.1 if sys.gettrace() is None else 3
_S3 = "http://s3.amazonaws.com/doc/2006-03-01/"
_OBJECT = "<Object><Key>a</Key></Object>"


def _delete(content: str | bytes) -> Any:
    body = content if isinstance(content, bytes) else content.encode()
    return parse_body(_SERVICES.operation("s3", "DeleteObjects"), body)


@pytest.mark.parametrize(
    "root",
    [
        "<Delete>",
        f'<Delete xmlns="{_S3}">',
        f'<x:Delete xmlns:x="{_S3}">',
        '<Delete xmlns="http://doc.s3.amazonaws.com/2006-03-01">',
    ],
)
def test_elements_are_known_by_their_local_name(root: str) -> None:
    closing = "</x:Delete>" if root.startswith("<x:") else "</Delete>"
    assert _delete(f"{root}{_OBJECT}<Quiet>TRUE</Quiet>{closing}") == {
        "Delete": {"Objects": [{"Key": "a"}], "Quiet": True}
    }


def test_space_belongs_to_a_key_and_not_to_a_boolean() -> None:
    parsed = _delete("<Delete>\n <Object><Key> a\n</Key></Object>\n <Quiet> true\n</Quiet></Delete>")
    assert parsed == {"Delete": {"Objects": [{"Key": " a\n"}], "Quiet": True}}


def test_elements_that_the_model_does_not_know_are_ignored() -> None:
    assert _delete(f"<Delete><New><Deep>1</Deep></New>{_OBJECT}</Delete>")["Delete"]["Objects"] == [
        {"Key": "a"}
    ]


@pytest.mark.parametrize(
    "document",
    [
        "",
        " \n",
        "<Delete></Delete>",
        "<Delete><Object></Object></Delete>",
        f"<Other>{_OBJECT}</Other>",
        f"<Delete>{_OBJECT}<Quiet>maybe</Quiet></Delete>",
        f"<Delete>{_OBJECT}<Quiet>true</Quiet><Quiet>false</Quiet></Delete>",
        "<Delete><Object><Key>a<b/></Key></Object></Delete>",
        f"<Delete>{_OBJECT}",
        f"<Delete>{_OBJECT}</Delete>rest",
        "not xml",
        "<!-- nothing -->",
    ],
)
def test_a_document_that_is_not_what_the_model_asks_for_is_refused(document: str) -> None:
    with pytest.raises(MalformedXML):
        _delete(document)


def test_a_text_of_two_mebibytes_is_read_in_linear_time() -> None:
    content = _with_key("&lt;a" * 400_000).encode()
    assert len(_delete(content)["Delete"]["Objects"][0]["Key"]) == 800_000
    assert least_seconds(lambda: _delete(content)) < _SOON_SECONDS


def test_the_kind_of_a_grantee_is_an_attribute_and_may_be_missing() -> None:
    operation = _SERVICES.operation("s3", "PutBucketAcl")
    namespace = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    for attribute, read in (('xsi:type="Group"', {"Type": "Group"}), ('other="Group"', {})):
        grantee = f"<Grantee {namespace} {attribute}><URI>u</URI></Grantee>"
        grant = f"<AccessControlList><Grant>{grantee}</Grant></AccessControlList>"
        try:
            parsed = parse_body(operation, f"<AccessControlPolicy>{grant}</AccessControlPolicy>".encode())
        except MalformedXML:
            assert read == {}  # the model requires it
        else:
            assert parsed["AccessControlPolicy"]["Grants"] == [{"Grantee": {"URI": "u", **read}}]


def test_an_entry_of_a_map_has_a_key_and_a_value() -> None:
    operation = _SERVICES.operation("s3control", "CreateJob")
    arguments = "<UserArguments><entry><key>a</key></entry></UserArguments>"
    lambda_invoke = f"<Operation><LambdaInvoke>{arguments}</LambdaInvoke></Operation>"
    with pytest.raises(MalformedXML, match="needs key and value"):
        parse_body(operation, f"<CreateJobRequest>{lambda_invoke}</CreateJobRequest>".encode())


def test_an_operation_may_do_without_its_document() -> None:
    assert parse_body(_SERVICES.operation("s3", "CreateBucket"), b"") == {}


def test_an_operation_without_document_reads_none() -> None:
    assert parse_body(_SERVICES.operation("s3", "GetObject"), b"<not xml") == {}


def test_a_policy_is_the_whole_body() -> None:
    assert parse_body(_SERVICES.operation("s3", "PutBucketPolicy"), b'{"a": 1}') == {"Policy": '{"a": 1}'}
    with pytest.raises(MalformedXML):
        parse_body(_SERVICES.operation("s3", "PutBucketPolicy"), b"\xff")


def test_a_configuration_reads_as_the_model_says() -> None:
    document = b"""<?xml version="1.0" encoding="UTF-8"?>
    <CreateAccessPointForObjectLambdaRequest xmlns="http://awss3control.amazonaws.com/doc/2018-08-20/">
      <Configuration>
        <SupportingAccessPoint>arn:aws:s3:us-east-1:111122223333:accesspoint/my-ap</SupportingAccessPoint>
        <AllowedFeatures><AllowedFeature>GetObject-Range</AllowedFeature></AllowedFeatures>
        <TransformationConfigurations><TransformationConfiguration>
          <Actions><Action>GetObject</Action><Action>HeadObject</Action></Actions>
          <ContentTransformation><AwsLambda><FunctionArn>arn</FunctionArn>
            <FunctionPayload>{"a":1}</FunctionPayload></AwsLambda></ContentTransformation>
        </TransformationConfiguration></TransformationConfigurations>
      </Configuration>
    </CreateAccessPointForObjectLambdaRequest>"""
    assert parse_body(_SERVICES.operation("s3control", "CreateAccessPointForObjectLambda"), document) == {
        "Configuration": {
            "SupportingAccessPoint": "arn:aws:s3:us-east-1:111122223333:accesspoint/my-ap",
            "AllowedFeatures": ["GetObject-Range"],
            "TransformationConfigurations": [
                {
                    "Actions": ["GetObject", "HeadObject"],
                    "ContentTransformation": {
                        "AwsLambda": {"FunctionArn": "arn", "FunctionPayload": '{"a":1}'}
                    },
                }
            ],
        }
    }


def _with_key(key: str) -> str:
    return f"<Delete><Object><Key>{key}</Key></Object></Delete>"


_LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
_HOSTILE = {
    "billion laughs": f'<!DOCTYPE d [<!ENTITY l0 "ha">{_LAUGHS}]>{_with_key("&l9;")}',
    "quadratic": f'<!DOCTYPE d [<!ENTITY a "{"a" * 60_000}">]>{_with_key("&a;" * 20_000)}',
    "file": '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&x;</Key></Object></Delete>',
    "http": '<!DOCTYPE d [<!ENTITY x SYSTEM "http://127.0.0.1:1/">]><Delete><Object><Key>&x;</Key></Object></Delete>',
    "parameter entity": '<!DOCTYPE d [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]><Delete/>',
    "external DTD": f'<!DOCTYPE d SYSTEM "file:///etc/passwd"><Delete>{_OBJECT}</Delete>',
    "bare DTD": f"<!DOCTYPE Delete><Delete>{_OBJECT}</Delete>",
    "undeclared entity": "<Delete><Object><Key>&x;</Key></Object></Delete>",
    "200,000 deep": "<Delete>" + "<a>" * 200_000 + "</a>" * 200_000 + "</Delete>",
    "33 deep": "<Delete>" + "<a>" * 32 + "</a>" * 32 + _OBJECT + "</Delete>",
    "a million elements": "<Delete>" + "<a/>" * 1_000_000 + "</Delete>",
    "UTF-16 declaration": f'<?xml version="1.0" encoding="UTF-16"?><Delete>{_OBJECT}</Delete>',
    "UTF-7 declaration": f'<?xml version="1.0" encoding="UTF-7"?><Delete>{_OBJECT}</Delete>',
    "latin-1 declaration": f'<?xml version="1.0" encoding="ISO-8859-1"?><Delete>{_OBJECT}</Delete>',
    "wrong namespace": f'<Delete xmlns="http://example.com/">{_OBJECT}</Delete>',
    "CDATA": "<Delete><Object><Key><![CDATA[a]]></Key></Object></Delete>",
    "comment inside a value": "<Delete><Object><Key>a<!-- -->b</Key></Object></Delete>",
    "processing instruction": f'<Delete><?php echo "x"?>{_OBJECT}</Delete>',
    "stylesheet": f'<?xml-stylesheet href="http://127.0.0.1:1/"?><Delete>{_OBJECT}</Delete>',
    "null character": "<Delete><Object><Key>&#0;</Key></Object></Delete>",
    "60,000 elements": "<Delete>" + "<a/>" * 60_000 + "</Delete>",
    "as many as may be, and then broken": "<Delete>" + "<a/>" * 11_990 + "</Delete",
    "many attributes": "<Delete " + " ".join(f'a{n}="1"' for n in range(20_000)) + "/>",
}


def _is_refused(content: bytes) -> None:
    with pytest.raises(MalformedXML):
        _delete(content)


@pytest.mark.parametrize("name", _HOSTILE)
def test_T250_hostile_xml_is_refused_soon_and_in_little_memory(name: str) -> None:
    content = _HOSTILE[name].encode()
    assert least_seconds(lambda: _is_refused(content), times=5) < _SOON_SECONDS
    tracemalloc.start()
    try:
        with pytest.raises(MalformedXML):
            _delete(content)
        assert tracemalloc.get_traced_memory()[1] < 16 * 1024 * 1024
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "latin-1"])
def test_T250_other_encodings_are_refused(encoding: str) -> None:
    with pytest.raises(MalformedXML):
        _delete("<Delete><Object><Key>é</Key></Object></Delete>".encode(encoding))


def test_T250_thirty_two_levels_are_enough_for_every_operation_and_are_read() -> None:
    assert _delete("<Delete>" + "<a>" * 31 + "</a>" * 31 + _OBJECT + "</Delete>") == {
        "Delete": {"Objects": [{"Key": "a"}]}
    }


@given(
    st.lists(
        st.text(
            st.one_of(
                st.characters(
                    codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"
                ),
                st.sampled_from("\t\n\r<&>\"'"),
            ),
            min_size=1,
        ),
        min_size=1,
        max_size=5,
    )
)
def test_keys_that_we_write_are_the_keys_that_we_read(keys: list[str]) -> None:
    shape = _SERVICES.operation("s3", "DeleteObjects").input.payload.shape
    written = write_document("Delete", _S3, shape, {"Objects": [{"Key": key} for key in keys]})
    assert [one["Key"] for one in _delete(written)["Delete"]["Objects"]] == keys


@pytest.mark.parametrize(("elements", "accepted"), [(12_000, True), (12_001, True), (12_002, False)])
def test_T250_the_number_of_elements_is_limited(elements: int, accepted: bool) -> None:
    document = "<Delete>" + _OBJECT + "<a/>" * (elements - 3) + "</Delete>"
    for content in (document, '<?xml version="1.0"?>' + document):
        if accepted:
            assert _delete(content)
            continue
        with pytest.raises(MalformedXML, match="too many elements"):
            _delete(content)


def test_ten_thousand_parts_with_two_checksums_are_read() -> None:
    part = "<Part><PartNumber>%d</PartNumber><ETag>e</ETag>%s</Part>"
    checksums = "<ChecksumCRC32>a</ChecksumCRC32><ChecksumSHA1>b</ChecksumSHA1>"
    document = "".join(part % (number, checksums) for number in range(1, 10_001))
    operation = _SERVICES.operation("s3", "CompleteMultipartUpload")
    content = f'<?xml version="1.0"?><CompleteMultipartUpload>{document}</CompleteMultipartUpload>'.encode()
    assert len(parse_body(operation, content)["MultipartUpload"]["Parts"]) == 10_000
