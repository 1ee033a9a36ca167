"""CMA-ES, the evolution strategy that adapts the covariance matrix of its steps.

N. Hansen, "The CMA evolution strategy: a tutorial", arXiv:1604.00772v2, 2023; its letters, and its equations in
``cma/distribution.py``.
"""

from dataclasses import replace
from typing import ClassVar, final

import numpy as np

from thalweg.arrays import Floats, Ints
from thalweg.errors import InvalidSettings
from thalweg.optimizers.base import Capabilities, Optimizer, order, require
from thalweg.optimizers.evolution.cma import (
    Coordinates,
    Covariance,
    Distribution,
    FullCovariance,
    History,
    parameters,
    why_ended,
)
from thalweg.optimizers.evolution.cma.margin import with_margin
from thalweg.optimizers.evolution.cma.parameters import default_size
from thalweg.optimizers.generation import Generation
from thalweg.problem import Candidates, Evaluations, Problem
from thalweg.rng import generator
from thalweg.serial import frozen

__all__ = ["CMAES", "CMAState", "Guest"]


@final
@frozen
class Guest:
    """The best foreign point of those told since the last update."""

    point: Floats  # (1, d)
    value: Floats  # (1,)
    infeasibility: Floats  # (1,)


@final
@frozen
class CMAState:
    """A normal distribution in d coordinates without bounds, and λ samples of it in the middle of being told."""

    coordinates: Coordinates
    seed: int
    distribution: Distribution
    generation: Generation  # of the samples
    y: Floats  # (λ, d) the samples' directions
    history: History
    guest: Guest | None = None
    harmless: bool = False  # whether no point of the last generation failed or was infeasible
    ended: str = ""


@final
@frozen
class CMAES(Optimizer[CMAState]):
    """Sample a normal distribution, and move it so that the better half of the samples becomes more likely.

    x ~ m + σ N(0, C). The mean m moves to the weighted mean of the better half; σ grows while successive moves of m point
    the same way, and shrinks where they cancel; C learns from the moves and from all samples, bad ones with negative
    weights. Only the order of values counts, not how large they are.

    It is the method of choice for up to some hundred real columns without gradients, ill-conditioned and not separable, from
    about 100 d evaluations on. Integers and grids have a margin: their steps stay so large that other values are tried.
    Bounds are no walls: samples beyond them are reflected, smoothly. It begins somewhere in their middle half, or, where
    points are told before its own first one, at the best of these; the best of those told later joins the generation.

    Args:
        sigma: First σ, positive: a share of each range on its searched scale; in natural units where a bound is infinite.
        size: λ, points of a generation, at least 4; None for 4 + ⌊3 ln d⌋. With more it is slower, and surer against
            noise and local minima.
        covariance: ``FullCovariance()``, or ``SeparableCovariance()`` for many or independent columns.
        tolerance: TolFun, not negative: it ends where values differ by less.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> import thalweg as tw
        >>> from thalweg.problem.functions import rosenbrock
        >>> f = rosenbrock(dim=5)
        >>> result = tw.minimize(f, f.space, optimizer=CMAES(), evaluations=3000, vectorized=True, seed=1)
        >>> result.best.value < 1e-9
        True
    """

    sigma: float = 0.1
    size: int | None = None
    covariance: Covariance = FullCovariance()
    tolerance: float = 1e-12

    capabilities: ClassVar[Capabilities] = Capabilities(
        categories=False, conditions=False, unbounded=True, constraints=True, terminates=True
    )

    def __post_init__(self) -> None:
        """Check the settings."""
        if not 0 < self.sigma < np.inf:
            raise InvalidSettings(f"CMAES: sigma={self.sigma}, expected a positive number")
        if self.size is not None and self.size < 4:
            raise InvalidSettings(f"CMAES: size={self.size}, expected at least 4 points, or None for 4 + ⌊3 ln d⌋")
        if not self.tolerance >= 0:
            raise InvalidSettings(f"CMAES: tolerance={self.tolerance}, expected a number of at least 0")

    def init(self, problem: Problem, seed: int) -> CMAState:
        """Place the distribution somewhere in the middle half of the bounds."""
        require(self, problem)
        coordinates, d = Coordinates(problem.columns), problem.columns.dim
        size = default_size(d) if self.size is None else self.size
        distribution = Distribution.begin(coordinates.start(generator(seed)), self.sigma, self.covariance)
        nothing = Generation.begin(0, size)
        return _sample(CMAState(coordinates, seed, distribution, nothing, np.empty((0, d)), History.begin()), nothing)

    def ask(self, state: CMAState, n: int, pending: Candidates) -> tuple[Candidates, CMAState]:
        """Propose samples of this generation that are neither told nor pending; none when all are."""
        columns = state.coordinates.columns
        if state.ended:
            return Candidates.none(columns), state
        samples = state.generation.waiting(n, pending)
        x = state.coordinates.rows(state.distribution.points(state.y[samples]))
        return Candidates.at(columns, x, state.generation.slots(samples)), state

    def tell(self, state: CMAState, evaluations: Evaluations) -> CMAState:
        """Note the values, and move the distribution when the whole generation is known."""
        foreign = (evaluations.candidates.slot < 0) & evaluations.complete
        if foreign.any():
            state = self._welcome(state, evaluations.take(foreign))
        generation = state.generation.tell(evaluations)
        if generation is not state.generation:
            state = replace(state, generation=generation)
        return self._update(state) if generation.complete else state

    def stop(self, state: CMAState) -> str:
        """Stop where one of the tutorial's criteria is met."""
        return state.ended

    def recommend(self, state: CMAState) -> Floats | None:
        """Give the mean m, which chance has not chosen; nothing while points fail or are infeasible: m may be so, too."""
        if not state.harmless:
            return None
        row: Floats = state.coordinates.rows(state.distribution.m[None])[0]
        return row

    def _welcome(self, state: CMAState, foreign: Evaluations) -> CMAState:
        """Keep the best foreign point; begin there, under slots that were not used, where nothing else is known."""
        value, infeasibility = foreign.value[:, 0], foreign.infeasibility
        best = order(value, infeasibility)[:1]
        point = state.coordinates.points(foreign.candidates.x[best])
        guest = Guest(point, value[best], infeasibility[best])
        if state.guest is not None and not _better(guest, state.guest.value[0], state.guest.infeasibility[0]):
            return state
        state = replace(state, guest=guest)
        if state.distribution.g or state.generation.told.any():
            return state
        start = Distribution.begin(point[0], self.sigma, self.covariance)
        return _sample(replace(state, distribution=start), state.generation.following())

    def _update(self, state: CMAState) -> CMAState:
        """Move the distribution, and sample the next generation."""
        told, columns = state.generation, state.coordinates.cube
        if np.isnan(told.value).all():  # nothing to learn from
            return _sample(replace(state, harmless=False), told.following())
        size, d = state.y.shape
        y, ranked = _with_guest(state)
        p = parameters(d, size, self.covariance.speed(d))
        distribution = with_margin(state.distribution.updated(y, ranked, p), columns, 1 / (d * size))
        values = np.where(state.generation.infeasibility > 0, np.inf, state.generation.value)
        history = state.history.extended(values, distribution.g, d)
        fine = not columns.discrete.any()
        ended = why_ended(distribution, self.sigma, values, history, self.tolerance, fine)
        harmless = not state.generation.infeasibility.any()
        state = replace(state, distribution=distribution, history=history, guest=None, harmless=harmless, ended=ended)
        return _sample(state, state.generation.following())


def _sample(state: CMAState, generation: Generation) -> CMAState:
    """Draw a generation."""
    random = generator(state.seed, generation.number)
    y = state.distribution.directions(random, len(generation.told))
    return replace(state, generation=generation, y=y)


def _better(guest: Guest, value: float, infeasibility: float) -> bool:
    pair = np.array([value, guest.value[0]]), np.array([infeasibility, guest.infeasibility[0]])
    return bool(order(*pair)[0] == 1)


def _with_guest(state: CMAState) -> tuple[Floats, Ints]:
    """Give the directions (λ, d) and their order, with the guest in the place of the worst sample if it is better."""
    y, value, infeasibility = state.y, state.generation.value, state.generation.infeasibility
    ranked, guest = order(value, infeasibility), state.guest
    worst = ranked[-1]
    if guest is None or not _better(guest, value[worst], infeasibility[worst]):
        return y, ranked
    if (guest.point == state.distribution.m).all():  # the point where it began: no direction to learn
        return y, ranked
    y, value, infeasibility = y.copy(), value.copy(), infeasibility.copy()
    y[worst] = state.distribution.towards(guest.point)[0]
    value[worst], infeasibility[worst] = guest.value[0], guest.infeasibility[0]
    return y, order(value, infeasibility)
