"""Terraform's AWS provider builds, changes and removes an Object Lambda access point and all it stands on."""

import shutil
from pathlib import Path

import pytest
from tests.compat.conftest import FUNCTIONS
from tests.compat.terraforming import Terraform, find_mirror, prepare, private_hosts
from tests.compat.wire import refused

from onread.functions.packaging import zip_path

pytestmark = [pytest.mark.compat, pytest.mark.slow]


@pytest.fixture
def terraform(world, tmp_path):
    mirror = find_mirror()
    if shutil.which("terraform") is None or mirror is None:
        pytest.skip("no terraform, or no AWS provider in a mirror, on this machine")
    hosts = prepare(tmp_path, mirror, Path(__file__).parent / "terraform" / "main.tf")
    prefix = private_hosts(hosts)
    if prefix is None:
        pytest.skip("no mount namespace for a hosts file of our own on this machine")
    package = tmp_path / "function.zip"
    package.write_bytes(zip_path(FUNCTIONS / "uppercase.py"))
    return Terraform(
        folder=tmp_path,
        prefix=prefix,
        access_key_id=world.gateway.access_key_id,
        secret_access_key=world.gateway.secret_access_key,
        variables={
            "endpoint": world.endpoint.replace("127.0.0.1", "localhost"),
            "package": str(package),
            "stage": "first",
        },
    )


@pytest.mark.timeout(600)  # half a minute of processor time, which a busy machine stretches
def test_terraform_applies_plans_nothing_changes_and_destroys(world, terraform):
    terraform.run("init", "-input=false")
    terraform.apply()
    terraform.plan_is_empty()
    s3 = world.client("s3")
    told = terraform.outputs()
    assert s3.get_object(Bucket=told["alias"], Key="letter.txt")["Body"].read() == b"DEAR FIRST READER"
    reader = world.client_as("s3", told["reader_key"]["id"], told["reader_key"]["secret"])
    assert refused(reader.get_object, Bucket="terraform-letters", Key="letter.txt") == ("AccessDenied", 403)
    terraform.apply(stage="second")
    assert s3.get_object(Bucket=told["alias"], Key="letter.txt")["Body"].read() == b"DEAR SECOND READER"
    terraform.run("destroy", "-input=false", "-auto-approve", "-refresh=false")
    assert refused(s3.head_bucket, Bucket="terraform-letters") == ("404", 404)
