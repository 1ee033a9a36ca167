"""Evaluating in processes of this machine, each of which can die or be stopped without harm to the others."""

import math
import os
import pickle
import signal
import time
from dataclasses import dataclass
from multiprocessing import connection, util
from typing import final

from thalweg.checks import whole_number
from thalweg.errors import InvalidSettings
from thalweg.problem import Candidates, Evaluations, Status
from thalweg.study.executors.base import Executor, Lost, Pool, Task
from thalweg.study.executors.child import kill_family, serve
from thalweg.study.worker import worker_identity

__all__ = ["Processes"]

_THREADS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "LOKY_MAX_CPU_COUNT",
)  # fmt: skip
_MEANINGS = {"SIGKILL": "; often the memory was used up", "SIGSEGV": "; a fault in compiled code"}
_GLANCE = 1.0  # seconds: a process whose own children hold its connection open dies without closing it


@final
@dataclass(frozen=True)
class Processes(Executor):
    """Evaluate in several processes at once.

    A process that crashes costs the batch that it ran and nothing else; one that exceeds the time limit is
    killed; both are replaced. The objective may be a lambda or a closure, and a script needs no
    ``if __name__ == "__main__"``. What the objective changes outside itself stays in its process.

    Args:
        workers: Number of processes, at least 1; where it is None, one for each processor that may be used.
            The processors are divided: each process limits its threads (BLAS, OpenMP, joblib) to its share.

    Raises:
        InvalidSettings: ``workers`` is out of its range.

    Example:
        >>> Processes(4)
        Processes(workers=4)
    """

    workers: int | None = None

    def __post_init__(self) -> None:
        """Check the number of workers."""
        if self.workers is not None:
            whole_number("workers", self.workers, least=1)

    def open(self, task: Task, time_limit: float | None) -> Pool:
        """Start the processes, and give each the task."""
        import cloudpickle  # this and loky are loaded here, for a run in one process is not to wait for them
        import loky

        try:
            payload = cloudpickle.dumps(task)
        except Exception as error:  # whatever the pickling of a user's objects raises
            raise InvalidSettings(
                f"the objective cannot be sent to another process ({type(error).__name__}: {error}); let it "
                "open by itself what cannot travel (files, connections, locks), or use executor=Serial()"
            ) from error
        processors = loky.cpu_count()
        workers = processors if self.workers is None else int(self.workers)
        pool = _ProcessPool(payload, workers, max(1, processors // workers), time_limit)
        try:
            pool.check()
        except BaseException:
            pool.close()
            raise
        return pool


@final
class _ProcessPool(Pool):
    def __init__(self, payload: bytes, workers: int, threads: int, time_limit: float | None) -> None:
        self.payload, self.threads, self.time_limit = payload, threads, time_limit
        self.workers: list[_Worker] = []
        # Also where the pool is lost, or the interpreter ends, without close().
        self._finalize = util.Finalize(self, _end, (self.workers,), exitpriority=0)
        for _ in range(workers):
            self.workers.append(_Worker(threads))
        for worker in self.workers:  # they start up while the first ones are being sent the task
            worker.send(payload)

    def check(self) -> None:
        """Wait until one process has unpickled the task, which is the same for all."""
        worker = self.workers[0]
        worker.receive(None)
        if worker.ready is None:
            raise InvalidSettings(f"the objective cannot be used in another process: {worker.end()}")

    @property
    def free(self) -> int:
        return sum(worker.key is None for worker in self.workers)

    def submit(self, key: int, candidates: Candidates) -> None:
        index = next(i for i, worker in enumerate(self.workers) if worker.key is None)
        if self.workers[index].dead:
            self._replace(index)
        self.workers[index].begin(key, candidates)

    def wait(self, timeout: float | None) -> list[tuple[int, Evaluations | Lost]]:
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            looks = [self._look(index) for index in range(len(self.workers))]
            done = [outcome for outcome in looks if outcome is not None]
            busy = [worker for worker in self.workers if worker.key is not None]
            left = deadline - time.monotonic()
            if done or not busy or left <= 0:
                return done
            limits = [worker.seconds_left(self.time_limit) for worker in busy]
            connection.wait([worker.channel for worker in busy], max(0.0, min(left, _GLANCE, *limits)))

    def close(self) -> None:
        self._finalize()
        self.workers.clear()

    def _look(self, index: int) -> tuple[int, Evaluations | Lost] | None:
        """See whether the batch of a worker has come to an end."""
        worker = self.workers[index]
        if worker.key is None:
            return None
        key = worker.key
        dead = worker.dead  # asked before the channel is read, where its last evaluations may lie
        outcome: Evaluations | Lost | None = worker.receive(0.0)
        if outcome is None and (dead or worker.gone):
            outcome = Lost(Status.FAILED, worker.end(), worker.seconds)
        elif outcome is None and worker.seconds_left(self.time_limit) <= 0:
            words = f"stopped at the time limit of {self.time_limit:g} seconds"
            outcome = Lost(Status.TIMED_OUT, words, worker.seconds)
        if outcome is None:
            return None
        worker.key = None
        if isinstance(outcome, Lost):
            self._replace(index)
        return key, outcome

    def _replace(self, index: int) -> None:
        _end([self.workers[index]])
        self.workers[index] = _Worker(self.threads)
        self.workers[index].send(self.payload)


@final
class _Worker:
    """The parent's side of one process, and the batch that it runs."""

    def __init__(self, threads: int) -> None:
        from loky.backend import get_context

        context = get_context("loky")
        self.channel, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, worker_identity()), env=_environment(threads))
        self.process.start()
        theirs.close()
        self.key: int | None = None
        self.begun = 0.0
        self.ready: float | None = None  # when the task was unpickled
        self.refusal = ""
        self.gone = False  # its end of the channel is closed

    @property
    def dead(self) -> bool:
        return self.gone or self.process.exitcode is not None

    @property
    def seconds(self) -> float:
        """Time since the batch has begun, the process being ready for it."""
        return time.monotonic() - max(self.begun, self.ready or 0.0)

    def seconds_left(self, limit: float | None) -> float:
        return math.inf if limit is None or self.ready is None else limit - self.seconds

    def begin(self, key: int, candidates: Candidates) -> None:
        self.key, self.begun = key, time.monotonic()
        self.send(pickle.dumps(candidates, pickle.HIGHEST_PROTOCOL))

    def send(self, data: bytes) -> None:
        try:
            self.channel.send_bytes(data)
        except OSError:
            self.gone = True

    def receive(self, timeout: float | None) -> Evaluations | None:
        """Take the next evaluations, if they come within the seconds."""
        try:
            while self.channel.poll(timeout):
                message = self.channel.recv()
                if isinstance(message, Evaluations):
                    return message
                if message is not None:
                    self.refusal = message
                    return None
                self.ready, timeout = time.monotonic(), 0.0
        except (EOFError, OSError):
            self.gone = True
        return None

    def end(self) -> str:
        """Say how the process ended."""
        if self.refusal:
            return self.refusal
        self.process.join(5.0)
        code = self.process.exitcode
        if code is None or code >= 0:
            return f"the process ended (exit code {code})"
        name = next((known.name for known in signal.Signals if known == -code), f"signal {-code}")
        return f"the process was killed by {name} (exit code {code}{_MEANINGS.get(name, '')})"


def _end(workers: list[_Worker]) -> None:
    """Kill processes with all that they have started, and collect them."""
    # Not those that were collected before: another process may have their id by now.
    kill_family([worker.process.pid for worker in workers if worker.process.exitcode is None])
    for worker in workers:
        worker.process.join()
        worker.channel.close()


def _environment(threads: int) -> dict[str, str]:
    """Limit the threads of a process to its share, or to less where the user's environment says so."""
    given = {name: os.environ.get(name, "") for name in _THREADS}
    return {
        name: str(min(threads, int(text)) if text.isdigit() and int(text) else threads) for name, text in given.items()
    }
