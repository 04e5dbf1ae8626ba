"""Which interpreter serves ``python3.X``.

That interpreter when it is installed and has AWS's runtime client, else the nearest newer one with a
warning, else a refusal that says what to install. Blocking (it starts interpreters to ask them): call it
in a thread. Answers are remembered; what is installed later is found after a restart.
"""

import re
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass

from onread.errors import InvalidParameterValueException

_PYTHON = re.compile(r"python3\.(\d{1,2})")
_KNOWN_ELSEWHERE = re.compile(r"(nodejs|java|dotnet|ruby|provided|go)[0-9a-z.]*")
_NEWEST_MINOR = 30
_PROBE = (
    "import importlib.util as u, sys;"
    "print(sys.version_info[1], all(u.find_spec(n) for n in ('awslambdaric', 'runtime_client')))"
)


@dataclass(frozen=True, slots=True)
class Interpreter:
    """An interpreter that can run a function; ``warning`` is text for the function's state reason."""

    path: str
    version: str
    warning: str | None = None


class Runtimes:
    """The interpreters of this machine.

    Args:
        search_path: folders as in PATH, in which ``python3.X`` is looked for.
        own: the interpreter that runs the gateway; it counts for its own version.
    """

    def __init__(
        self,
        *,
        search_path: str,
        own: str = sys.executable,
        own_minor: int = sys.version_info.minor,
    ) -> None:
        self._search_path = search_path
        self._own = own
        self._own_minor = own_minor
        self._usable: dict[int, str | None] = {}
        self._lock = threading.Lock()

    def resolve(self, runtime: str) -> Interpreter:
        """The interpreter that serves this runtime.

        Raises:
            InvalidParameterValueException: no runtime of that name, or none installed that could serve it.
        """
        match = _PYTHON.fullmatch(runtime)
        if match is None:
            raise InvalidParameterValueException(_refusal(runtime))
        wanted = int(match[1])
        for minor in range(wanted, max(_NEWEST_MINOR, wanted) + 1):
            path = self._find(minor)
            if path is not None:
                return Interpreter(path, f"3.{minor}", _warning(wanted, minor))
        raise InvalidParameterValueException(
            f"The runtime {runtime} cannot be served here: install python3.{wanted} or newer together with "
            f"AWS's runtime client ('python3.{wanted} -m pip install awslambdaric boto3 requests'), "
            "or name a runtime that is installed."
        )

    def _find(self, minor: int) -> str | None:
        with self._lock:
            if minor not in self._usable:
                self._usable[minor] = self._probe(minor)
            return self._usable[minor]

    def _probe(self, minor: int) -> str | None:
        if minor == self._own_minor and _answers(self._own, minor):
            return self._own
        path = shutil.which(f"python3.{minor}", path=self._search_path)
        return path if path is not None and _answers(path, minor) else None


def _answers(path: str, minor: int) -> bool:
    """Whether this is the version its name claims and has the runtime client."""
    try:
        done = subprocess.run(
            [path, "-I", "-c", _PROBE],
            env={},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and done.stdout.split() == [str(minor).encode(), b"True"]


def _warning(wanted: int, served: int) -> str | None:
    if wanted == served:
        return None
    return f"python3.{wanted} is not installed here with AWS's runtime client: python3.{served} serves it."


def _refusal(runtime: str) -> str:
    if _KNOWN_ELSEWHERE.fullmatch(runtime):
        return f"The runtime {runtime} is not served by onread yet: use python3.X."
    return f"There is no runtime {runtime[:80]!r}: use python3.X."
