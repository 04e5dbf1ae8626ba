"""An unmodified boto3 function, its client made once: how near the gateway comes to the ceiling.

The same function runs in two environments below the gateway and in two below `bench.feeder`, which
does nothing but feed. Turn by turn, one of the two pairs works while the other waits.

    python -m bench.unmodified_function
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from bench.gateway import HERE, Load, World, of_process, world
from bench.table import Row, main

TURNS = 5
COUNT = 1500
LANES = 4
ENVIRONMENTS = 2
OBJECT_BYTES = 1024
BOOTSTRAP = HERE.parent / "src" / "onread" / "functions" / "bootstrap.py"


@dataclass
class Feeder:
    """The feeder with the functions that it feeds."""

    process: subprocess.Popen[str]
    functions: list[int]

    def feed(self, count: int) -> tuple[float, float]:
        """Events a second, and CPU microseconds of the functions for each."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        before = sum(map(of_process, self.functions))
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        figures = json.loads(self.process.stdout.readline())
        return figures["per_second"], (sum(map(of_process, self.functions)) - before) / count * 1e6


@contextmanager
def feeder() -> Iterator[Feeder]:
    """A feeder and two environments, by the gateway's own bootstrap, for the length of a block."""
    with ExitStack() as stack:
        process = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "bench.feeder", str(OBJECT_BYTES)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=HERE.parent,
            )
        )
        assert process.stdin is not None
        assert process.stdout is not None
        stack.callback(process.stdin.close)
        port = int(process.stdout.readline())
        functions = [stack.enter_context(_environment(port)) for _ in range(ENVIRONMENTS)]
        yield Feeder(process, functions)


@contextmanager
def _environment(port: int) -> Iterator[int]:
    variables = {
        "_HANDLER": "once.handler",
        "LAMBDA_TASK_ROOT": str(HERE / "functions"),
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
        "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{port}",
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        "BOTO_DISABLE_CRT": "true",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "ASIAEXAMPLEEXAMPLE00",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "s" * 320,
        "AWS_LAMBDA_FUNCTION_NAME": "once",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/once",
        "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
        "LANG": "C.UTF-8",
        "PATH": os.environ["PATH"],
    }
    command = [sys.executable, "-I", "-B", str(BOOTSTRAP), "once", str(os.getpid())]
    with subprocess.Popen(
        command, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield process.pid
        finally:
            process.kill()


def run() -> list[Row]:
    """The rate beside the feeder's, and who used the CPU."""
    with ExitStack() as stack:
        gateway, ceiling = stack.enter_context(world()), stack.enter_context(feeder())
        request = _transformed(gateway)
        gateway.load(request, lanes=LANES, count=100, size_bytes=OBJECT_BYTES)
        ceiling.feed(100)
        loads, fed = [], []
        for _ in range(TURNS):
            loads.append(gateway.load(request, lanes=LANES, count=COUNT, size_bytes=OBJECT_BYTES))
            fed.append(ceiling.feed(COUNT))
    return _rows(loads, fed)


def _transformed(gateway: World) -> bytes:
    gateway.put("small", OBJECT_BYTES)
    return gateway.request(gateway.transformed_by("once"), "small")


def _rows(loads: list[Load], fed: list[tuple[float, float]]) -> list[Row]:
    ours, theirs = statistics.median(load.per_second for load in loads), statistics.median(x for x, _ in fed)
    cpu = {kind: statistics.median(load.cpu_us[kind] for load in loads) for kind in loads[0].cpu_us}
    beside = f"{TURNS} x {COUNT}, {LANES} callers, {ENVIRONMENTS} environments, {OBJECT_BYTES} B"
    share = statistics.median(load.cpu_us["gateway"] / sum(load.cpu_us.values()) for load in loads)
    return [
        Row(
            "transformed GETs a second / feeder's",
            beside,
            f"{ours:.0f} / {theirs:.0f}",
            ours / theirs,
            ">= 0.8",
        ),
        Row(
            "gateway's share of all CPU",
            f"of {sum(cpu.values()):.0f} us a GET",
            ", ".join(f"{kind} {figure:.0f} us" for kind, figure in cpu.items()),
            share,
            "<= 0.20",
        ),
        Row(
            "function's CPU below the gateway / below the feeder",
            "the same function",
            f"{cpu['functions']:.0f} / {statistics.median(x for _, x in fed):.0f} us",
            cpu["functions"] / statistics.median(x for _, x in fed),
        ),
    ]


if __name__ == "__main__":
    main(run)
