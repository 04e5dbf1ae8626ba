"""The metrics of several workers as those of one gateway."""

from collections.abc import Iterable


def add_up(expositions: Iterable[bytes]) -> bytes:
    """One exposition in Prometheus's text format: every sample is the sum of the workers' own.

    Counters and histograms add up by their nature, and our gauges count things that somebody has. The
    exception is when a sample was made: the first time counts.
    """
    families: dict[str, tuple[list[str], dict[str, float]]] = {}
    for exposition in expositions:
        family = ""
        for line in exposition.decode().splitlines():
            if line.startswith("# HELP "):
                family = line.split(" ", 3)[2]
            comments, samples = families.setdefault(family, ([], {}))
            if line.startswith("#"):
                if line not in comments:
                    comments.append(line)
                continue
            name, _, value = line.rpartition(" ")
            samples[name] = _joined(name, samples.get(name), float(value))
    return "".join(_rendered(comments, samples) for comments, samples in families.values()).encode()


def _joined(name: str, known: float | None, value: float) -> float:
    if known is None:
        return value
    return min(known, value) if name.partition("{")[0].endswith("_created") else known + value


def _rendered(comments: list[str], samples: dict[str, float]) -> str:
    lines = [*comments, *(f"{name} {value}" for name, value in samples.items())]
    return "".join(f"{line}\n" for line in lines)
