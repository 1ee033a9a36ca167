"""Who evaluates a trial: a process, by a name that tells whether it still lives."""

import os
import socket
from typing import Any

__all__ = ["is_alive", "worker_identity"]


def worker_identity() -> str:
    """Name this process: host, process id, and start time, for ids are used again.

    Example:
        >>> is_alive(worker_identity())
        True
    """
    import psutil  # here, for "import thalweg" is not to wait for it

    return f"{socket.gethostname()}:{os.getpid()}:{_started(psutil.Process())}"


def is_alive(worker: str) -> bool:
    """Tell whether a worker may still be at work.

    Of a worker on another host nothing can be known from here: it counts as alive. The empty string is nobody
    and counts as dead.

    Args:
        worker: What :func:`worker_identity` gave it.

    Example:
        >>> is_alive("")
        False
    """
    import psutil

    if not worker:
        return False
    host, pid, started = worker.rsplit(":", 2)
    if host != socket.gethostname():
        return True
    try:
        process = psutil.Process(int(pid))
        # The start time is reckoned from the time of boot, which a correction of the clock moves by a second.
        same = abs(_started(process) - int(started)) <= 2
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _started(process: Any) -> int:
    return int(process.create_time())
