"""Every example runs, through a real gateway, and does what its page says."""

import gzip
import io
import random
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from PIL import Image

pytestmark = [pytest.mark.compat, pytest.mark.slow]

EXAMPLES = Path(__file__).parents[2] / "examples"
SITE_PACKAGES = Path(Image.__file__).parents[1]


def deployed(world, name, *, code=None, payload=None):
    """A bucket with ``body`` in it and an alias through which the example reads it."""
    bucket = world.bucket()
    function = world.function(code or EXAMPLES / name, Handler="app.handler", Timeout=30)
    supporting = world.access_point(bucket)
    return bucket, world.olap_over(supporting, function, payload=payload)[1]


def put(world, bucket, key, body, content_type):
    world.client("s3").put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type)


def test_every_example_has_its_test_and_its_line():
    folders = {file.parent.name for file in EXAMPLES.glob("*/app.py")}
    assert folders == {"uppercase", "redact", "thumbnail", "gzip"}
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert all(f"`{folder}/`" in page for folder in folders)


def test_uppercase(world):
    bucket, alias = deployed(world, "uppercase")
    put(world, bucket, "k", "grüße".encode(), "text/plain; charset=utf-8")
    answer = world.client("s3").get_object(Bucket=alias, Key="k")
    assert answer["Body"].read().decode() == "GRÜSSE"
    assert answer["ContentType"] == "text/plain; charset=utf-8"


def test_redact(world):
    bucket, alias = deployed(world, "redact", payload="[gone]")
    put(world, bucket, "k", b"write to jane.doe@example.com or a+b@c.org.", "text/markdown")
    answer = world.client("s3").get_object(Bucket=alias, Key="k")
    assert answer["Body"].read() == b"write to [gone] or [gone]."
    assert answer["ContentType"] == "text/markdown"


def test_redact_passes_a_refused_read_on(world):
    _, alias = deployed(world, "redact")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(world.presigned(alias, "missing"), timeout=20)
    with refused.value as answer:
        assert answer.code == 404
        assert b"<Code>NoSuchKey</Code>" in answer.read()


def test_thumbnail(world, tmp_path):
    code = tmp_path / "thumbnail"
    code.mkdir()
    (code / "app.py").write_bytes((EXAMPLES / "thumbnail" / "app.py").read_bytes())
    bucket, alias = deployed(world, "thumbnail", code=code)
    picture = io.BytesIO()
    Image.new("RGB", (640, 320), (200, 30, 30)).save(picture, format="PNG")
    put(world, bucket, "k", picture.getvalue(), "image/png")
    answer = world.client("s3").get_object(Bucket=alias, Key="k")
    with Image.open(io.BytesIO(answer["Body"].read())) as small:
        assert (small.format, small.size) == ("JPEG", (128, 64))
    assert answer["Metadata"] == {"original-size": str(len(picture.getvalue()))}


def test_gzip_streams_what_has_no_known_length(world):
    bucket, alias = deployed(world, "gzip")
    body = random.Random(1).randbytes(3 * 1024 * 1024) + bytes(2 * 1024 * 1024)
    put(world, bucket, "k", body, "application/x-tar")
    answer = world.client("s3").get_object(Bucket=alias, Key="k")
    assert gzip.decompress(answer["Body"].read()) == body
    assert (answer["ContentEncoding"], answer["ContentType"]) == ("gzip", "application/x-tar")
    assert "content-length" not in answer["ResponseMetadata"]["HTTPHeaders"]
