"""A run that is killed at random moments ends as if it had never been killed."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "durability.py"


@pytest.mark.timeout(600)
def test_runs_killed_twenty_times_are_bit_identical_to_runs_never_killed():
    done = subprocess.run([sys.executable, BENCHMARK, "--kills", "20"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("| 20 | yes |") == 4
