"""Gateways of several workers, seen from outside: who their processes are and what each has open."""

import urllib.error
import urllib.request

import psutil

from .conftest import World


def workers(world: World) -> dict[int, psutil.Process]:
    """The workers' processes, by pid."""
    return {child.pid: child for child in world.process().children() if _lives(child)}


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # it ended since it was listed
        return False


def worker_of(puppet) -> int:
    """The process that runs a function's environment."""
    return psutil.Process(puppet.pid).ppid()


def holder_of(world: World, client_port: int) -> int | None:
    """The worker that holds the other end of a client's connection to the front door."""
    for pid, worker in workers(world).items():
        for connection in worker.net_connections("tcp"):
            if connection.raddr and (connection.raddr.port, connection.laddr.port) == (
                client_port,
                world.address[1],
            ):
                return pid
    return None


def admin(world: World, path: str) -> tuple[int, str]:
    """What the admin listener answers; status 0 when nobody listens."""
    try:
        with urllib.request.urlopen(world.gateway.admin_endpoint + path, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""
    except OSError:
        return 0, ""
