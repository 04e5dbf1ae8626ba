"""SDK clients pointed at the gateway: the command line is one more client of the API."""

import os
import re
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import typer

from onread.errors import ServiceError

DEFAULT_ENDPOINT = "http://127.0.0.1:9000"
_ENDPOINT = re.compile(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_LOOPBACK = re.compile(r"https?://(127\.|localhost[:/]?|\[::1\])")
_NO_KEYS = (
    "no AWS credentials: export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY "
    "(the root's are in root-access-key.json, in the gateway's data directory)"
)


def endpoint() -> str:
    """Where the gateway is: ``ONREAD_ENDPOINT``, or this machine's default."""
    url = (os.environ.get("ONREAD_ENDPOINT") or DEFAULT_ENDPOINT).rstrip("/")
    if not _ENDPOINT.fullmatch(url):
        fail(f"ONREAD_ENDPOINT is {url!r}: write http://HOST:PORT", status=2)
    return url


def client(service: str) -> Any:
    """A client of one service at `endpoint`, with the usual AWS credentials chain."""
    return make_client(service, endpoint_url=endpoint())


def make_client(
    service: str,
    *,
    endpoint_url: str,
    access_key_id: str | None = None,
    secret_access_key: str | None = None,
    session_token: str | None = None,
    ca_file: Path | None = None,
) -> Any:
    """A client of one service; it trusts ``ca_file``, or what AWS_CA_BUNDLE or certifi hold.

    s3control would put the account before the host, which an address cannot bear: the gateway takes
    the account from ``x-amz-account-id``, so the host is put back before signing.
    """
    import boto3  # a third of a second that `serve` and `--help` need not pay
    import botocore.session
    from botocore.config import Config

    from onread.protocol.model import MODELS_FOLDER

    known = botocore.session.Session()
    known.get_component("data_loader").search_paths.append(str(MODELS_FOLDER))  # our model, beside AWS's
    session = boto3.Session(
        botocore_session=known,
        aws_access_key_id=access_key_id,
        aws_secret_access_key=secret_access_key,
        aws_session_token=session_token,
    )
    made = session.client(
        service,
        endpoint_url=endpoint_url,
        verify=None if ca_file is None else str(ca_file),
        region_name=session.region_name or os.environ.get("ONREAD_REGION", "us-east-1"),
        config=Config(
            signature_version="s3v4" if service == "s3" else None,
            s3={"addressing_style": "path"},
            retries={"total_max_attempts": 1},
            connect_timeout=5,
            read_timeout=120,
            # No proxy leads to this machine; botocore would ask the environment's all the same.
            proxies={} if _LOOPBACK.match(endpoint_url) else None,
        ),
    )
    if service == "s3control":
        own = urllib.parse.urlsplit(endpoint_url)

        def put_host_back(request: Any, **_: Any) -> None:
            parts = urllib.parse.urlsplit(request.url)
            request.url = urllib.parse.urlunsplit((own.scheme, own.netloc, parts.path, parts.query, ""))

        made.meta.events.register("before-sign.s3-control", put_host_back)
    return made


def account_id() -> str:
    """The account of the credentials in use."""
    return str(client("sts").get_caller_identity()["Account"])


@contextmanager
def refusals() -> Iterator[None]:
    """A refused request ends the command with 1 and one line that says why."""
    from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, NoCredentialsError

    try:
        yield
    except ClientError as error:
        detail = error.response.get("Error", {})
        fail(f"{detail.get('Code', 'Error')}: {detail.get('Message', error)}")
    except NoCredentialsError:
        fail(_NO_KEYS)
    except EndpointConnectionError:
        fail(f"{endpoint()} does not answer. Start the gateway (onread serve) or set ONREAD_ENDPOINT.")
    except BotoCoreError as error:
        fail(str(error))
    except ServiceError as error:  # what packs a function's code speaks Lambda's words
        fail(f"{error.code}: {error.text}")
    except OSError as error:
        fail(f"{error.filename or ''}: {error.strerror or error}".removeprefix(": "))


def fail(reason: str, *, status: int = 1) -> NoReturn:
    """Say why on one line of standard error and end with ``status``."""
    typer.echo(f"onread: {' '.join(reason.split())}", err=True)
    raise typer.Exit(status)
