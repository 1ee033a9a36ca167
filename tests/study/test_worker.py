import os
import socket
import subprocess
import sys

import psutil

from thalweg.study.worker import is_alive, worker_identity


def identity(pid: int) -> str:
    return f"{socket.gethostname()}:{pid}:{int(psutil.Process(pid).create_time())}"


def test_a_worker_is_host_process_and_start():
    assert worker_identity() == identity(os.getpid())
    assert is_alive(worker_identity())


def test_nobody_is_not_alive():
    assert not is_alive("")


def test_of_another_host_nothing_is_known():
    assert is_alive(f"{socket.gethostname()}-b:1:1")


def test_a_process_that_ended_is_not_alive():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    worker = identity(process.pid)
    assert is_alive(worker)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not is_alive(worker)  # a zombie does no work
    process.communicate()
    assert not is_alive(worker)


def test_an_id_used_again_is_another_worker():
    host, pid, started = worker_identity().rsplit(":", 2)
    assert not is_alive(f"{host}:{pid}:{int(started) - 100}")
    assert is_alive(f"{host}:{pid}:{int(started) - 1}")  # the clock at boot is not that exact
