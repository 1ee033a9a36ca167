"""Search along a scrambled Sobol sequence.

I. M. Sobol', "On the distribution of points in a cube and the approximate evaluation of integrals", USSR
Computational Mathematics and Mathematical Physics 7(4), 1967. A. B. Owen, "Randomly permuted (t,m,s)-nets and
(t,s)-sequences", 1995, in the form of J. Matoušek, "On the L2-discrepancy for anchored boxes", Journal of
Complexity 14, 1998 (a random linear matrix and a random shift). Direction numbers are those of S. Joe, F. Y.
Kuo, 2008, in SciPy.
"""

from dataclasses import replace
from functools import lru_cache
from typing import ClassVar, final

import numpy as np
from scipy.stats import qmc

from thalweg.arrays import Floats
from thalweg.errors import IncompatibleProblem
from thalweg.optimizers.base import Capabilities, Optimizer, require
from thalweg.problem import Candidates, Evaluations, Problem
from thalweg.rng import generator
from thalweg.serial import frozen
from thalweg.space import Columns

__all__ = ["SobolSearch", "SobolState"]

BITS = 32  # the sequence has 2**BITS points; SciPy cannot skip ahead with more bits than these


@final
@frozen
class SobolState:
    """Where a Sobol search stands."""

    columns: Columns
    seed: int
    asked: int = 0  # points proposed so far: the index of the next point


@final
@frozen
class SobolSearch(Optimizer[SobolState]):
    """Take the points of a scrambled Sobol sequence: they leave no large hole, and no two are close.

    The first 2ᵏ points have one point in each of 2ᵏ equal slices of every column. Scrambling makes each point
    uniform, so a mean over them is unbiased, and two seeds are two independent searches. Integers, grids and
    choices are the bins of their interval.

    Example:
        >>> import thalweg as tw
        >>> result = tw.minimize(
        ...     lambda p: (p["x"] - 1) ** 2,
        ...     {"x": tw.Float(-5, 5)},
        ...     optimizer=tw.SobolSearch(),
        ...     trials=64,
        ...     seed=0,
        ... )
        >>> result.best.value < (10 / 64) ** 2
        True
    """

    capabilities: ClassVar[Capabilities] = Capabilities(several_objectives=True, constraints=True)

    def init(self, problem: Problem, seed: int) -> SobolState:
        """Begin at the first point.

        Raises:
            IncompatibleProblem: There are more columns than direction numbers (21,201).
        """
        require(self, problem)
        if problem.columns.dim > qmc.Sobol.MAXDIM:
            raise IncompatibleProblem(
                f"SobolSearch needs at most {qmc.Sobol.MAXDIM:,} columns, got {problem.columns.dim:,}; "
                "change the problem, or choose another optimizer"
            )
        return SobolState(problem.columns, seed)

    def ask(self, state: SobolState, n: int, pending: Candidates) -> tuple[Candidates, SobolState]:
        """Take the next n points of the sequence."""
        n = min(n, 2**BITS - state.asked)
        u = _sequence(state.columns.dim, state.seed, state.asked, state.asked + n)
        slot = np.arange(state.asked, state.asked + n)
        x = state.columns.from_unit(u)
        return Candidates.at(state.columns, x, slot), replace(state, asked=state.asked + n)

    def tell(self, state: SobolState, evaluations: Evaluations) -> SobolState:
        """Learn nothing."""
        return state

    def stop(self, state: SobolState) -> str:
        """Stop at the end of the sequence."""
        return f"the sequence of 2**{BITS} points is exhausted" if state.asked == 2**BITS else ""


def _sequence(d: int, seed: int, first: int, end: int) -> Floats:
    """Give points ``first`` to ``end − 1`` (end − first, d) of the sequence of a seed."""
    size = _block_size(d)
    blocks = [_block(d, seed, b) for b in range(first // size, -(-end // size))]
    if not blocks:
        return np.empty((0, d))
    together = blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
    start = first // size * size
    return together[first - start : end - start]


def _block_size(d: int) -> int:
    """Points that are drawn at once: a power of two, about two megabytes."""
    return max(64, 1 << ((2**18 // d).bit_length() - 1))


@lru_cache(maxsize=4)
def _block(d: int, seed: int, block: int) -> Floats:
    """Draw one block of points; asking for single points draws each block once."""
    size = _block_size(d)
    engine = qmc.Sobol(d, scramble=True, bits=BITS, rng=generator(seed))
    if block:
        engine.fast_forward(block * size)
    points: Floats = engine.random(size)
    points.flags.writeable = False
    return points
