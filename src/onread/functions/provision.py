"""What an execution environment is made of, before its process exists.

Names what the pool hands to every supervisor, and puts together the one command that starts a function.
"""

import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from onread.functions import bootstrap
from onread.functions.logs import Clock
from onread.functions.process import Command, Launcher, Limits
from onread.functions.runtimes import Interpreter
from onread.functions.settings import PoolSettings
from onread.functions.variables import Surroundings, build_environment
from onread.metadata.records import Function
from onread.wire.message import Handler

Serve = Callable[[Handler], AbstractAsyncContextManager[str]]
"""Serves a handler on a loopback port of its own while the scope is open; gives ``host:port``."""
Credentials = Callable[[Function, str], tuple[str, str, str]]
"""(function, environment id) -> access key id, secret access key, session token."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a process needs before it can be started; ``layers_root`` is what AWS has at ``/opt``."""

    interpreter: Interpreter
    task_root: Path
    layers_root: Path | None = None


class Surround(Protocol):
    """What every environment shares: the pool, as far as they know it."""

    settings: PoolSettings
    serve: Serve
    launcher: Launcher
    clock: Clock
    credentials: Credentials
    endpoint: Callable[[], str]

    def prepare(self, function: Function) -> AbstractAsyncContextManager[Prepared]:
        """Find the interpreter and unpack the code, which stays until the scope is left.

        Raises ServiceError or OSError.
        """
        ...


def build_command(
    surround: Surround,
    function: Function,
    environment_id: str,
    prepared: Prepared,
    *,
    work_directory: Path,
    address: str,
) -> Command:
    """The process of one environment: AWS's runtime client under the function's interpreter.

    ``address`` is where its Runtime API listens. No shell is involved, and the function's name is an
    argument, never part of a path or of code.
    """
    settings = surround.settings
    script = Path(bootstrap.__file__)
    access_key_id, secret_access_key, session_token = surround.credentials(function, environment_id)
    given = Surroundings(
        runtime_api=address,
        task_root=str(prepared.task_root),
        layers_root=None if prepared.layers_root is None else str(prepared.layers_root),
        runtime_directory=str(script.parent),
        work_directory=str(work_directory),
        endpoint=surround.endpoint(),
        access_key_id=access_key_id,
        secret_access_key=secret_access_key,
        session_token=session_token,
        log_stream=f"{surround.clock():%Y/%m/%d}/[{function.version}]{environment_id}",
    )
    return Command(
        arguments=[prepared.interpreter.path, "-I", "-B", str(script), function.name, str(os.getpid())],
        environment=build_environment(function, given),
        directory=prepared.task_root,
        limits=Limits(
            data_bytes=(function.memory_mb + settings.memory_allowance_mb) * 1024 * 1024,
            open_files=settings.open_files,
            file_bytes=function.ephemeral_storage_mb * 1024 * 1024,
        ),
    )
