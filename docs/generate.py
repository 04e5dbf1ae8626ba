"""Writes the reference that is made from the code: operations, errors, commands, limits and metrics.

Run it with ``make docs``; a test fails when a page is not what this would write.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from docs.limit_meanings import ADMISSION, DOOR, POOL, SERVER
from prometheus_client.metrics import MetricWrapperBase
from typer.main import get_command

from onread import errors
from onread.cli.main import app
from onread.control.function_settings import MEMORY_MB, MOST_TIMEOUT_SECONDS
from onread.control.lambda_concurrency import ACCOUNT_CONCURRENCY, LEAST_UNRESERVED
from onread.control.lambda_invoke import MOST_EVENT_BYTES
from onread.control.lambda_layers import MOST_LAYERS
from onread.control.onread_operations import MOST_ENVIRONMENTS
from onread.control.storage import MOST_STORED_BYTES
from onread.functions.package import ENTRY_LIMIT, UNZIPPED_LIMIT_BYTES, ZIPPED_LIMIT_BYTES
from onread.functions.settings import PoolSettings
from onread.functions.variables import LIMIT_BYTES as ENVIRONMENT_BYTES
from onread.gateway.dispatch import ACCESS_POINT_OPERATIONS
from onread.gateway.documents import GRACE_SECONDS, SLOWEST_BYTES_PER_SECOND
from onread.gateway.gate import AdmissionLimits
from onread.metadata.access_points import MOST_ACCESS_POINTS, MOST_OBJECT_LAMBDA_ACCESS_POINTS
from onread.metadata.credentials import KEYS_A_USER
from onread.objectlambda.configuration import ACTIONS
from onread.objectlambda.event import MAXIMUM_EVENT_BYTES
from onread.objectlambda.slices.failures import REMEMBERED_SECONDS
from onread.objectlambda.slices.listed import AT_ONCE, PAGE_SECONDS
from onread.policy.document import MAX_POLICY_BYTES
from onread.protocol.model import load_services
from onread.protocol.operations import SERVED
from onread.protocol.parse_json import DEEPEST as DEEPEST_JSON
from onread.protocol.xml_reader import DEEPEST as DEEPEST_XML
from onread.server.door import DoorLimits
from onread.server.limits import Limits
from onread.sigv4.scope import MAX_EXPIRES_SECONDS, MAX_SKEW
from onread.spool.folder import BLOCK_BYTES
from onread.spool.space import DISK_MARGIN_BYTES, MOST_RESULTS
from onread.spool.spool import MOST_MAKERS
from onread.stores.local.blobs import LARGEST_BLOB_BYTES
from onread.stores.local.buckets import MOST_BUCKETS
from onread.stores.local.complete import LEAST_PART_BYTES
from onread.stores.local.content import LARGEST_METADATA_BYTES
from onread.stores.local.engine import LONGEST_KEY_BYTES
from onread.stores.local.listing import MOST_KEYS
from onread.stores.local.multipart import MOST_PARTS, MOST_UPLOADS
from onread.stores.local.store import OPERATIONS
from onread.telemetry.metrics import Metrics
from onread.telemetry.series import Counts, Timings

FOLDER = Path(__file__).parent
_NOTE = "<!-- Made by docs/generate.py (make docs) from the code: change that, not this page. -->\n"

_SERVICES = {
    "s3control": "Access points: s3control",
    "lambda": "Functions: the Lambda API",
    "iam": "Users and keys: IAM",
    "sts": "Who am I: STS",
    "onread": "What AWS's models have no field for: onread's own",
}


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [tuple(head)]
    lines += [tuple("---" for _ in lines[0]), *(tuple(row) for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def operations_page() -> str:
    """Every operation that is answered, and by what it may be addressed."""
    page = f"""{_NOTE}
# Operations

What is answered, under AWS's names. Every other operation of these services is known and refused by its name
(`NotImplemented`, 501). Routing, parsing and answers follow AWS's own service models.

## Objects and buckets: S3

*passed on*: to the bucket behind the access point. *transformed*: by the function, when the configuration of
the Object Lambda access point names the operation, else passed on.

"""
    page += _table(("operation", "bucket", "access point", "Object Lambda access point"), _data_rows())
    for service, title in _SERVICES.items():
        names = "".join(f"- `{name}`\n" for name in sorted(SERVED[service]))
        page += f"\n## {title}\n\n{names}"
    return page


def _data_rows() -> Iterator[tuple[str, str, str, str]]:
    for name in sorted(SERVED["s3"]):
        if name == "WriteGetObjectResponse":
            yield f"`{name}`", "", "", "by functions, at their own listener or at the route"
            continue
        through = "passed on" if name in ACCESS_POINT_OPERATIONS else ""
        yield (
            f"`{name}`",
            "yes" if name in OPERATIONS else "",
            through,
            "transformed" if name in ACTIONS else through,
        )


def errors_page() -> str:
    """Every code that may be answered."""
    page = f"""{_NOTE}
# Errors

Codes and statuses are AWS's. S3 and s3control answer XML, the Lambda API JSON with `x-amzn-ErrorType`, IAM
and STS the Query protocol's XML; each answer carries the request id that stands in the log. The message is
often more precise than the one given here. A function may answer its reader with a code of its own besides.

"""
    families = (
        ("S3, s3control and Object Lambda", errors.S3Error),
        ("The Lambda API", errors.LambdaError),
        ("IAM and STS", errors.IamError),
    )
    for title, family in families:
        rows = ((f"`{each.code}`", str(each.status), each.message) for each in _below(family))
        page += f"## {title}\n\n" + _table(("code", "status", "message"), rows) + "\n"
    return page.rstrip("\n") + "\n"


def _below(family: type[errors.ServiceError]) -> list[type[errors.ServiceError]]:
    """The classes of ``errors`` itself: what other modules make up for one purpose is no code of ours."""
    ours = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, family)]
    return sorted((each for each in ours if each is not family), key=lambda each: each.code)


def commands_page() -> str:
    """The command tree as it explains itself."""
    page = f"""{_NOTE}
# Commands

Every command but `serve` and `demo` speaks to a running gateway at `ONREAD_ENDPOINT` (default
`http://127.0.0.1:9000`) with the usual AWS credentials chain. It prints a table for people, and JSON with
`--json`. It ends with 0 on success, with 1 when the request was refused (one line on standard error says
why), and with 2 on wrong usage. Settings of `serve` stand in [settings.md](settings.md).

"""
    sections = [_command_section(path, command) for path, command in commands()]
    return page + "\n".join(sections)


def commands() -> Iterator[tuple[str, Any]]:
    """Every command by its words, ``olap create``, in the order of the help."""
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        if inner is None:
            yield name, command
        else:
            yield from ((f"{name} {each}", inner[each]) for each in inner)


def _command_section(path: str, command: Any) -> str:
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [each for each in command.params if each.param_type_name == "option"]
    words = [each.name.upper() if each.required else f"[{each.name.upper()}]" for each in arguments]
    section = f"## `{' '.join(('onread', path, *words))}`\n\n{command.help}\n"
    if options:
        section += "\n" + _table(("option", "meaning", "default"), map(_option_row, options))
    return section


def _option_row(option: Any) -> tuple[str, str, str]:
    default = "required" if option.required else _default_text(option.default)
    return ", ".join(f"`{word}`" for word in option.opts), option.help or "", default


def _default_text(value: Any) -> str:
    return "" if value is None or value is False or value == "" else f"`{value}`"


def limits_page() -> str:
    """Every limit with its value."""
    page = f"""{_NOTE}
# Limits

What one request, one function or one peer may ask for. A request at a limit passes, one over it is refused.

"""
    sections = (
        ("Objects, access points and users", _data_limits()),
        ("Documents and signatures", _request_limits()),
        ("At the door", _fields(DoorLimits, DOOR)),
        ("Callers together", _fields(AdmissionLimits, ADMISSION)),
        ("Functions", _function_limits()),
        ("Function pool", _fields(PoolSettings, POOL)),
        ("Slices", _slice_limits()),
        ("Connections", _fields(Limits, SERVER)),
    )
    return page + "\n".join(f"## {title}\n\n{_table(('limit', 'value'), rows)}" for title, rows in sections)


def _slice_limits() -> Iterator[tuple[str, str]]:
    yield "kept results together (`spool_bytes`); 503 `SlowDown` when nothing can go", "10 GiB"
    yield "how long one is kept (`spool_seconds`)", "3,600 s"
    yield "how many are kept; the least recently used go", f"{MOST_RESULTS:,}"
    yield "what is left free on the disk", _bytes(DISK_MARGIN_BYTES)
    yield "results that one worker makes at once; 503 `SlowDown` beyond it", f"{MOST_MAKERS}"
    yield "what is written, verified and sent at a time", _bytes(BLOCK_BYTES)
    yield "keys of one list with `--list-sizes transformed` that are asked for at a time", f"{AT_ONCE}"
    yield "how long one page of such a list is worked at; then it ends earlier", f"{PAGE_SECONDS:.0f} s"
    yield (
        "how long a result that could not be made is not tried again by lists",
        f"{REMEMBERED_SECONDS:.0f} s",
    )


def _data_limits() -> Iterator[tuple[str, str]]:
    yield "a key, in UTF-8", _bytes(LONGEST_KEY_BYTES)
    yield "user metadata of an object", _bytes(LARGEST_METADATA_BYTES)
    yield "one PutObject, one part", _bytes(LARGEST_BLOB_BYTES)
    yield "a part that is not the last, at least", _bytes(LEAST_PART_BYTES)
    yield "parts of an upload", f"{MOST_PARTS:,}"
    yield "multipart uploads in progress in a bucket of the embedded store", f"{MOST_UPLOADS:,}"
    yield "keys in one list or one batch delete", f"{MOST_KEYS:,}"
    yield "buckets", f"{MOST_BUCKETS:,}"
    yield "access points", f"{MOST_ACCESS_POINTS:,}"
    yield "Object Lambda access points", f"{MOST_OBJECT_LAMBDA_ACCESS_POINTS:,}"
    yield "a policy", _bytes(MAX_POLICY_BYTES)
    yield "access keys of a user", str(KEYS_A_USER)
    yield "life of a presigned URL", f"{MAX_EXPIRES_SECONDS // 86400} days"


def _request_limits() -> Iterator[tuple[str, str]]:
    services = load_services()
    yield (
        "XML, JSON or form of an operation; 400 beyond it",
        _bytes(services.operation("s3control", "CreateAccessPoint").document_limit_bytes),
    )
    for service, operation in (
        ("s3", "DeleteObjects"),
        ("s3", "CompleteMultipartUpload"),
        ("lambda", "CreateFunction"),
        ("lambda", "Invoke"),
        ("iam", "PutUserPolicy"),
    ):
        limit = services.operation(service, operation).document_limit_bytes
        yield f"... of {'IAM and STS' if service == 'iam' else operation}", _bytes(limit)
    pace = f"{GRACE_SECONDS:g} s, and a second for each {_bytes(SLOWEST_BYTES_PER_SECOND)}"
    yield "time for a document to come in; 400 `RequestTimeout` beyond it", pace
    yield "depth of XML; no DTD and no entities", f"{DEEPEST_XML}"
    yield "depth of JSON", f"{DEEPEST_JSON}"
    skew = int(MAX_SKEW.total_seconds() // 60)
    yield "clock skew of a signed request; 403 `RequestTimeTooSkewed` beyond it", f"{skew} minutes either way"


def _function_limits() -> Iterator[tuple[str, str]]:
    yield "memory", f"{MEMORY_MB[0]:,} to {MEMORY_MB[1]:,} MB"
    yield (
        "timeout of a run",
        f"up to {MOST_TIMEOUT_SECONDS} s; `transform_timeout_seconds` ends a read before",
    )
    yield "environments of one function", f"up to {MOST_ENVIRONMENTS:,} (`onread function configure --max`)"
    yield "event, result of Invoke, result of HEAD and lists", _bytes(MAXIMUM_EVENT_BYTES)
    yield "what a transformed GET may stream", "no limit"
    yield "zipped package", _bytes(ZIPPED_LIMIT_BYTES)
    yield "unzipped package", f"{_bytes(UNZIPPED_LIMIT_BYTES)} in {ENTRY_LIMIT:,} entries"
    yield "environment variables together", _bytes(ENVIRONMENT_BYTES)
    yield "layers of a function", f"{MOST_LAYERS}, unzipped together with its code as much as a package"
    yield "code kept for an account", _bytes(MOST_STORED_BYTES)
    yield "reserved concurrency of all functions", f"{ACCOUNT_CONCURRENCY - LEAST_UNRESERVED:,}"
    yield "resource policy of a function, a version or an alias", _bytes(MAX_POLICY_BYTES)
    yield "asynchronous event", f"{_bytes(MOST_EVENT_BYTES)}, tried again twice and for at most six hours"


def _fields(settings: type[Any], meanings: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for field in fields(settings):
        if isinstance(field.default, int | float):
            shown = _bytes(field.default) if "bytes" in field.name else f"{field.default:,g}"
            yield f"`{field.name}`: {meanings.get(field.name) or _told(settings, field.name)}", shown


def _told(settings: type[Any], name: str) -> str:
    """What the class itself says of an attribute, as one line."""
    told = re.search(
        rf"^ +{name}: (.*?)(?=^ +\w+(, \w+)*: |\Z)", settings.__doc__ or "", re.MULTILINE | re.DOTALL
    )
    if told is None:
        raise LookupError(f"{settings.__name__}.{name} has no words: give it some in docs/limit_meanings.py")
    return " ".join(told[1].split()).rstrip(".")


def _bytes(count: float) -> str:
    for power, unit in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if count >= 1 << power and count % (1 << power) == 0:
            return f"{count / (1 << power):,g} {unit}"
    return f"{count:,.10g} bytes"


def metrics_page() -> str:
    """Every metric of a gateway."""
    page = f"""{_NOTE}
# Metrics

In Prometheus's text format at `/metrics` on `admin_listen`. Labels are bounded: never a key or a caller.

"""
    rows = []
    for metric in vars(Metrics()).values():
        if not isinstance(metric, MetricWrapperBase | Counts | Timings):
            continue
        [described] = metric.describe() if isinstance(metric, MetricWrapperBase) else metric.collect()
        name = f"{described.name}_total" if described.type == "counter" else described.name
        # The client library keeps the names of labels to itself until a metric has a sample.
        names = metric._labelnames if isinstance(metric, MetricWrapperBase) else metric.label_names
        labels = ", ".join(f"`{label}`" for label in names)
        rows.append((f"`{name}`", described.type, labels, described.documentation))
    return page + _table(("metric", "type", "labels", "what it tells"), rows)


PAGES = {
    "metrics.md": metrics_page,
    "operations.md": operations_page,
    "errors.md": errors_page,
    "commands.md": commands_page,
    "limits.md": limits_page,
}


def main() -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
