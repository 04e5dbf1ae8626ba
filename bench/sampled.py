"""A gateway whose CPU is sampled: which stage of the road was at work at each tick of its own CPU time.

    python bench/sampled.py OUTPUT COMMAND...     runs a ``python -m onread ...`` in this process

SIGUSR1 starts counting, SIGUSR2 stops it and writes the counts as JSON. In between the kernel interrupts the
process at each tick of the CPU that it uses, and the stack is read; the code that is measured is that which
users run, and knows nothing of it.
"""

import json
import os
import runpy
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

TICK_SECONDS = 0.001
SOURCE = str(Path(__file__).resolve().parent.parent / "src" / "onread") + os.sep

# By the innermost frame that belongs to one of these. What serves several stages (wire, the encoding of
# signatures) belongs to whoever called it.
_STAGES = {
    "server/loop": "loop",
    "server/": "server",
    "addressing/": "locate, route, parse",
    "protocol/serialize": "serialize",
    "protocol/error_document": "serialize",
    "protocol/": "locate, route, parse",
    "gateway/route": "locate, route, parse",
    "sigv4/claim": "verify",
    "sigv4/read": "verify",
    "sigv4/verify": "verify",
    "sigv4/sign.py": "event, tokens, presign",
    "gateway/authenticate": "verify",
    "gateway/resolve": "policy",
    "gateway/authorize": "policy",
    "gateway/asker": "policy",
    "gateway/attached_policies": "policy",
    "gateway/own_policies": "policy",
    "gateway/stored_policy": "policy",
    "gateway/conditions": "policy",
    "policy/": "policy",
    "objectlambda/event": "event, tokens, presign",
    "objectlambda/input_url": "event, tokens, presign",
    "objectlambda/route_token": "event, tokens, presign",
    "objectlambda/transform": "rendezvous",
    "objectlambda/rendezvous": "rendezvous",
    "objectlambda/relay": "relay",
    "objectlambda/": "rendezvous",
    "functions/runtime_api": "runtime API",
    "functions/": "functions",
    "stores/": "store",
    "gateway/admission": "admission",
    "gateway/gate": "admission",
    "outbound/": "outbound",
    "gateway/observe": "log, metrics",
    "telemetry/": "log, metrics",
    "gateway/": "pipeline, dispatch",
}


def stage_of(frame: FrameType | None) -> str:
    """The stage at work in this frame or, when it is shared code, in who called it."""
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(SOURCE):
            place = name[len(SOURCE) :]
            for prefix, stage in _STAGES.items():
                if place.startswith(prefix):
                    return stage
        frame = frame.f_back
    return "loop"


def place_of(frame: FrameType | None) -> str:
    """File and function of a frame, for who looks closer."""
    if frame is None:
        return "nothing"
    return f"{frame.f_code.co_filename.removeprefix(SOURCE)}:{frame.f_code.co_name}"


def watch(output: Path) -> None:
    """Obey the two signals from now on."""
    stages: Counter[str] = Counter()
    places: Counter[str] = Counter()

    def tick(_number: int, frame: FrameType | None) -> None:
        stages[stage_of(frame)] += 1
        places[place_of(frame)] += 1

    def start(_number: int, _frame: FrameType | None) -> None:
        stages.clear()
        places.clear()
        signal.setitimer(signal.ITIMER_PROF, TICK_SECONDS, TICK_SECONDS)

    def stop(_number: int, _frame: FrameType | None) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        aside = output.with_suffix(".part")
        aside.write_text(json.dumps({"stages": stages, "places": places}))
        aside.rename(output)

    signal.signal(signal.SIGPROF, tick)
    signal.signal(signal.SIGUSR1, start)
    signal.signal(signal.SIGUSR2, stop)
    signal.siginterrupt(signal.SIGPROF, False)


if __name__ == "__main__":
    watch(Path(sys.argv[1]))
    sys.argv = ["onread", *sys.argv[sys.argv.index("onread") + 1 :]]
    sys.path.pop(0)  # this folder: its modules are none of the gateway's
    runpy.run_module("onread", run_name="__main__")
