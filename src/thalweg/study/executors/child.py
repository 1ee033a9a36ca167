"""What runs in a process of :class:`thalweg.study.executors.Processes`."""

import contextlib
import os
import pickle
import signal
import threading
import time
from multiprocessing.connection import Connection
from typing import Any

from thalweg.study.worker import is_alive

__all__ = ["kill_family", "serve"]


def serve(channel: "Connection[Any, Any]", parent: str) -> None:
    """Receive a pickled task, answer None or why it cannot be used, then answer candidates with evaluations.

    Args:
        channel: To the parent.
        parent: Its worker identity; this process does not outlive it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends its children
    threading.Thread(target=_follow, args=(parent,), daemon=True).start()
    with contextlib.suppress(EOFError, ConnectionError):  # the parent is no more, or has no more to do
        payload = channel.recv_bytes()
        try:
            task = pickle.loads(payload)
        except Exception as error:  # whatever the unpickling of a user's objects raises
            channel.send(f"{type(error).__name__}: {error}")
            return
        channel.send(None)
        while True:
            channel.send(task(channel.recv()))


def kill_family(pids: list[int]) -> None:
    """Kill processes, and those that they have started."""
    import psutil

    family = []
    for pid in pids:
        try:
            process = psutil.Process(pid)
            family += [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            continue
    for process in reversed(family):  # oneself last, where one is among them
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue


def _follow(parent: str) -> None:
    """End with the parent, however it ended."""
    while is_alive(parent):
        time.sleep(0.5)
    kill_family([os.getpid()])
