"""A killed or interrupted tune keeps every finished trial; resume does the rest of its budget, no more."""

import json
import signal

import pytest

from thalweg.problem import Status
from thalweg.space import Float
from thalweg.study import minimize, open_storage

BUDGET = 8
LINE = ["tune", "houses.csv", "--target", "price", "--trials", str(BUDGET), "--cv", "2", "--seed", "3"]


@pytest.fixture
def table(tmp_path, houses):
    houses.to_csv(tmp_path / "houses.csv", index=False)


def wait_for(process, line):
    """Read a process's lines until one begins so."""
    for said in process.stdout:
        if said.startswith(line):
            return
    raise AssertionError(process.stderr.read())


def finished_trials(tmp_path):
    """Give the points and the values of the finished trials, by number, and the number of all."""
    trials = open_storage(tmp_path / "thalweg.db").trials("houses-1")
    rows = [row for row in range(len(trials)) if trials.status[row] != Status.RUNNING]
    values = {int(trials.number[row]): (trials.candidates.x[row].tolist(), trials.value[row, 0]) for row in rows}
    return values, len(trials)


def test_killed_then_resumed(tmp_path, table, start, command):
    process = start(*LINE)
    wait_for(process, "trial 3 finished")
    process.send_signal(signal.SIGKILL)
    process.wait()
    before, asked = finished_trials(tmp_path)
    assert 4 <= len(before) <= asked < BUDGET
    assert json.loads(command("runs", "--json").stdout)["runs"][0]["status"] == "killed before its end"
    assert "has no saved model yet" in command("predict", "houses-1", "houses.csv").stderr

    done = command("resume", "houses", "--json")
    assert done.exit_code == 0, done.stderr
    after, asked = finished_trials(tmp_path)
    assert len(after) == asked == json.loads(done.stdout)["trials"] == BUDGET
    assert before.items() <= after.items()
    evaluated = [int(line.split()[1]) for line in done.stderr.splitlines() if " finished in " in line]
    assert sorted(evaluated) == sorted(after.keys() - before.keys())
    assert command("predict", "houses-1", "houses.csv").exit_code == 0


def test_ctrl_c_then_resumed(tmp_path, table, start, command):
    process = start(*LINE)
    wait_for(process, "trial 2 finished")
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=100)
    assert process.returncode == 130
    assert stderr == "thalweg: interrupted; everything is kept: thalweg resume houses-1 goes on\n"
    assert "Best model" in stdout
    before, _ = finished_trials(tmp_path)
    assert 1 <= len(before) < BUDGET
    assert command("predict", "houses-1", "houses.csv").exit_code == 0

    done = command("resume", "houses-1")
    assert done.exit_code == 0, done.stderr
    after, asked = finished_trials(tmp_path)
    assert len(after) == asked == BUDGET
    assert before.items() <= after.items()


def test_ctrl_c_before_the_search_leaves_nothing(tmp_path, table, command, monkeypatch):
    def interrupted(*arguments, **settings):
        raise KeyboardInterrupt

    monkeypatch.setattr("thalweg.cli.tune.tune_model", interrupted)
    done = command(*LINE)
    assert (done.exit_code, done.stderr) == (130, "thalweg: interrupted before the search had begun\n")
    assert not list((tmp_path / "thalweg-runs").iterdir())


def test_ctrl_c_before_the_first_result(tmp_path, table, command, monkeypatch):
    def interrupted(*arguments, **settings):
        raise KeyboardInterrupt

    monkeypatch.setattr("thalweg.study.executors.processes._ProcessPool.wait", interrupted)
    done = command(*LINE)
    assert done.exit_code == 130
    assert done.stderr.endswith("every finished trial is kept: thalweg resume houses-1 goes on\n")


def test_a_closed_pipe_is_quiet(tmp_path, start):
    minimize(lambda p: p["x"], {"x": Float(0, 1)}, trials=1, storage=tmp_path / "thalweg.db", name="line")
    process = start("show", "line")
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(timeout=100) != 0
