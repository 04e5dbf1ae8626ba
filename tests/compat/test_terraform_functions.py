"""Terraform's AWS provider makes, reads and destroys functions and what hangs on them."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from tests.compat.conftest import FUNCTIONS, REGION

from onread.functions.packaging import zip_path

pytestmark = [pytest.mark.compat, pytest.mark.slow, pytest.mark.timeout(400)]

MIRRORS = (
    Path("/opt/tf-plugins"),
    Path("/usr/share/terraform/plugins"),
    Path.home() / ".terraform.d/plugins",
)
CONFIGURATION = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region                      = "REGION"
  access_key                  = "ACCESS_KEY"
  secret_key                  = "SECRET_KEY"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  endpoints {
    lambda = "ENDPOINT"
    iam    = "ENDPOINT"
    sts    = "ENDPOINT"
  }
}

resource "aws_iam_role" "function" {
  name               = "terraform-function"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_lambda_layer_version" "shared" {
  layer_name          = "terraform-layer"
  filename            = "layer.zip"
  source_code_hash    = filebase64sha256("layer.zip")
  compatible_runtimes = ["python3.11"]
}

resource "aws_lambda_function" "function" {
  function_name                  = "terraform-function"
  role                           = aws_iam_role.function.arn
  runtime                        = "python3.11"
  handler                        = "version_a.handler"
  filename                       = "function.zip"
  source_code_hash               = filebase64sha256("function.zip")
  timeout                        = 10
  publish                        = true
  reserved_concurrent_executions = 5
  layers                         = [aws_lambda_layer_version.shared.arn]
  architectures                  = ["arm64"]
  environment { variables = { MODE = "terraform" } }
  ephemeral_storage { size = 1024 }
  tracing_config { mode = "Active" }
  tags = { team = "a" }
}

resource "aws_lambda_alias" "prod" {
  name             = "PROD"
  function_name    = aws_lambda_function.function.function_name
  function_version = aws_lambda_function.function.version
}

resource "aws_lambda_permission" "s3" {
  statement_id   = "AllowS3"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.function.function_name
  qualifier      = aws_lambda_alias.prod.name
  principal      = "s3.amazonaws.com"
  source_account = "000000000000"
}

resource "aws_lambda_function_event_invoke_config" "events" {
  function_name                = aws_lambda_function.function.function_name
  maximum_event_age_in_seconds = 60
  maximum_retry_attempts       = 0
}
"""


def mirror() -> Path | None:
    return next((path for path in MIRRORS if any(path.rglob("terraform-provider-aws*"))), None)


@pytest.fixture
def terraform(world, tmp_path):
    """Runs terraform in a folder of its own; its exit code and what it printed."""
    plugins, program = mirror(), shutil.which("terraform")
    if plugins is None or program is None:
        pytest.skip("terraform, or a mirror with its AWS provider, is not on this machine")
    replacements = {
        "REGION": REGION,
        "ENDPOINT": world.endpoint,
        "ACCESS_KEY": world.gateway.access_key_id,
        "SECRET_KEY": world.gateway.secret_access_key,
    }
    configuration = CONFIGURATION
    for name, value in replacements.items():
        configuration = configuration.replace(f'"{name}"', f'"{value}"')
    (tmp_path / "main.tf").write_text(configuration)
    (tmp_path / "terraform.rc").write_text(
        f'provider_installation {{\n  filesystem_mirror {{ path = "{plugins}" }}\n}}\n'
    )
    (tmp_path / "function.zip").write_bytes(zip_path(FUNCTIONS / "version_a.py"))
    (tmp_path / "layer.zip").write_bytes(zip_path(FUNCTIONS / "raises.py"))
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "TF_CLI_CONFIG_FILE": str(tmp_path / "terraform.rc"),
        "CHECKPOINT_DISABLE": "1",
        "TF_IN_AUTOMATION": "1",
    }

    def run(*arguments):
        done = subprocess.run(
            [program, *arguments, "-no-color"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode in (0, 2), done.stdout[-3000:] + done.stderr[-3000:]
        return done.returncode, done.stdout

    run("init")
    return run


def test_functions_are_made_and_destroyed_and_a_second_plan_is_empty(world, terraform):
    api = world.client("lambda")
    terraform("apply", "-auto-approve")
    code, told = terraform("plan", "-detailed-exitcode")
    assert code == 0, told
    function = api.get_function(FunctionName="terraform-function:PROD")
    assert function["Configuration"]["Version"] == "1"
    assert function["Concurrency"] == {"ReservedConcurrentExecutions": 5}
    assert len(function["Configuration"]["Layers"]) == 1
    policy = json.loads(api.get_policy(FunctionName="terraform-function", Qualifier="PROD")["Policy"])
    assert [each["Sid"] for each in policy["Statement"]] == ["AllowS3"]

    terraform("destroy", "-auto-approve")
    with pytest.raises(ClientError):
        api.get_function(FunctionName="terraform-function")
    assert api.list_layer_versions(LayerName="terraform-layer")["LayerVersions"] == []
