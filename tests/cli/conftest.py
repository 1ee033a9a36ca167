"""A small table, and the two ways to run a command: in this process, and as a process of its own."""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from thalweg.cli.app import app

ENVIRONMENT = {"OMP_NUM_THREADS": "1", "COLUMNS": "200"}


def make_houses(rows=60, seed=0):
    """Make a table of numbers, categories and missing cells, with a target that depends on them."""
    rng = np.random.default_rng(seed)
    rooms, town = rng.integers(1, 9, rows), rng.choice(["Bern", "Chur", "Genf"], rows)
    age = np.where(rng.random(rows) < 0.1, np.nan, rng.integers(0, 90, rows))
    price = (50.0 * rooms + 100.0 * (town == "Genf") + rng.normal(0, 5, rows)).round(2)
    return pd.DataFrame({"rooms": rooms, "age": age, "town": town, "price": price})


def run_here(directory, *arguments):
    """Run a command in this process, in a directory; give exit code, stdout and stderr."""
    before = os.getcwd()
    os.chdir(directory)
    try:
        return CliRunner(env=ENVIRONMENT).invoke(app, [str(argument) for argument in arguments])
    finally:
        os.chdir(before)


@pytest.fixture(scope="session")
def houses():
    return make_houses()


@pytest.fixture
def command(tmp_path):
    """Run a command in this process, in the test's own directory."""
    return lambda *arguments: run_here(tmp_path, *arguments)


@pytest.fixture
def start(tmp_path):
    """Start a command as a process of its own, in the test's own directory; ended with the test."""
    begun = []

    def start(*arguments, **options):
        line = [sys.executable, "-m", "thalweg", *map(str, arguments)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        environment = {**os.environ, **ENVIRONMENT}
        begun.append(subprocess.Popen(line, cwd=tmp_path, env=environment, **{**pipes, **options}))
        return begun[-1]

    yield start
    for process in begun:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def finished(tmp_path_factory, houses):
    """Give the directory of a finished run, houses-1, and the JSON object that tune has written of it."""
    directory = tmp_path_factory.mktemp("finished")
    houses.to_csv(directory / "houses.csv", index=False)
    line = ["tune", "houses.csv", "--target", "price", "--trials", "6", "--seed", "1", "--cv", "3", "--json"]
    done = run_here(directory, *line)
    assert done.exit_code == 0, done.stderr
    return directory, json.loads(done.stdout)
