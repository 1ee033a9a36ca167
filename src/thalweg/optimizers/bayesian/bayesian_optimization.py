"""Bayesian optimization with a Gaussian process and log expected improvement.

J. Močkus, V. Tiesis, A. Žilinskas, "The application of Bayesian methods for seeking the extremum", 1978. D. R. Jones,
M. Schonlau, W. J. Welch, "Efficient global optimization of expensive black-box functions", J. Global Optimization 13,
1998. Priors after Hvarfner et al. 2024, acquisition after Ament et al. 2023.
"""

from dataclasses import replace
from typing import ClassVar, final

import numpy as np

from thalweg.arrays import Floats, Ints
from thalweg.errors import InvalidSettings
from thalweg.optimizers.base import Capabilities, Optimizer, require
from thalweg.optimizers.bayesian.acquisition import LogExpectedImprovement
from thalweg.optimizers.bayesian.acquisition_search import maximize, sobol
from thalweg.optimizers.bayesian.embedding import Embedding
from thalweg.optimizers.bayesian.gaussian_process import GaussianProcess
from thalweg.optimizers.bayesian.hyperparameters import fit, typical
from thalweg.optimizers.bayesian.kernel import pairwise
from thalweg.optimizers.bayesian.outputs import standardize
from thalweg.problem import Candidates, Evaluations, Problem
from thalweg.rng import generator
from thalweg.serial import frozen
from thalweg.space import Columns

__all__ = ["BayesianOptimization", "BayesianState"]

INCUMBENTS = 5  # best rows around which the acquisition function is searched closely
LARGEST_BATCH = 64  # points proposed at once, each after the model believed the ones before it
DESIGN, SEARCH = 0, 1  # streams of random numbers


@final
@frozen
class BayesianState:
    """Everything told to a Bayesian optimization, and the hyperparameters that it found last."""

    columns: Columns
    seed: int
    asked: int  # points proposed so far; the next slot
    x: Floats  # (n, d) rows told
    value: Floats  # (n,) their values, NaN where they failed
    slot: Ints  # (n,) their slots, −1 for foreign ones
    theta: Floats  # (d + 2,) hyperparameters, from which the next fit starts


@final
@frozen
class BayesianOptimization(Optimizer[BayesianState]):
    """Ask where a Gaussian process expects the largest improvement.

    The first points are a scrambled Sobol sequence. Then each point maximizes log E[max(best − f(x), 0)] under a process
    with a Matérn 5/2 kernel, whose length scales, height and noise are fitted again to all that was told. ``best`` is
    the lowest posterior mean at a point seen, so that a lucky noisy value does not blind the search.

    Failed points count as the worst value seen: the search keeps away from them. Pending points, and the earlier ones of
    a batch, count as having the value that the process expects there (kriging believer), so that others are proposed.
    The cost of a proposal grows with the cube of the number of points: meant for hundreds, not for many thousands.

    Args:
        initial: Points of the initial design, at least 1; None for the number of columns, but 5 at least and 20 at most.

    Raises:
        InvalidSettings: ``initial`` is below 1.

    Example:
        >>> import thalweg as tw
        >>> result = tw.minimize(
        ...     lambda p: (p["x"] - 1) ** 2 + (p["kind"] == "b"),
        ...     {"x": tw.Float(-5, 5), "kind": tw.Categorical(["a", "b"])},
        ...     optimizer=tw.BayesianOptimization(), trials=20, seed=0,
        ... )
        >>> result.best.value < 1e-3
        True
    """

    initial: int | None = None

    capabilities: ClassVar[Capabilities] = Capabilities()

    def __post_init__(self) -> None:
        """Check the settings."""
        if self.initial is not None and self.initial < 1:
            raise InvalidSettings(f"BayesianOptimization: initial={self.initial}, expected at least 1 point")

    def init(self, problem: Problem, seed: int) -> BayesianState:
        """Begin without a point."""
        require(self, problem)
        d = problem.columns.dim
        nothing = np.empty(0)
        return BayesianState(
            problem.columns, seed, 0, np.empty((0, d)), nothing, np.empty(0, dtype=np.int64), typical(d)
        )  # fmt: skip

    def ask(self, state: BayesianState, n: int, pending: Candidates) -> tuple[Candidates, BayesianState]:
        """Propose points: of the initial design while it lasts, then one after the other by expected improvement.

        Before anything has a value, no more than the initial design: what comes after it should learn from it.
        """
        columns = state.columns
        initial = min(max(columns.dim, 5), 20) if self.initial is None else self.initial
        blind = max(initial - len(state.x) - len(pending), 0)
        n = min(n, LARGEST_BATCH) if np.isfinite(state.value).any() else min(n, max(blind, 1))
        blind = min(n, blind) if np.isfinite(state.value).any() else n
        u = sobol(columns.dim, state.asked, blind, generator(state.seed, DESIGN))
        proposed = Candidates.at(columns, columns.from_unit(u)).x
        theta = state.theta
        if blind < n:
            waiting = np.concatenate([pending.x, proposed])
            random = generator(state.seed, SEARCH, state.asked)
            informed, theta = _propose(state, n - blind, waiting, random)
            proposed = np.concatenate([proposed, informed])
        slot = np.arange(state.asked, state.asked + n)
        return Candidates.at(columns, proposed, slot), replace(state, asked=state.asked + n, theta=theta)

    def tell(self, state: BayesianState, evaluations: Evaluations) -> BayesianState:
        """Remember the points, in the order told."""
        slot = evaluations.candidates.slot
        first = np.zeros(len(slot), dtype=np.bool_)
        first[np.unique(slot, return_index=True)[1]] = True
        news = (slot < 0) | (first & ~np.isin(slot, state.slot))
        value = np.where(evaluations.complete, evaluations.value[:, 0], np.nan)
        return replace(
            state,
            x=np.concatenate([state.x, evaluations.candidates.x[news]]),
            value=np.concatenate([state.value, value[news]]),
            slot=np.concatenate([state.slot, slot[news]]),
        )

    def stop(self, state: BayesianState) -> str:
        """Never stop: there is always something left to learn."""
        return ""


def _propose(state: BayesianState, n: int, waiting: Floats, random: np.random.Generator) -> tuple[Floats, Floats]:
    """Choose n rows by expected improvement; give them and the hyperparameters found."""
    columns, embedding = state.columns, Embedding(state.columns)
    complete = np.isfinite(state.value)
    y = standardize(state.value[complete])
    features = embedding(state.x[complete])
    theta = fit(pairwise(features, embedding.column, columns.dim), y, state.theta)
    process = GaussianProcess.condition(features, embedding.column, y, theta)
    failed = state.x[~complete]
    if len(failed):
        process = process.extend(embedding(failed), np.full(len(failed), y.max()))
    incumbents = state.x[complete][np.argsort(y, kind="stable")[:INCUMBENTS]]
    seen = {row.tobytes() for row in np.concatenate([state.x, waiting])}
    chosen: list[Floats] = []
    if len(waiting):
        process = _believe(process, embedding(waiting))
    for _ in range(n):
        best = float(process.fitted.min())
        ranked = maximize(LogExpectedImprovement(process, embedding, best), columns, incumbents, random)
        row = next((row for row in ranked if row.tobytes() not in seen), ranked[0])
        seen.add(row.tobytes())
        chosen.append(row)
        process = _believe(process, embedding(row[None]))
    return np.array(chosen), theta


def _believe(process: GaussianProcess, features: Floats) -> GaussianProcess:
    return process.extend(features, process.predict(features)[0])
