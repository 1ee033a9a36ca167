import ctypes
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from functools import partial

import numpy as np
import psutil
import pytest
import threadpoolctl

from thalweg.errors import InvalidSettings
from thalweg.problem import Candidates, Evaluations, Problem, Status, evaluate
from thalweg.space import Float
from thalweg.study.executors import Lost, Processes

SPACE = {"x": Float(0, 100)}


def crash(way):
    """End this process in one of the ways that no except clause sees."""
    if way == 1:
        os._exit(3)
    if way == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    if way == 3:
        sys.stderr = None  # the fault handler would print its traceback into the test's output
        import faulthandler

        faulthandler.disable()
        ctypes.string_at(0)
    if way == 4:
        sys.exit(5)
    time.sleep(600)


def evaluate_all(values, objective, workers=2, time_limit=None):
    problem = Problem(objective, SPACE)
    pool = Processes(workers).open(partial(evaluate, problem), time_limit)
    found, left = {}, dict(enumerate(values))
    try:
        while len(found) < len(values):
            while pool.free and left:
                key = min(left)
                pool.submit(key, at(problem, left.pop(key)))
            found.update(pool.wait(None))
    finally:
        pool.close()
    return [found[key] for key in range(len(values))]


def at(problem, *values):
    return Candidates.at(problem.columns, np.array(values, dtype=float)[:, None])


def value(outcome):
    assert isinstance(outcome, Evaluations), outcome
    return outcome.value[0, 0]


def test_batches_come_back_under_their_keys():
    offset = 0.5
    found = evaluate_all([3, 1, 2, 7, 5], lambda p: p["x"] + offset)
    assert [value(outcome) for outcome in found] == [3.5, 1.5, 2.5, 7.5, 5.5]


def test_what_the_objective_raises_is_in_the_evaluations():
    def objective(p):
        raise ValueError("not today")

    (outcome,) = evaluate_all([1], objective, workers=1)
    assert outcome.status.tolist() == [Status.FAILED]
    assert "not today" in outcome.errors[0]


def test_a_crash_costs_its_own_batch_only():
    found = evaluate_all([1, 50, 2, 60, 3, 70, 4], lambda p: p["x"] if p["x"] > 9 else crash(p["x"]))
    assert [value(found[i]) for i in (1, 3, 5)] == [50, 60, 70]
    lost = [found[i] for i in (0, 2, 4, 6)]
    assert all(isinstance(outcome, Lost) and outcome.status == Status.FAILED for outcome in lost)
    words = [
        "exit code 3",
        "SIGKILL (exit code -9; often the memory",
        "SIGSEGV (exit code -11",
        "exit code 5",
    ]
    for outcome, text in zip(lost, words, strict=True):
        assert text in outcome.error


def test_a_batch_over_its_time_limit_is_stopped_and_no_other():
    found = evaluate_all([9, 50, 60, 70], lambda p: p["x"] if p["x"] > 9 else crash(p["x"]), time_limit=0.5)
    assert found[0].status == Status.TIMED_OUT
    assert found[0].error == "stopped at the time limit of 0.5 seconds"
    assert found[0].seconds >= 0.5
    assert [value(outcome) for outcome in found[1:]] == [50, 60, 70]


def test_starting_a_process_does_not_count_for_the_time_limit(monkeypatch):
    slow = SlowToUnpickle()
    found = evaluate_all([9, 50], lambda p: p["x"] if slow and p["x"] > 9 else crash(9), 1, time_limit=0.3)
    assert found[0].status == Status.TIMED_OUT
    assert value(found[1]) == 50


class SlowToUnpickle:
    def __reduce__(self):
        return _slowly, ()


def _slowly():
    time.sleep(0.6)
    return True


def test_waiting_ends_at_its_timeout():
    problem = Problem(lambda p: crash(0), SPACE)
    pool = Processes(1).open(partial(evaluate, problem), None)
    assert pool.wait(None) == []  # nothing runs
    pool.submit(0, at(problem, 1))
    assert pool.free == 0
    assert pool.wait(0.05) == []
    pool.close()


def test_closing_kills_at_once_what_runs_and_what_it_started(tmp_path):
    note = tmp_path / "pid"

    def objective(p):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        note.with_suffix(".part").write_text(str(child.pid))
        note.with_suffix(".part").rename(note)
        time.sleep(600)

    problem = Problem(objective, SPACE)
    before = set(psutil.Process().children())
    pool = Processes(2).open(partial(evaluate, problem), None)
    workers = [p for p in psutil.Process().children() if p not in before and "popen_loky" in " ".join(p.cmdline())]
    assert len(workers) == 2
    pool.submit(0, at(problem, 1))
    while not note.exists():
        assert pool.wait(0.05) == []
    pool.close()
    assert not any(worker.is_running() for worker in workers)  # not even as zombies
    assert gone(int(note.read_text()))


def test_nothing_is_left_open():
    evaluate_all([50], lambda p: p["x"], workers=1)  # loky keeps its resource tracker from here on
    gc.collect()
    before = psutil.Process().num_fds()
    evaluate_all([1, 50], lambda p: p["x"] if p["x"] > 9 else crash(1), workers=1)
    gc.collect()
    assert psutil.Process().num_fds() == before
    assert [t for t in threading.enumerate() if t is not threading.main_thread() and not t.daemon] == []


def test_the_processors_are_divided(monkeypatch):
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)

    def objective(p):
        import joblib

        np.ones((4, 4)) @ np.ones((4, 4))
        threads = [library["num_threads"] for library in threadpoolctl.threadpool_info()]
        return max([joblib.cpu_count(), int(os.environ["OMP_NUM_THREADS"]), *threads])

    (outcome,) = evaluate_all([1], objective, workers=1)
    assert value(outcome) == 1


def test_ctrl_c_is_for_the_parent():
    def objective(p):
        os.kill(os.getpid(), signal.SIGINT)
        return p["x"]

    assert value(evaluate_all([7], objective, workers=1)[0]) == 7


def test_an_objective_may_start_processes():
    def objective(p):
        process = multiprocessing.get_context("fork").Process(target=int)
        process.start()
        process.join()
        return process.exitcode

    assert value(evaluate_all([7], objective, workers=1)[0]) == 0


def test_what_cannot_be_pickled_is_refused_in_words():
    lock = threading.Lock()
    with pytest.raises(InvalidSettings, match=r"cannot be sent to another process .*lock.*Serial\(\)"):
        Processes(1).open(lambda candidates: lock, None)


def test_what_cannot_be_unpickled_is_refused_in_words():
    broken = Broken()
    with pytest.raises(InvalidSettings, match="cannot be used in another process: RuntimeError: only here"):
        Processes(2).open(lambda candidates: broken, None)


class Broken:
    def __reduce__(self):
        return _refuse, ()


def _refuse():
    raise RuntimeError("only here")


@pytest.mark.parametrize("workers", [0, -1, 1.5, True])
def test_a_number_of_workers_is_checked(workers):
    with pytest.raises(InvalidSettings, match="at least 1"):
        Processes(workers)


SCRIPT = """
    import subprocess, sys, time
    import numpy as np
    from functools import partial
    from thalweg.problem import Candidates, Problem, evaluate
    from thalweg.space import Float
    from thalweg.study.executors import Processes

    def objective(p):
        subprocess.Popen(["sleep", "600"])
        open(sys.argv[1] + str(p["x"]), "w").close()
        time.sleep(600)

    problem = Problem(objective, {"x": Float(0, 1)})
    pool = Processes(2).open(partial(evaluate, problem), None)
    pool.submit(0, Candidates.at(problem.columns, np.array([[0.0]])))
    print("ready", flush=True)
    try:
        pool.wait(None)
    except KeyboardInterrupt:
        print("interrupted", flush=True)  # and the pool is not closed, for a user may forget that
"""


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_workers_do_not_outlive_their_parent(sent, tmp_path):
    script = tmp_path / "script.py"  # without if __name__ == "__main__"
    script.write_text(textwrap.dedent(SCRIPT))
    note = tmp_path / "x"
    process = subprocess.Popen(
        [sys.executable, script, note], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout.readline() == "ready\n"
    while not (tmp_path / "x0.0").exists():
        time.sleep(0.02)
    family = psutil.Process(process.pid).children(recursive=True)
    assert "sleep" in [member.name() for member in family]
    if sent == signal.SIGINT:
        os.killpg(process.pid, sent)  # as a terminal does it: to all of them
    else:
        process.kill()
    out, err = process.communicate(timeout=60)
    assert err == ""
    assert out == ("interrupted\n" if sent == signal.SIGINT else "")
    _, alive = psutil.wait_procs(family, timeout=30)
    assert alive == []


def gone(pid):
    """Wait a moment for a killed process to be collected by whoever has to."""
    for _ in range(200):
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False
