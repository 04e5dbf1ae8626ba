"""Gateways started by hand, and readers who never stop asking while they come and go."""

import contextlib
import itertools
import json
import os
import subprocess
import sys
import threading
import urllib.request

SERVE = ["-m", "onread", "serve"]


@contextlib.contextmanager
def started(arguments, data_dir, *, environment=None, pass_fds=()):
    """A gateway started by hand, and what it says when it serves."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "ONREAD_"))}
    with subprocess.Popen(
        [sys.executable, *arguments, "--data-dir", str(data_dir)],
        env={**inherited, **(environment or {})},
        stdout=subprocess.PIPE,
        pass_fds=pass_fds,
    ) as process:
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            process.terminate()
            process.wait(30)


class Load:
    """Reads one object again and again over new connections until it is told to stop."""

    def __init__(self, url, expected, context=None, threads=4):
        self.url, self.expected, self.context = url, expected, context
        self.failures, self.count = [], itertools.count()
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.run) for _ in range(threads)]

    def run(self):
        while not self.stop.is_set():
            try:
                with urllib.request.urlopen(self.url, timeout=60, context=self.context) as answer:
                    assert answer.read() == self.expected
                next(self.count)
            except (OSError, AssertionError) as error:
                self.failures.append(error)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.finish()

    def finish(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    @property
    def done(self):
        return int(repr(self.count).removeprefix("count(").removesuffix(")"))
