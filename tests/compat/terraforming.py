"""Terraform in a folder of its own: the provider from a mirror, names from a hosts file of its own."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.compat.conftest import ACCOUNT

MIRRORS = (Path("/opt/tf-plugins"), Path("/usr/share/terraform/providers"))
_PROVIDER = "registry.terraform.io/hashicorp/aws"
_PATIENCE_SECONDS = 200


def find_mirror() -> Path | None:
    """A folder with the AWS provider in it."""
    return next((mirror for mirror in MIRRORS if any((mirror / _PROVIDER).glob("*/linux_amd64"))), None)


def private_hosts(hosts: Path) -> list[str] | None:
    """The beginning of a command that sees ``hosts`` as ``/etc/hosts``; None when nobody may do that here.

    Go asks no name service but this file and DNS, and neither knows ``ACCOUNT.localhost``.
    """
    script = 'mount --bind "$0" /etc/hosts && exec "$@"'
    for unshare in (["unshare", "--mount"], ["unshare", "--mount", "--map-root-user"]):
        prefix = [*unshare, "sh", "-c", script, str(hosts)]
        tried = subprocess.run([*prefix, "true"], capture_output=True, timeout=20, check=False)
        if tried.returncode == 0:
            return prefix
    return None


@dataclass
class Terraform:
    """One working folder."""

    folder: Path
    prefix: list[str]
    access_key_id: str
    secret_access_key: str
    variables: dict[str, str]
    seconds: list[tuple[str, float]] = field(default_factory=list)

    def run(self, command: str, *arguments: str, status: int = 0) -> str:
        """What it printed. Raises AssertionError with everything when it ends another way."""
        ended = subprocess.run(
            [*self.prefix, "terraform", command, "-no-color", *arguments],
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
        assert ended.returncode == status, (
            f"terraform {command}: {ended.stdout[-8000:]}{ended.stderr[-8000:]}"
        )
        return ended.stdout

    def apply(self, **variables: str) -> None:
        """Everything is as described."""
        self.variables.update(variables)
        self.run("apply", "-input=false", "-auto-approve")

    def plan_is_empty(self) -> None:
        """Nothing that was described is otherwise."""
        self.run("plan", "-input=false", "-detailed-exitcode", "-lock=false")

    def outputs(self) -> dict[str, Any]:
        """The values of the outputs."""
        return {name: each["value"] for name, each in json.loads(self.run("output", "-json")).items()}

    def _environment(self) -> dict[str, str]:
        given = {f"TF_VAR_{name}": value for name, value in self.variables.items()}
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_EC2_METADATA_DISABLED": "true",
            "CHECKPOINT_DISABLE": "1",
            "GOGC": "400",  # the provider's schema is big: less collecting saves a third of the time
            "TF_CLI_CONFIG_FILE": str(self.folder / "terraform.rc"),
            "TF_IN_AUTOMATION": "1",
            **given,
        }


def prepare(folder: Path, mirror: Path, source: Path) -> Path:
    """The folder with description and configuration; its hosts file."""
    shutil.copy(source, folder)
    (folder / "terraform.rc").write_text(
        f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n'
    )
    hosts = folder / "hosts"
    hosts.write_text(f"127.0.0.1 localhost {ACCOUNT}.localhost\n")
    return hosts
