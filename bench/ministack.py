"""MiniStack beside the gateway, for the record: a transformed GET where it has one.

It is no dependency. Install it aside and say where: ONREAD_BENCH_MINISTACK=/tmp/ministack/bin/ministack

    python -m bench.ministack
"""

import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
