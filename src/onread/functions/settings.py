"""The pool's settings: every limit of a function's life, in one frozen place."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSettings:
    """How functions are run. Times are seconds, sizes what their names say.

    Attributes:
        cache_directory: unpacked packages and the work folders of environments; the pool's own.
        search_path: folders, as in PATH, in which interpreters are looked for.
        environments_limit: processes over all functions; each function has its own number below that.
        share: which of how many pools this is, from 0: a function's number is divided among them, and
            each has at least one.
        queue_limit: invocations of one function that may wait for an environment.
        start_timeout_seconds: from the start of a process to its first request for an event.
        abandon_grace_seconds: how long a run goes on that nobody waits for any more.
        next_timeout_seconds: from an answer to the request for the next event.
        idle_seconds: how long an unused environment is kept.
        kill_wait_seconds: how long the end of a killed process is waited for.
        environment_life_seconds: the age at which one is replaced when it has no run. Its credentials
            must live ``idle_seconds`` and the longest function timeout longer.
        backoff_first_seconds, backoff_last_seconds: the pause after a failed start, doubled up to the last.
        memory_allowance_mb: what a process may hold beyond its function's memory: the limit counts
            reserved private memory (stacks, the interpreter's own), Lambda counts what is resident.
        open_files: descriptors a process may hold.
        code_cache_bytes: unpacked packages; beyond it those that nobody uses make room.
        log_bytes_per_invocation: what is over it is dropped, with a marker.
        log_bytes_per_function: the latest lines kept in memory.
    """

    cache_directory: Path
    search_path: str = "/usr/local/bin:/usr/bin:/bin"
    environments_limit: int = 64
    share: tuple[int, int] = (0, 1)
    queue_limit: int = 100
    start_timeout_seconds: float = 10.0
    abandon_grace_seconds: float = 5.0
    next_timeout_seconds: float = 5.0
    kill_wait_seconds: float = 5.0
    idle_seconds: float = 600.0
    environment_life_seconds: float = 5 * 3600.0
    backoff_first_seconds: float = 1.0
    backoff_last_seconds: float = 60.0
    memory_allowance_mb: int = 128
    open_files: int = 1024
    code_cache_bytes: int = 2 << 30
    log_bytes_per_invocation: int = 256 * 1024
    log_bytes_per_function: int = 1024 * 1024

    def share_of(self, whole: int) -> int:
        """What this pool has of something that all have together: at least one; the first have the rest."""
        index, count = self.share
        return max((whole + count - 1 - index) // count, 1)
