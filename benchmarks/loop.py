"""Where the time of a vectorised run in memory goes: optimizer, objective, and the loop that records everything.

    python benchmarks/loop.py

100,000 evaluations of the sphere by a particle swarm; medians over seeds. The loop (asking, checking answers, recording
every trial, telling) must cost less than the optimizer itself.
"""

import statistics
import time
from dataclasses import dataclass, field
from typing import Any, ClassVar

import thalweg as tw
from thalweg.optimizers import Capabilities
from thalweg.study import Budget, Serial, Study, run

EVALUATIONS, DIM, SEEDS = 100_000, 30, 5


@dataclass(frozen=True)
class Timed(tw.Optimizer):
    """Pass everything on to another optimizer, and note the seconds that it takes."""

    inner: tw.Optimizer
    spent: list[float] = field(default_factory=list)

    capabilities: ClassVar[Capabilities] = Capabilities()

    def init(self, problem: tw.Problem, seed: int) -> Any:
        return self._timed(self.inner.init, problem, seed)

    def ask(self, state: Any, n: int, pending: Any) -> Any:
        return self._timed(self.inner.ask, state, n, pending)

    def tell(self, state: Any, evaluations: Any) -> Any:
        return self._timed(self.inner.tell, state, evaluations)

    def stop(self, state: Any) -> str:
        return self._timed(self.inner.stop, state)

    def _timed(self, function: Any, *arguments: Any) -> Any:
        started = time.perf_counter()
        answer = function(*arguments)
        self.spent.append(time.perf_counter() - started)
        return answer


def measure(seed: int) -> tuple[float, float, float]:
    """Give the seconds of the optimizer, the objective and everything else."""
    objective_seconds = []

    def sphere(x: Any) -> Any:
        started = time.perf_counter()
        value = ((x - 1.0) ** 2).sum(axis=1)
        objective_seconds.append(time.perf_counter() - started)
        return value

    inner = tw.ParticleSwarm()
    problem = tw.Problem(sphere, tw.Box(-5, 10, dim=DIM), vectorized=True)
    study = Study(problem, inner, seed=seed)
    timed = Timed(inner)
    study.optimizer = timed
    started = time.perf_counter()
    run(study, Serial(), Budget(evaluations=EVALUATIONS))
    total = time.perf_counter() - started
    optimizer, objective = sum(timed.spent), sum(objective_seconds)
    return optimizer, objective, total - optimizer - objective


def main() -> None:
    rows = [measure(seed) for seed in range(SEEDS)]
    optimizer, objective, loop = (statistics.median(column) for column in zip(*rows, strict=True))
    lines = [
        f"Particle swarm on the {DIM}-dimensional sphere, vectorised, in memory: seconds for {EVALUATIONS:,} evaluations,",
        f"median of {SEEDS} seeds (`python benchmarks/loop.py`).",
        "",
        "| optimizer | objective | loop | loop / optimizer |",
        "|---|---|---|---|",
        f"| {optimizer:.3f} | {objective:.3f} | {loop:.3f} | {loop / optimizer:.2f} |",
    ]
    print("\n".join(lines))


if __name__ == "__main__":
    main()
