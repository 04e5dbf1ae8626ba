"""What a function's process runs first: AWS's own runtime client, unmodified, under a few settings.

Started by path, as ``python -I -B bootstrap.py NAME GATEWAY_PID``, by the function's interpreter: it may
be another Python without onread in it, so nothing but the standard library and awslambdaric is needed.
"""

import contextlib
import os
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_SIGKILL = 9


def bind_to(gateway_pid: int) -> None:
    """Die when the gateway does, however it does, and keep orphaned children where the gateway finds them.

    It finds them as long as this process lives: those that left its group stay when it ends by itself.

    The signal is sent when the thread that started this process ends: the gateway's loop thread.
    """
    if sys.platform != "linux":
        return
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    if os.getppid() != gateway_pid:  # it died before the signal was asked for
        os._exit(1)


def set_title(name: str) -> None:
    """Show the function's name in the process list, when this interpreter has setproctitle."""
    with contextlib.suppress(ImportError):
        from setproctitle import setproctitle

        setproctitle(f"onread: function {name}")


def layer_paths(root: "str | None") -> "list[str]":
    """Where layers hold modules, in AWS's order."""
    if not root:
        return []
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return [os.path.join(root, "python", "lib", version, "site-packages"), os.path.join(root, "python")]


def main(name: str, gateway_pid: str) -> None:
    """Start AWS's runtime client with the package's modules first on the path."""
    bind_to(int(gateway_pid))
    set_title(name)
    from awslambdaric.__main__ import main as run  # before the path changes: AWS's, not the package's

    behind = [
        *layer_paths(os.environ.get("ONREAD_LAYERS_ROOT")),
        *os.environ.get("PYTHONPATH", "").split(os.pathsep),
    ]
    behind = [entry for entry in behind if entry]
    sys.path[:0] = [os.environ["LAMBDA_TASK_ROOT"], *behind]
    run(["awslambdaric", os.environ["_HANDLER"]])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
