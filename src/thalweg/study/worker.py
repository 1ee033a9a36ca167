"""Who evaluates a trial: a process, by a name that tells whether it still lives."""

import itertools
import os
import socket
import weakref
from typing import Any

__all__ = ["employ", "is_alive", "worker_identity"]

_EMPLOYED: "weakref.WeakValueDictionary[str, Any]" = weakref.WeakValueDictionary()
_COUNT = itertools.count()


def worker_identity() -> str:
    """Name this process: host, process id, and start time, for ids are used again.

    Example:
        >>> is_alive(worker_identity())
        True
    """
    import psutil  # here, for "import thalweg" is not to wait for it

    return f"{socket.gethostname()}:{os.getpid()}:{_started(psutil.Process())}"


def employ(owner: Any) -> str:
    """Name a worker of this process that is at work as long as its owner, a study, exists.

    Example:
        >>> class Owner: ...
        >>> owner = Owner()
        >>> worker = employ(owner)
        >>> is_alive(worker)
        True
        >>> del owner
        >>> is_alive(worker)
        False
    """
    worker = f"{worker_identity()}#{next(_COUNT)}"
    _EMPLOYED[worker] = owner
    return worker


def is_alive(worker: str) -> bool:
    """Tell whether a worker may still be at work.

    Of a worker on another host nothing can be known from here: it counts as alive. The empty string is nobody
    and counts as dead.

    Args:
        worker: What :func:`worker_identity` or :func:`employ` gave it.

    Example:
        >>> is_alive("")
        False
    """
    import psutil

    if not worker:
        return False
    process_name, _, number = worker.partition("#")
    host, pid, started = process_name.rsplit(":", 2)
    if host != socket.gethostname():
        return True
    if number and process_name == worker_identity():
        return worker in _EMPLOYED
    try:
        process = psutil.Process(int(pid))
        # The start time is reckoned from the time of boot, which a correction of the clock moves by a second.
        same = abs(_started(process) - int(started)) <= 2
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:  # somebody else's process, which exists
        return True


def _started(process: Any) -> int:
    return int(process.create_time())
