"""The numbered cases (T: what an attacker does, R: what breaks) that tests bear in their names, counted."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

FRONT_DOOR = {
    "2, streaming bodies and integrity": [f"T{number:03}" for number in range(30, 40)],
    "3, framing, smuggling and routing": [f"T{number:03}" for number in range(40, 58)],
    "4, what goes back out": [f"T{number:03}" for number in range(60, 67)],
    "11, parsers and exhaustion": [f"T{number:03}" for number in range(250, 261)],
    "15.4, load, overload and memory": [f"R{number:03}" for number in range(40, 50)],
    "15.5, stop, start and upgrade": [f"R{number:03}" for number in range(50, 56)],
}
_TEST = re.compile(r"::(test_\w+)")
_NUMBER = re.compile(r"(?<!to_)(?<![A-Za-z0-9])([TR]\d{3})(?!_to_)(?![0-9])")


def numbers_in(node_id: str) -> set[str]:
    """The cases that a test names one by one; a range (``T040_to_T057``) names none of them."""
    found = _TEST.search(node_id)
    return set(_NUMBER.findall(found[1].replace("_", " ").replace(" to ", "_to_"))) if found else set()


def counts(node_ids: Iterable[str]) -> Iterator[str]:
    """A line for each section of which a test has passed."""
    passed = Counter(number for node_id in node_ids for number in numbers_in(node_id))
    for section, cases in FRONT_DOOR.items():
        tested = [number for number in cases if passed[number]]
        if tested:
            missing = " ".join(number for number in cases if not passed[number])
            yield (
                f"cases, section {section}: {len(tested)} of {len(cases)} have tests that passed, "
                f"{sum(passed[number] for number in cases)} tests{f'; without: {missing}' if missing else ''}"
            )
