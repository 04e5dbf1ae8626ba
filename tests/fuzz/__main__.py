"""Coverage-guided runs: ``python -m tests.fuzz [--seconds N] [TARGET ...]``, one target after the other.

Each runs in a process of its own, for the engine ends its process. Inputs that reach new code are kept in
``build/fuzz/TARGET`` for the next run; an input that finds something is left in ``build/fuzz/finds``.
"""

import argparse
import importlib.util
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

from tests.fuzz.harness import HERE, load, names, saved

BUILD = HERE.parent.parent / "build" / "fuzz"
MOST_MEMORY_MEGABYTES = 1024
HANG_SECONDS = 300  # of wall clock, for what never ends; the harness counts processor time


def main() -> int:
    if sys.argv[1:2] == ["--engine"]:
        return _engine(sys.argv[2], sys.argv[3:])
    parser = argparse.ArgumentParser(prog="tests.fuzz")
    parser.add_argument("targets", nargs="*", help=", ".join(names()))
    parser.add_argument("--seconds", type=int, default=60)
    wanted = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print("SKIPPED: no fuzzing, for atheris is not installed (pip install '.[fuzz]').", file=sys.stderr)
        return 0
    failed = [name for name in wanted.targets or names() if not _fuzz(name, wanted.seconds)]
    for name in failed:
        print(f"FOUND something in {name}: see {BUILD / 'finds'}", file=sys.stderr)
    return 1 if failed else 0


def _fuzz(name: str, seconds: int) -> bool:
    """Run one target and print a line about it; whether it ended clean."""
    kept, finds = BUILD / name, BUILD / "finds"
    kept.mkdir(parents=True, exist_ok=True)
    finds.mkdir(exist_ok=True)
    target = load(name)
    for number, content in enumerate([*target.seeds, *saved(name)]):
        (kept / f"seed-{number}").write_bytes(content)
    command = [
        *(sys.executable, "-m", "tests.fuzz", "--engine", name, str(kept)),
        f"-max_total_time={seconds}",
        f"-max_len={target.longest_bytes}",
        *([f"-dict={_dictionary(name)}"] if target.words else []),
        f"-artifact_prefix={finds}/{name}-",
        f"-rss_limit_mb={MOST_MEMORY_MEGABYTES}",
        f"-timeout={HANG_SECONDS}",
        "-print_final_stats=1",
    ]
    began, began_cpu = time.monotonic(), _children_seconds()
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    output = done.stdout + done.stderr
    (BUILD / f"{name}.log").write_text(output, encoding="utf-8")
    spent = f"{time.monotonic() - began:.0f} s ({_children_seconds() - began_cpu:.0f} s of CPU)"
    print(_line(name, target.case, output, spent, clean=done.returncode == 0), flush=True)
    if done.returncode:
        print("\n".join(output.splitlines()[-40:]), file=sys.stderr)
    return done.returncode == 0


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _line(name: str, case: str, output: str, spent: str, *, clean: bool) -> str:
    executions = re.search(r"number_of_executed_units: +(\d+)", output)
    coverage = re.findall(r"cov: (\d+)", output)
    return (
        f"{case} {name:18} {executions[1] if executions else '?':>10} inputs in {spent}, "
        f"{coverage[-1] if coverage else '?':>5} edges, {'clean' if clean else 'FOUND SOMETHING'}"
    )


def _dictionary(name: str) -> Path:
    path = BUILD / f"{name}.dict"
    words = ["".join(f"\\x{byte:02x}" for byte in word) for word in load(name).words if word]
    path.write_text("".join(f'"{word}"\n' for word in words), encoding="ascii")
    return path


def _engine(name: str, options: list[str]) -> int:
    import atheris

    with atheris.instrument_imports(include=["onread"], enable_loader_override=False):
        target = load(name)
    atheris.Setup([sys.argv[0], *options], target.run)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
