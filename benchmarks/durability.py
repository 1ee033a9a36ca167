"""Kill a run with SIGKILL at random moments, continue it, and compare it bit for bit with one that was never killed.

    python benchmarks/durability.py [--kills 20] [--seed 0]

For every optimizer a sequential ``minimize`` with SQLite runs in a child process that is killed at a random moment, again
and again; the last child finishes. Every trial (point, value, status) and the best value must equal those of the same run
in memory. The exit code is 1 where anything differs.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import thalweg as tw
from thalweg.study import Result

SPACE = {
    "x": tw.Float(-5, 10),
    "rate": tw.Float(1e-4, 1, log=True),
    "depth": tw.Int(1, 8),
    "kind": tw.Categorical(["a", "b", "c"]),
    "extra": tw.Float(0, 1, when={"kind": ["b"]}),
}
OPTIMIZERS = {
    "random": tw.RandomSearch(),
    "swarm": tw.ParticleSwarm(size=10),
    "genetic": tw.GeneticAlgorithm(),
    "Bayesian": tw.BayesianOptimization(),
}


def objective(params: dict) -> float:
    """Compute for twenty milliseconds, so that kills fall into trials; fail now and then, as real trials do."""
    time.sleep(0.02)
    if params["x"] > 9:
        raise ValueError("x is too large")
    return (params["x"] - 1) ** 2 + params["rate"] + params["depth"] * 0.1 + params.get("extra", 0.5)


def run(optimizer: tw.Optimizer, trials: int, storage: str | None) -> Result:
    return tw.minimize(objective, SPACE, optimizer=optimizer, trials=trials, seed=7, storage=storage, name="run")


def run_and_be_killed(optimizer: tw.Optimizer, trials: int, storage: str, kills: int, moments: random.Random) -> int:
    """Run in children, killing one after the other until one is done; return how many were killed."""
    killed = 0
    while True:
        child = os.fork()
        if child == 0:
            try:
                run(optimizer, trials, storage)
                os._exit(0)
            finally:
                os._exit(1)
        if killed < kills:
            time.sleep(moments.uniform(0.0, 0.12))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            return killed
        killed += 1


def fingerprint(result: Result) -> tuple:
    trials = result.trials
    arrays = (trials.number, trials.candidates.x, trials.candidates.slot, trials.value, trials.status)
    return tuple(array.tobytes() for array in arrays), result.best.value


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    moments, wrong = random.Random(options.seed), 0
    print(f"Sequential `minimize` with SQLite, killed {options.kills} times (`python benchmarks/durability.py`).\n")
    print("| optimizer | trials | kills | the same trials and best value, bit for bit |\n|---|---|---|---|")
    for name, optimizer in OPTIMIZERS.items():
        trials = options.trials // 3 if name == "Bayesian" else options.trials
        with tempfile.TemporaryDirectory() as folder:
            storage = f"sqlite:///{Path(folder) / 'runs.db'}"
            kills = run_and_be_killed(optimizer, trials, storage, options.kills, moments)
            same = fingerprint(run(optimizer, trials, storage)) == fingerprint(run(optimizer, trials, None))
        wrong += not same
        print(f"| {name} | {trials} | {kills} | {'yes' if same else 'NO'} |", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
