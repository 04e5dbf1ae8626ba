"""R-053: what an older release has written, a newer one serves as it was.

``older/data-of-revision-0001.tar.xz`` is the data directory of a gateway whose control database was at
revision 0001, without its unpacked functions: made by that gateway through its own API, stopped, and packed.
"""

import json
import tarfile
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from tests.compat.conftest import World

from onread.cli.spawn import gateway
from onread.metadata.schema import HEAD

pytestmark = [pytest.mark.compat, pytest.mark.slow]
OLDER = Path(__file__).parent / "older" / "data-of-revision-0001.tar.xz"


def what_is_there(world, reader):
    """Everything that was put there, as a reader of then finds it."""
    s3 = world.client("s3")
    theirs = world.client_as("s3", reader["access_key_id"], reader["secret_access_key"])
    answer = theirs.get_object(Bucket="kept", Key="dir/read me.txt")
    with pytest.raises(ClientError, match="AccessDenied"):
        theirs.delete_object(Bucket="kept", Key="dir/read me.txt")
    return {
        "keys": [each["Key"] for each in s3.list_objects_v2(Bucket="kept")["Contents"]],
        "body": answer["Body"].read(),
        "about": (answer["ContentType"], answer["Metadata"], answer["ETag"]),
        "in parts": s3.get_object(Bucket="kept", Key="in parts")["Body"].read(),
        "uploads": [each["Key"] for each in s3.list_multipart_uploads(Bucket="kept")["Uploads"]],
        "transformed": s3.get_object(Bucket=reader["alias"], Key="dir/read me.txt")["Body"].read(),
    }


def test_R053_data_of_an_older_release_is_served_as_it_was(tmp_path):
    with tarfile.open(OLDER) as packed:
        packed.extractall(tmp_path, filter="tar")  # which keeps modes
    reader = json.loads((tmp_path / "reader.json").read_text())
    for _ in range(2):  # the second start finds what the first has made of it
        with gateway(tmp_path / "data") as spawned:
            assert what_is_there(World(spawned), reader) == {
                "keys": ["dir/read me.txt", "in parts"],
                "body": b"dear reader",
                "about": ("text/plain", {"colour": "blue"}, '"7e1ce7d73b841ad6000b679375d66929"'),
                "in parts": b"of one part",
                "uploads": ["unfinished"],
                "transformed": b"DEAR READER",
            }
            World(spawned).client("s3").put_bucket_tagging(  # what the older release did not know
                Bucket="kept", Tagging={"TagSet": [{"Key": "since", "Value": HEAD}]}
            )
