"""Averaging of iterates: the noise of stochastic steps cancels in the mean of the points that they visit.

D. Ruppert, "Efficient estimations from a slowly convergent Robbins–Monro process", Cornell University, 1988. B. T. Polyak,
A. B. Juditsky, "Acceleration of stochastic approximation by averaging", SIAM Journal on Control and Optimization 30(4),
1992. The weights that need no horizon: O. Shamir, T. Zhang, "Stochastic gradient descent for non-smooth optimization:
convergence results and optimal averaging schemes", ICML 2013.
"""

from dataclasses import replace
from typing import Any, ClassVar, final

import numpy as np

from thalweg.arrays import Floats
from thalweg.errors import InvalidSettings
from thalweg.optimizers.base import AnyOptimizer, Capabilities, Optimizer, Recommends
from thalweg.optimizers.rules.checks import check_not_negative
from thalweg.problem import Candidates, Evaluations, Need, Problem
from thalweg.serial import frozen

__all__ = ["Averaged", "AveragedState"]


@final
@frozen
class AveragedState:
    """The state of the optimizer, and the mean of the t points that it has recommended so far."""

    inner: Any
    mean: Floats  # (d,) x̄, NaN before there is a point
    latest: Floats  # (d,) x
    t: int = 0


@final
@frozen
class Averaged(Optimizer[AveragedState]):
    """Recommend the mean of an optimizer's iterates instead of the last one.

    x̄ ← (1 − w) x̄ + w x  with  w = (η + 1) / (t + η) for iterate t = 1, 2 …

    η = 0 is the average of Polyak and Ruppert, in which all iterates weigh the same. With η > 0 the weights grow like
    t^η: the way from the start is forgotten, as in an average of the tail, without having to know when the tail begins.
    The optimizer itself is not changed. On a problem without minibatches there is nothing to cancel, and nothing else is
    recommended.

    Args:
        optimizer: One that follows gradients and recommends its latest point: ``GradientDescent``, ``SVRG``, ``SAGA``.
        eta: η, at least 0.

    Raises:
        InvalidSettings: A setting is out of its range, or the optimizer has no iterates to average.

    Example:
        >>> import numpy as np, thalweg as tw
        >>> random = np.random.default_rng(0)
        >>> X = random.normal(size=(500, 3))
        >>> y = X @ [1.0, -2.0, 0.5] + random.normal(size=500)
        >>> def run(optimizer):
        ...     return tw.minimize(
        ...         lambda w, X, y: np.mean((X @ w - y) ** 2),
        ...         tw.Box(dim=3),
        ...         gradient=lambda w, X, y: 2 * X.T @ (X @ w - y) / len(y),
        ...         minibatches=tw.Minibatches(X, y, size=10),
        ...         optimizer=optimizer,
        ...         evaluations=1000,
        ...         seed=0,
        ...     ).recommended
        >>> solution, sgd = np.linalg.lstsq(X, y)[0], tw.GradientDescent(learning_rate=0.1)
        >>> last, mean = (np.linalg.norm(run(optimizer) - solution) for optimizer in (sgd, Averaged(sgd)))
        >>> bool(mean < last / 5)
        True
    """

    optimizer: AnyOptimizer
    eta: float = 3.0

    capabilities: ClassVar[Capabilities] = Capabilities(
        needs=Need.VALUE | Need.GRADIENT, integers=False, categories=False, conditions=False, unbounded=True
    )

    def __post_init__(self) -> None:
        """Check the settings."""
        check_not_negative(self, "eta")
        if not (isinstance(self.optimizer, Recommends) and Need.GRADIENT in self.optimizer.capabilities.needs):
            raise InvalidSettings(
                f"Averaged: optimizer={self.optimizer!r}, expected one that follows gradients and recommends its latest "
                "point, such as GradientDescent()"
            )

    def init(self, problem: Problem, seed: int) -> AveragedState:
        """Begin with the optimizer."""
        unknown = np.full(problem.columns.dim, np.nan)
        return AveragedState(self.optimizer.init(problem, seed), unknown, unknown)

    def ask(self, state: AveragedState, n: int, pending: Candidates) -> tuple[Candidates, AveragedState]:
        """Let the optimizer propose."""
        candidates, inner = self.optimizer.ask(state.inner, n, pending)
        return candidates, state if inner is state.inner else replace(state, inner=inner)

    def tell(self, state: AveragedState, evaluations: Evaluations) -> AveragedState:
        """Tell the optimizer, and average the point that it recommends if that is another one."""
        inner = self.optimizer.tell(state.inner, evaluations)
        if inner is state.inner:
            return state
        state = replace(state, inner=inner)
        x = self.optimizer.recommend(inner) if isinstance(self.optimizer, Recommends) else None
        if x is None or np.array_equal(x, state.latest):
            return state
        t = state.t + 1
        weight = (self.eta + 1) / (t + self.eta)
        mean = x if t == 1 else (1 - weight) * state.mean + weight * x
        return replace(state, mean=mean, latest=x, t=t)

    def stop(self, state: AveragedState) -> str:
        """Stop when the optimizer does."""
        return self.optimizer.stop(state.inner)

    def recommend(self, state: AveragedState) -> Floats | None:
        """Give the mean."""
        return state.mean if state.t else None
