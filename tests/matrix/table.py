"""What the last `make compat` saw, as a page: client by word, a sign for each store."""

import json
from pathlib import Path

from tests.matrix.clients import CLIENTS
from tests.matrix.conftest import RESULTS
from tests.matrix.stores import STORES

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
    "table": "Parquet",
}
SIGNS = {"passed": "yes", "failed": "**no**", "skipped": "not run"}
HEAD = """# Clients and stores

Made by `make compat` from the results of `tests/matrix`; do not edit. Every client reads through an Object Lambda
access point whose function inflates what is kept compressed, set to `--range slice`, over each of these stores:
{stores}. A cell names what was seen at all of them; where they differ, at each. An empty cell: the client has no such
word.

* **GET, HEAD, range, list**: whole, its size, a part, the keys; **24 MiB**: in as many ranges as the client likes.
* **PUT, large PUT**: what is not transformed goes to the bucket as it is; large enough for an upload in parts.
* **odd keys**: spaces, `+`, `=`, `%`, `%2F`, letters beyond ASCII, an emoji, 1,006 bytes.
* **Parquet**: a table of 100,000 rows, of which one column is read.

"""


def cells() -> dict[tuple[str, str], dict[str, str]]:
    """The last outcome of each client and word, by store."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for line in RESULTS.read_text().splitlines():
        store, client, word, outcome = json.loads(line)
        found.setdefault((client, word), {})[store] = outcome
    return found


def cell(outcomes: dict[str, str]) -> str:
    """One word when all stores agree."""
    if len(set(outcomes.values())) == 1:
        return SIGNS[next(iter(outcomes.values()))]
    return ", ".join(f"{store}: {SIGNS[outcome]}" for store, outcome in sorted(outcomes.items()))


def page() -> str:
    """The page as Markdown."""
    found = cells()
    rows = [
        [kind.name, *(cell(found[kind.name, word]) if (kind.name, word) in found else "" for word in WORDS)]
        for kind in CLIENTS
    ]
    head = ["client", *WORDS.values()]
    lines = ["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]]
    return HEAD.format(stores=", ".join(STORES)) + "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
