"""A fit that was killed goes on from its last pass, to the same answer; another fit is refused."""

import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.sparse import csr_array

from thalweg.errors import ContradictorySettings, StorageError, UnreadableState
from thalweg.serial import to_bytes
from thalweg.training.losses import Logistic, Squared
from thalweg.training.objective import LinearObjective
from thalweg.training.penalties import L2, NoPenalty
from thalweg.training.rows import rows as rows_module
from thalweg.training.rows import rows_of, with_targets
from thalweg.training.rows.parquet import ParquetRows
from thalweg.training.solvers.newton import Newton
from thalweg.training.solvers.pass_log import PassLog


def problem(n=200, d=3, loss=None):
    random = np.random.default_rng(0)
    X = random.normal(size=(n, d))
    y = (X.sum(axis=1) + random.normal(size=n) > 0).astype(float)
    return LinearObjective(rows_of(X, y), loss or Logistic(), L2(), 0.1, intercept=True)


class Killed(Exception):
    """In place of a signal, where the process should go on."""


class DyingLog:
    """A log whose process dies after so many passes."""

    def __init__(self, log, passes):
        self.log, self.passes, self.load = log, passes, log.load

    def save(self, state):
        self.log.save(state)
        self.passes -= 1
        if not self.passes:
            raise Killed


@pytest.mark.parametrize("passes", [1, 2, 3])
def test_going_on_gives_the_same_answer_bit_for_bit(tmp_path, passes):
    objective, log = problem(), PassLog(tmp_path / "fit.log")
    expected = Newton().solve(objective)
    assert expected.iterations > 3
    with pytest.raises(Killed):
        Newton().solve(objective, log=DyingLog(log, passes))
    assert log.load(Newton(), objective).passes == passes
    solution = Newton().solve(objective, log=PassLog(tmp_path / "fit.log"))
    assert np.array_equal(solution.theta, expected.theta)
    assert replace(solution, theta=0) == replace(expected, theta=0)
    assert list(tmp_path.iterdir()) == []  # it is done, and the file with it


CHILD = """
import os, signal, sys
from thalweg.training.losses import Logistic
from thalweg.training.objective import LinearObjective
from thalweg.training.penalties import L2
from thalweg.training.rows import rows
from thalweg.training.rows.parquet import ParquetRows
from thalweg.training.solvers.newton import Newton
from thalweg.training.solvers.pass_log import PassLog

rows.CHUNK_BYTES = 2**14
passes = 0
def kill(done, total):
    global passes
    passes += done == total
    if passes == 3 and done < total:  # in the middle of the fourth
        os.kill(os.getpid(), signal.SIGKILL)

rows = ParquetRows(sys.argv[1], "y", classes=True, observe=kill)
objective = LinearObjective(rows, Logistic(), L2(), 0.1, intercept=True)
Newton().solve(objective, log=PassLog(sys.argv[2]))
"""


def test_a_killed_process(tmp_path, monkeypatch):
    monkeypatch.setattr(rows_module, "CHUNK_BYTES", 2**14)
    table, path, log = problem(3000, 5).rows, tmp_path / "table.parquet", tmp_path / "fit.log"
    columns = {f"x{j}": column for j, column in enumerate(table.X.T)}
    pq.write_table(pa.table(columns | {"y": table.y.astype(np.int64)}), path, compression="none", use_dictionary=False)
    child = subprocess.run([sys.executable, "-c", CHILD, path, log], capture_output=True)
    assert child.returncode == -signal.SIGKILL, child.stderr.decode()
    objective = LinearObjective(ParquetRows(path, "y", classes=True), Logistic(), L2(), 0.1, intercept=True)
    before = PassLog(log).load(Newton(), objective)
    solution, expected = Newton().solve(objective, log=PassLog(log)), Newton().solve(objective)
    assert 0 < before.passes < expected.iterations
    assert np.array_equal(solution.theta, expected.theta)
    assert replace(solution, theta=0) == replace(expected, theta=0)


def changed_y(objective):
    rows = objective.rows
    return replace(objective, rows=rows_of(rows.X, 1 - rows.y))


@pytest.mark.parametrize(
    "change, said",
    [
        (changed_y, "other rows"),
        (lambda objective: replace(objective, rows=with_targets(objective.rows, lambda y: 1 - y)), "other rows"),
        (
            lambda objective: replace(objective, rows=rows_of(objective.rows.X[:-1], objective.rows.y[:-1])),
            "other rows",
        ),
        (
            lambda objective: replace(objective, rows=rows_of(csr_array(objective.rows.X), objective.rows.y)),
            "other rows",
        ),
        (
            lambda objective: replace(
                objective, rows=rows_of(objective.rows.X, objective.rows.y, objective.rows.y + 1)
            ),
            "other rows",
        ),
        (lambda objective: replace(objective, loss=Squared()), r"loss=Logistic\(\), and not of Squared\(\)"),
        (lambda objective: replace(objective, penalty=NoPenalty()), r"penalty=L2\(\), and not of NoPenalty\(\)"),
        (lambda objective: replace(objective, strength=0.2), "strength=0.1, and not of 0.2"),
        (lambda objective: replace(objective, intercept=False), "intercept=True, and not of False"),
    ],
)
def test_another_problem_is_refused_and_the_file_kept(tmp_path, change, said):
    log = PassLog(tmp_path / "fit.log")
    log.load(Newton(), problem())
    log.save("state")
    with pytest.raises(ContradictorySettings, match=said):
        PassLog(log.path).load(Newton(), change(problem()))
    with pytest.raises(ContradictorySettings, match=r"solver=Newton\(.*seed=0\), and not of Newton\(.*seed=1\)"):
        PassLog(log.path).load(Newton(seed=1), problem())
    assert PassLog(log.path).load(Newton(), problem()) == "state"


def test_a_half_written_file_is_never_read(tmp_path):
    log = PassLog(tmp_path / "fit.log")
    assert log.load(Newton(), problem()) is None
    log.save("first")
    (tmp_path / "fit.log.part").write_bytes(b"killed while writ")
    assert log.load(Newton(), problem()) == "first"
    log.save("second")
    assert log.load(Newton(), problem()) == "second"
    assert [path.name for path in tmp_path.iterdir()] == ["fit.log"]
    log.finish()
    log.finish()
    assert log.load(Newton(), problem()) is None


@pytest.mark.parametrize("content", [b"", b"something else", to_bytes({"a": 1})])
def test_a_file_that_is_no_log_is_refused(tmp_path, content):
    (tmp_path / "fit.log").write_bytes(content)
    with pytest.raises(UnreadableState, match=r"fit\.log: not the log of a fit"):
        PassLog(tmp_path / "fit.log").load(Newton(), problem())
    assert (tmp_path / "fit.log").read_bytes() == content


def test_places_that_cannot_be_written_or_read(tmp_path):
    log = PassLog(tmp_path / "absent" / "fit.log")
    with pytest.raises(StorageError, match="load before you save"):
        log.save("state")
    assert log.load(Newton(), problem()) is None
    with pytest.raises(StorageError, match=r"fit\.log: cannot be written: No such file"):
        log.save("state")
    with pytest.raises(StorageError, match="cannot be read: Is a directory"):
        PassLog(tmp_path).load(Newton(), problem())
