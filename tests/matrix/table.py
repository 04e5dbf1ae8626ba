"""What the last `make compat` saw, as a page: client by word, and where answers are not the store's own."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.matrix.all_clients import CLIENTS, SAMPLE
from tests.matrix.clients import Client
from tests.matrix.conftest import ODD_PATHS, RESULTS
from tests.matrix.differences import LEFT_OUT, reasons
from tests.matrix.stores import SAMPLED, STORES
from tests.matrix.suites import OUTCOMES, SUITES
from tests.matrix.test_conformance import RESULTS as CONFORMANCE_RESULTS

PAGE = Path(__file__).parents[2] / "docs" / "clients.md"
WORDS = {
    "get": "GET",
    "size": "HEAD",
    "range": "range",
    "big": "24 MiB",
    "keys": "list",
    "put": "PUT",
    "upload": "large PUT",
    "nasty": "odd keys",
    "paths": "odd paths",
    "presigned": "signed URL",
    "sync": "sync",
    "table": "Parquet",
    "tables": "Parquet files",
}
SIGNS = {"passed": "yes", "failed": "**no**", "skipped": "not run"}
HEAD = """# Clients and stores

Made by `make compat` from the results of `tests/matrix`; do not edit. Every client reads through an Object
Lambda access point whose function inflates what is kept compressed, set to `--range slice`
([slices](guides/slices.md)), over these stores: {stores}.
{sampled} are read by {sample} alone. A cell names what was seen at all of them; where
they differ, at each. An empty cell: nothing was asked of the client.

* **GET, HEAD, range, list**: whole, its size, a part, the keys; **24 MiB**: in as many ranges as the client
  likes.
* **PUT, large PUT**: what is not transformed goes to the bucket as it is; large: enough for parts.
* **odd keys**: spaces, `+`, `=`, `%`, `%2F`, letters beyond ASCII, an emoji, a thousand bytes.
* **odd paths**: keys that are no path of files, of those that the store keeps ({paths}); what a client takes
  for another key is named.
* **signed URL**: that the client signs, and anybody reads, whole and in part.
* **sync**: down what is transformed, up what is not; a second time nothing is copied.
* **Parquet**: a table of 100,000 rows, of which one column is read; **Parquet files**: all below a prefix.

"""
NOTES = """
What to tell them: minio-py refuses names that end in `--ol-s3` and is given `NAME.olap`. rclone compares
what it uploads with a HEAD, which shows what readers get: upload with `--s3-no-head`. curl: `--aws-sigv4`,
`--path-as-is`, keys percent-encoded. boto3, s3fs and the AWS CLI sign URLs as AWS did long ago unless they
are told `s3v4`. Lists agree with HEAD and GET by `--list-sizes transformed`
([slices](guides/slices.md#the-same-sizes-in-lists)): what syncs, and what reads all files of a list, needs
that. A function that fetches its original by Python's requests cannot have keys with `.` or `..` in their
path: requests resolves them, urllib does not.

"""
KEPT = "Odd paths that a store does not keep as they are: {stores}.\n"
ANSWERS = """
## The store's own answers

{count} questions (reads, conditions, ranges, lists, uploads in parts, copies, tags, versions, refusals) are
asked by boto3 of each store itself, through onread's bucket, and through an access point that transforms
nothing: status, code and members of the answers are the same, except for these.

"""
CONFORMANCE = """
## Public suites

The read, list, multipart, copy, tag, version and checksum cases of these suites are run unchanged at each
store itself (of the embedded store: at its bucket) and through an access point that transforms nothing, by
its alias. What a store does not do fails at both doors alike; a case that ends differently fails the run.

{suites}

"""
DIFFERING = """
These cases do not end alike:

"""


@dataclass(frozen=True)
class Outcome:
    """One test of the last run."""

    store: str
    client: str
    word: str
    outcome: str
    reason: str = ""


def outcomes() -> list[Outcome]:
    """The last of each store, client and word."""
    lines = [Outcome(*json.loads(line)) for line in RESULTS.read_text().splitlines()]
    return list({(each.store, each.client, each.word): each for each in lines}.values())


def cell(found: list[Outcome]) -> str:
    """One word when all stores agree."""
    signs = {each.store: SIGNS[each.outcome] for each in found}
    if len(set(signs.values())) <= 1:
        return next(iter(signs.values()), "")
    return ", ".join(f"{store}: {sign}" for store, sign in sorted(signs.items()))


def table(head: list[str], rows: list[list[str]]) -> str:
    return "".join("| " + " | ".join(row) + " |\n" for row in [head, ["---"] * len(head), *rows])


def but(kind: type[Client]) -> str:
    """The odd paths that a client takes for others."""
    return f", but not {quoted(kind.rewrites)}" if kind.rewrites else ""


def quoted(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" if len(name) < 3 else name for name in ODD_PATHS if name in names)


def lost(found: list[Outcome]) -> str:
    """Which stores do not keep which odd paths."""
    kept = {each.store: json.loads(each.reason) for each in found if each.client == "odd paths"}
    told = [
        f"{store} ({quoted(set(ODD_PATHS) - set(names))})"
        for store, names in kept.items()
        if len(names) < len(ODD_PATHS)
    ]
    return KEPT.format(stores="; ".join(told)) if told else ""


def clients(found: list[Outcome]) -> str:
    rows = [
        [kind.name]
        + [cell([each for each in found if (each.client, each.word) == (kind.name, word)]) for word in WORDS]
        for kind in CLIENTS
    ]
    for row, kind in zip(rows, CLIENTS, strict=True):
        column = 1 + list(WORDS).index("paths")
        row[column] += but(kind) if row[column] == "yes" else ""
    return table(["client", *WORDS.values()], rows)


def answers(found: list[Outcome]) -> str:
    asked = [each for each in found if each.client == "answers"]
    if not asked:
        return ""
    rows = [
        [each.store, each.word.replace("_", " "), each.reason or SIGNS[each.outcome]]
        for each in asked
        if each.outcome != "passed"
    ]
    head = ANSWERS.format(count=len({each.word for each in asked}))
    return head + table(["store", "question", "what differs, and why"], rows)


def conformance() -> str:
    """What public suites saw, of those that were run."""
    runs = [json.loads(line) for line in CONFORMANCE_RESULTS.read_text().splitlines()]
    if not runs:
        return ""
    counts = [
        [name, store, door, *(str(ends[outcome]) for outcome in OUTCOMES)]
        for name, store, doors, _ in runs
        for door, ends in doors.items()
    ]
    differences: dict[tuple[str, str, str], list[str]] = {}
    for name, store, _, found in runs:
        for case, ends in found.items():
            how = ", ".join(f"{door}: {end}" for door, end in ends.items())
            known = [reason for _, reason in reasons(store, name, case)] or ["**not known**"]
            differences.setdefault((store, how, known[0]), []).append(case.rpartition("::")[2])
    told = "\n".join(
        [
            *(f"* **{suite.name}**: {suite.told}." for suite in SUITES),
            *(
                f"* {name} at {store} without `{cases}`: {why}."
                for (store, name), (cases, why) in LEFT_OUT.items()
            ),
        ]
    )
    page = CONFORMANCE.format(suites=told) + table(["suite", "store", "through", *OUTCOMES], counts)
    if not differences:
        return page + "\nAll cases end alike at all doors of a store.\n"
    rows = [
        [store, ", ".join(f"`{case}`" for case in sorted(set(cases))), how, reason]
        for (store, how, reason), cases in differences.items()
    ]
    return page + DIFFERING + table(["store", "cases", "how they end", "why"], rows)


def page() -> str:
    """The page as Markdown."""
    found = outcomes()
    head = HEAD.format(
        paths=quoted(ODD_PATHS),
        stores=", ".join(STORES),
        sampled=" and ".join(sorted(SAMPLED)),
        sample=", ".join(kind.name for kind in SAMPLE),
    )
    return head + clients(found) + NOTES + lost(found) + answers(found) + conformance()


if __name__ == "__main__":
    PAGE.write_text(page())
