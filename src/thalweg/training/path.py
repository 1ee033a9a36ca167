"""How strong the penalty should be: a warm-started path of strengths, judged by cross-validation or a criterion.

J. Friedman, T. Hastie, R. Tibshirani, "Regularization paths for generalized linear models via coordinate descent", Journal
of Statistical Software 33(1), 2010. L. Breiman, J. Friedman, R. Olshen, C. Stone, "Classification and regression trees",
1984 (the rule of one standard error). H. Akaike, 1974; G. Schwarz, 1978 (the criteria). H. Zou, T. Hastie, R. Tibshirani,
"On the degrees of freedom of the lasso", Annals of Statistics 35, 2007.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, final

import numpy as np

from thalweg.arrays import AnyArray, Floats
from thalweg.errors import InvalidData, InvalidSettings
from thalweg.rng import generator
from thalweg.serial import frozen
from thalweg.training.losses import Squared
from thalweg.training.objective import LinearObjective
from thalweg.training.penalties import NoPenalty
from thalweg.training.rows import Chunk, map_rows, sum_rows, with_weights
from thalweg.training.solvers import Solver
from thalweg.training.solvers.hessian import chunk_hessian, invert
from thalweg.training.solvers.newton import MOST_PARAMETERS

__all__ = ["StrengthPath", "StrengthSearch", "search_strength"]

SolverFor = Callable[[LinearObjective], tuple[Solver, str]]

DECADES = 5  # that a path goes down from the strength at which nothing is left of the coefficients
RIDGE_DECADES = 9  # a ridge never ends at zero, so its path begins where little is left, and is longer


@final
@frozen
class StrengthSearch:
    """How a strength is chosen.

    Args:
        criterion: ``"cv"``: the mean loss on the rows of folds that were left out; ``"aic"`` or ``"bic"``: the fit to all
            rows, and a price for every degree of freedom: cheaper by the number of folds, and for likelihoods only.
        folds: Number of folds, at least 2; of classes, each has its share.
        points: Number of strengths, at least 2, evenly spaced on a logarithmic scale.
        one_standard_error: Whether to take the strongest penalty whose score is within one standard error of the best:
            a simpler model that cannot be told from it. For ``"cv"`` only.
        seed: Of the folds.

    Raises:
        InvalidSettings: A setting is out of its range.
    """

    criterion: Literal["cv", "aic", "bic"] = "cv"
    folds: int = 5
    points: int = 30
    one_standard_error: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the settings."""
        if self.criterion not in ("cv", "aic", "bic"):
            raise InvalidSettings(f"criterion={self.criterion!r}: expected 'cv', 'aic' or 'bic'")
        for name, number in (("folds", self.folds), ("points", self.points)):
            if number < 2:
                raise InvalidSettings(f"StrengthSearch: {name}={number}, expected at least 2")
        if self.one_standard_error and self.criterion != "cv":
            raise InvalidSettings(
                "StrengthSearch: one_standard_error=True needs folds, whose scores differ: criterion='cv'"
            )


@final
@dataclass(frozen=True)
class StrengthPath:
    """The strengths that were tried, and what came of each: everything that a plot needs.

    Attributes:
        strengths: (m,) λ, the largest first.
        scores: (m,) the criterion at each, the lower the better: mean loss on rows left out, or AIC or BIC.
        errors: (m,) standard error of the scores over the folds; NaN where there are none.
        coefficients: (m, …) w of all rows at each strength.
        strength: The one that was chosen.
        theta: The parameters of all rows at it.
        reason: Why it was chosen.
    """

    strengths: Floats
    scores: Floats
    errors: Floats
    coefficients: Floats
    strength: float
    theta: Floats
    reason: str


def search_strength(objective: LinearObjective, search: StrengthSearch, solver_for: SolverFor) -> StrengthPath:
    """Choose λ along a path, every fit beginning where the one before ended.

    Args:
        objective: The model; its strength does not matter.
        search: How to choose.
        solver_for: Gives the solver for an objective.

    Raises:
        InvalidSettings: The penalty knows no strength, or the criterion does not fit the loss.
        InvalidData: There are too few rows.
    """
    _check(objective, search)
    strengths = _strengths(objective, search.points)
    path = _path(objective, strengths, solver_for)
    if search.criterion == "cv":
        scores, errors = _cross_validate(objective, strengths, search, solver_for)
        reason = f"the lowest mean loss on {search.folds} folds left out"
    else:
        scores = np.array(
            [
                _criterion(replace(objective, strength=s), theta, search)
                for s, theta in zip(strengths, path, strict=True)
            ]
        )
        errors, reason = np.full(len(strengths), np.nan), f"the lowest {search.criterion.upper()}"
    chosen = int(np.nanargmin(scores))
    if search.one_standard_error:
        chosen = int(np.flatnonzero(scores <= scores[chosen] + errors[chosen])[0])
        reason = "the strongest penalty within one standard error of " + reason
    if chosen in (0, len(strengths) - 1):
        reason += f", at the {'strong' if chosen == 0 else 'weak'} end of the path"
    coefficients = np.array([objective.coefficients(theta) for theta in path])
    return StrengthPath(strengths, scores, errors, coefficients, float(strengths[chosen]), path[chosen], reason)


def _check(objective: LinearObjective, search: StrengthSearch) -> None:
    """Refuse a criterion that does not fit the model, before anything is solved."""
    if search.criterion == "cv":
        return
    if not (isinstance(objective.loss, Squared) or objective.loss.likelihood):
        raise InvalidSettings(
            f"the loss {type(objective.loss).__name__} is no likelihood: {search.criterion} needs one; take 'cv'"
        )
    p = int(np.prod(objective.shape))
    if objective.penalty.smooth and p > MOST_PARAMETERS:
        raise InvalidSettings(f"{search.criterion} with a ridge needs a matrix of {p:,} × {p:,}; take 'cv'")


def _strengths(objective: LinearObjective, points: int) -> Floats:
    """Space strengths evenly from the largest that makes a difference."""
    theta = objective.start()
    _, gradient = replace(objective, strength=0.0).value_and_gradient(theta)
    w, slope = objective.coefficients(theta), objective.coefficients(gradient)
    if objective.penalty.smooth:
        top = 10 * float(np.sqrt(np.mean(np.square(_column_scales(objective, theta)))))
        return np.geomspace(top or 1.0, (top or 1.0) * 10.0**-RIDGE_DECADES, points)

    def holds(strength: float) -> bool:  # w = 0
        return not objective.penalty.distance(w, slope, strength).any()

    high = float(np.abs(slope).max(initial=0.0)) or 1.0
    for _ in range(60):
        if holds(high):
            break
        high *= 2
    else:
        raise InvalidSettings(f"{objective.penalty} is not changed by a strength: give a number for it")
    low = 0.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return np.geomspace(high, high * 10.0**-DECADES, points)


def _column_scales(objective: LinearObjective, theta: Floats) -> Floats:
    """Give the mean curvature of F along every coefficient, at w = 0."""

    def sums(chunk: Chunk) -> tuple[Floats]:
        eta = objective.predictor(chunk.X, theta)
        h = objective.loss.curvature(eta, chunk.y) if objective.loss.smooth else np.ones_like(eta)
        h = h * (1 - h) if h.ndim == 2 else h[:, None]
        h = h.mean(axis=1) if chunk.weight is None else h.mean(axis=1) * chunk.weight
        squares = chunk.X.multiply(chunk.X) if objective.rows.sparse else np.square(chunk.X)
        return (np.asarray(squares.T @ h, dtype=np.float64),)

    (total,) = sum_rows(objective.rows, sums)
    scales: Floats = total / objective.rows.total_weight
    return scales


def _path(objective: LinearObjective, strengths: Floats, solver_for: SolverFor) -> list[Floats]:
    """Solve for one strength after the other."""
    path: list[Floats] = []
    for strength in strengths:
        current = replace(objective, strength=float(strength))
        solver, _ = solver_for(current)
        path.append(solver.solve(current, path[-1] if path else None).theta)
    return path


def _cross_validate(
    objective: LinearObjective, strengths: Floats, search: StrengthSearch, solver_for: SolverFor
) -> tuple[Floats, Floats]:
    """Give mean and standard error of the loss on rows left out, for every strength."""
    fold = _folds(objective, search)
    losses, weights = [], []
    for k in range(int(fold.max()) + 1):
        fitted = with_weights(objective.rows, partial(_outside, fold, k))
        left_out = with_weights(objective.rows, partial(_inside, fold, k))
        if not (fitted.total_weight > 0 and left_out.total_weight > 0):
            continue  # all its weights are zero
        judged = replace(objective, rows=left_out, strength=0.0)
        path = _path(replace(objective, rows=fitted), strengths, solver_for)
        losses.append([judged.value(theta) for theta in path])
        weights.append(left_out.total_weight)
    if len(losses) < 2:
        raise InvalidData("cross-validation needs at least two rows with a positive weight")
    table, share = np.array(losses), np.array(weights) / np.sum(weights)
    mean = share @ table
    errors = np.sqrt(share @ (table - mean) ** 2 / (len(table) - 1))
    return mean, errors


def _folds(objective: LinearObjective, search: StrengthSearch) -> AnyArray:
    """Assign a fold to every row at random, to every class its share."""
    n = objective.rows.n
    if n < 2:
        raise InvalidData(f"cross-validation needs at least 2 rows, got n_samples = {n}; give strength= a number")
    order = generator(search.seed).permutation(n)
    if objective.loss.classes:
        y = np.concatenate(map_rows(objective.rows, lambda chunk: chunk.y))
        order = order[np.argsort(y[order], kind="stable")]
    fold = np.empty(n, dtype=np.int16)
    fold[order] = np.arange(n) % min(search.folds, n)
    return fold


def _inside(fold: AnyArray, k: int, rows: slice) -> AnyArray:
    return np.asarray(fold[rows] == k)


def _outside(fold: AnyArray, k: int, rows: slice) -> AnyArray:
    return np.asarray(fold[rows] != k)


def _criterion(objective: LinearObjective, theta: Floats, search: StrengthSearch) -> float:
    """Give AIC or BIC of a fit."""
    rows, loss = objective.rows, objective.loss
    n = rows.total_weight
    mean = replace(objective, strength=0.0, penalty=NoPenalty()).value(theta)
    if isinstance(loss, Squared):
        deviance = n * np.log(max(mean, np.finfo(np.float64).tiny))
    else:
        deviance = 2 * n * mean
    return float(deviance + (2.0 if search.criterion == "aic" else np.log(n)) * _degrees(objective, theta))


def _degrees(objective: LinearObjective, theta: Floats) -> float:
    """Give the degrees of freedom: coefficients that are not zero, or tr H (H + λI)⁻¹ where ridge draws on all."""
    if not objective.penalty.smooth:
        return float(np.count_nonzero(objective.coefficients(theta))) + objective.intercept * objective.predictors
    hessian, weights = sum_rows(objective.rows, lambda chunk: chunk_hessian(objective, chunk, theta))
    root = invert(hessian / weights, objective.ridges).root
    return float(np.einsum("ij,jk,ik", root, hessian / weights, root, optimize=True))
