"""A line search for the strong Wolfe conditions, one evaluation at a time.

J. J. Moré, D. J. Thuente, "Line search algorithms with guaranteed sufficient decrease", ACM Transactions on
Mathematical Software 20(3), 1994. Its safeguards as in the authors' MINPACK-2 routine dcsrch, 1993.
"""

import math
from dataclasses import replace
from typing import final

from thalweg.errors import InvalidSettings
from thalweg.serial import frozen

__all__ = ["WolfePoint", "WolfeSearch", "WolfeState"]

SHRINK = 0.66  # δ: the interval must lose a third of its length in two trials, or it is halved
LEAST_GROWTH, MOST_GROWTH = 1.1, 4.0  # of a trial beyond the best one, while no minimizer is bracketed
MOST_EVALUATIONS = 20  # of one search
EPSILON = math.ulp(1.0)
EXACT = 0.1  # η of an exact search


@final
@frozen
class WolfePoint:
    """A step α with φ(α) and φ'(α)."""

    alpha: float
    value: float
    slope: float


@final
@frozen
class WolfeState:
    """Where a search stands: it waits for value and slope at ``alpha``, unless it is accepted or has failed."""

    start: WolfePoint  # φ(0) and φ'(0) < 0
    most: float  # α_max
    alpha: float  # α_t, the step to evaluate; once accepted, that step, which is the last one evaluated
    lower: WolfePoint  # α_l, the best step so far
    upper: WolfePoint  # α_u, the other end of the interval
    low: float  # the trial lies between low
    high: float  # and high
    width: float  # |α_u − α_l|
    previous: float  # the width one trial ago
    bracketed: bool = False  # whether the interval holds a minimizer
    first_stage: bool = True  # whether ψ, and not φ, is searched
    evaluations: int = 0
    accepted: bool = False
    failed: str = ""  # why there is no acceptable step


@final
@frozen
class WolfeSearch:
    """Find a step α along a direction where φ(α) = f(x + α d) is low enough and flat enough.

    φ(α) ≤ φ(0) + μ α φ'(0)  and  |φ'(α)| ≤ η |φ'(0)|,

    or α = α_max where the first holds and φ still falls there. While φ is above the line of the first condition
    the search works on ψ(α) = φ(α) − φ(0) − μ α φ'(0), whose minimizers are acceptable. A failed evaluation (NaN)
    is a step too long: half way back to the best step becomes α_max.

    Where value and slope agree with a parabola, its minimizer is the next trial, however far it is.

    Args:
        decrease: μ, in (0, ½).
        curvature: η, in (μ, 1): 0.9 for quasi-Newton directions, 0.1 for a nearly exact search.
        resolution: Relative length of the interval at which a step that only decreases is accepted.
        parabola: Deviation from a parabola, relative to its bend, that counts as agreement; 0 for the method of the paper.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> search = WolfeSearch(curvature=0.1)
        >>> state = search.begin(value=4.0, slope=-4.0, first=0.1, most=10.0)  # φ(α) = (α − 2)²
        >>> while not (state.accepted or state.failed):
        ...     state = search.advance(state, (state.alpha - 2) ** 2, 2 * (state.alpha - 2))
        >>> round(state.alpha, 12), state.evaluations
        (2.0, 3)
    """

    decrease: float = 1e-3
    curvature: float = 0.9
    resolution: float = 0.1
    parabola: float = 0.0

    def __post_init__(self) -> None:
        """Check the settings."""
        if not 0 < self.decrease < 0.5:
            raise InvalidSettings(f"WolfeSearch: decrease={self.decrease}, expected a number in (0, 0.5)")
        if not self.decrease < self.curvature < 1:
            raise InvalidSettings(
                f"WolfeSearch: curvature={self.curvature}, expected a number between decrease={self.decrease} and 1"
            )
        if not 0 <= self.resolution < 1:
            raise InvalidSettings(f"WolfeSearch: resolution={self.resolution}, expected a number in [0, 1)")
        if not 0 <= self.parabola < 1:
            raise InvalidSettings(f"WolfeSearch: parabola={self.parabola}, expected a number in [0, 1)")

    def begin(self, value: float, slope: float, first: float, most: float = math.inf) -> WolfeState:
        """Begin at φ(0) and φ'(0), with a first trial in (0, α_max]; a slope that does not fall has failed."""
        start, alpha = WolfePoint(0.0, float(value), float(slope)), float(min(first, most))
        failed = "" if slope < 0 < alpha else "the direction does not go down"
        return WolfeState(
            start, float(most), alpha, lower=start, upper=start, low=0.0, high=alpha + MOST_GROWTH * alpha,
            width=float(most), previous=2 * float(most), failed=failed,
        )  # fmt: skip

    def advance(self, state: WolfeState, value: float, slope: float, exact: bool = False) -> WolfeState:
        """Take in φ(α_t) and φ'(α_t), NaN where it failed: accept α_t, choose the next trial, or give up.

        Where φ is a parabola, ``exact`` lets η count as at most 0.1.
        """
        trial = WolfePoint(state.alpha, float(value), float(slope))
        state = replace(state, evaluations=state.evaluations + 1)
        if not (math.isfinite(trial.value) and math.isfinite(trial.slope)):
            middle = (state.lower.alpha + trial.alpha) / 2
            return _limited(replace(state, alpha=middle, most=middle))
        fall = self.decrease * state.start.slope  # μ φ'(0), the slope of the line
        low_enough = trial.value <= state.start.value + trial.alpha * fall
        bottom = self._bottom(state, trial)
        curvature = min(self.curvature, EXACT) if exact and bottom is not None else self.curvature
        if low_enough and abs(trial.slope) <= curvature * -state.start.slope:
            return replace(state, accepted=True)
        if low_enough and trial.alpha == state.most and trial.slope <= fall:
            return replace(state, accepted=True)
        if self._exhausted(state):
            lost = "" if low_enough else "the decrease along the direction is lost in rounding"
            return replace(state, accepted=low_enough, failed=lost)
        state = replace(state, first_stage=state.first_stage and not (low_enough and trial.slope >= 0))
        tilt = fall if state.first_stage and trial.value <= state.lower.value and not low_enough else 0.0
        state = self._narrowed(state, trial, tilt)
        return _limited(state if bottom is None else replace(state, alpha=bottom))

    def _bottom(self, state: WolfeState, trial: WolfePoint) -> float | None:
        """Give the minimizer of the parabola that φ is, within α_max; None where φ is none."""
        start = state.start
        bend = trial.slope - start.slope
        deviation = abs(trial.value - start.value - trial.alpha * (start.slope + trial.slope) / 2)
        rounding = EPSILON * (abs(start.value) + abs(trial.value) + trial.alpha * abs(start.slope))
        if not deviation + rounding < self.parabola * trial.alpha * bend:  # a line with some rounding is no parabola
            return None
        return min(trial.alpha * -start.slope / bend, state.most)

    def _narrowed(self, state: WolfeState, trial: WolfePoint, tilt: float) -> WolfeState:
        """Update the interval (section 2) and choose the next trial (section 4) on φ(α) − tilt α."""
        below, above, here = (_tilted(point, tilt) for point in (state.lower, state.upper, trial))
        alpha, brackets = _trial(below, above, here, state.bracketed, state.low, state.high)
        lower, upper, bracketed = state.lower, state.upper, state.bracketed or brackets
        if here.value > below.value:
            upper = trial
        else:
            upper, lower = (lower if _turned(below, here) else upper), trial
        width, previous = state.width, state.previous
        if bracketed:
            if abs(upper.alpha - lower.alpha) >= SHRINK * previous:
                alpha = lower.alpha + 0.5 * (upper.alpha - lower.alpha)
            width, previous = abs(upper.alpha - lower.alpha), width
            low, high = sorted((lower.alpha, upper.alpha))
        else:
            low, high = (alpha + growth * (alpha - lower.alpha) for growth in (LEAST_GROWTH, MOST_GROWTH))
        alpha = min(max(alpha, 0.0), state.most)
        state = replace(
            state, alpha=alpha, lower=lower, upper=upper, low=low, high=high, width=width, previous=previous,
            bracketed=bracketed,
        )  # fmt: skip
        return replace(state, alpha=lower.alpha) if self._exhausted(state) else state

    def _exhausted(self, state: WolfeState) -> bool:
        """Whether no further trial fits into the interval."""
        outside = not state.low < state.alpha < state.high
        return state.bracketed and (outside or state.high - state.low <= self.resolution * state.high)


def _limited(state: WolfeState) -> WolfeState:
    if state.alpha == 0:
        return replace(state, failed="no lower value along the direction: the decrease is lost in rounding")
    if state.evaluations == MOST_EVALUATIONS:
        return replace(state, failed=f"no acceptable step in {MOST_EVALUATIONS} evaluations")
    return state


def _tilted(point: WolfePoint, tilt: float) -> WolfePoint:
    return WolfePoint(point.alpha, point.value - tilt * point.alpha, point.slope - tilt)


def _trial(
    lower: WolfePoint, upper: WolfePoint, trial: WolfePoint, bracketed: bool, low: float, high: float
) -> tuple[float, bool]:
    """Choose the next trial from α_l, α_u and α_t, by the four cases of section 4; say whether this one brackets."""
    forward, end = trial.alpha > lower.alpha, trial.alpha
    if trial.value > lower.value:  # case 1: higher
        cubic, quadratic = _cubic(lower, trial)[0], _quadratic(lower, trial)
        near = abs(cubic - lower.alpha) <= abs(quadratic - lower.alpha)
        return _finite(cubic if near else cubic + (quadratic - cubic) / 2, lower, trial), True
    if _turned(lower, trial):  # case 2: lower, and the slope has turned
        cubic, secant = _cubic(trial, lower)[0], _secant(lower, trial)
        return _finite(cubic if abs(cubic - end) > abs(secant - end) else secant, lower, trial), True
    if abs(trial.slope) < abs(lower.slope):  # case 3: lower, and flatter
        cubic, beyond = _cubic(trial, lower)
        cubic, secant = cubic if beyond else (high if forward else low), _secant(lower, trial)
        nearer = abs(cubic - end) < abs(secant - end)
        if not bracketed:
            return min(max(secant if nearer else cubic, low), high), False
        limit, chosen = end + SHRINK * (upper.alpha - end), cubic if nearer else secant
        return min(limit, chosen) if forward else max(limit, chosen), False
    if bracketed:  # case 4: lower, and not flatter
        return _finite(_cubic(trial, upper)[0], trial, upper), False
    return high if forward else low, False


def _turned(a: WolfePoint, b: WolfePoint) -> bool:
    """Whether the slopes have opposite signs; their product may underflow."""
    return a.slope < 0 < b.slope or b.slope < 0 < a.slope


def _cubic(a: WolfePoint, b: WolfePoint) -> tuple[float, bool]:
    """Minimize the cubic through values and slopes at a and b; say whether that lies on the other side of a than b."""
    theta = 3 * (a.value - b.value) / (b.alpha - a.alpha) + a.slope + b.slope
    scale = max(abs(theta), abs(a.slope), abs(b.slope))
    if scale == 0 or not math.isfinite(scale):
        return math.nan, False
    gamma = scale * math.sqrt(max(0.0, (theta / scale) ** 2 - (a.slope / scale) * (b.slope / scale)))
    gamma = gamma if b.alpha > a.alpha else -gamma
    below = gamma - a.slope + gamma + b.slope
    ratio = (gamma - a.slope + theta) / below if below else math.nan
    return a.alpha + ratio * (b.alpha - a.alpha), ratio < 0 and gamma != 0


def _quadratic(a: WolfePoint, b: WolfePoint) -> float:
    """Minimize the parabola through both values and the slope at a."""
    span = b.alpha - a.alpha
    return a.alpha + a.slope / ((a.value - b.value) / span + a.slope) / 2 * span


def _secant(a: WolfePoint, b: WolfePoint) -> float:
    """Find where the line through both slopes is zero."""
    return b.alpha + b.slope / (b.slope - a.slope) * (a.alpha - b.alpha)


def _finite(alpha: float, a: WolfePoint, b: WolfePoint) -> float:
    """Fall back to the middle where values are so large that interpolation overflows."""
    return alpha if math.isfinite(alpha) else (a.alpha + b.alpha) / 2
