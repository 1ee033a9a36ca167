"""Proximal Newton with working sets: for penalties that leave only some of the coefficients different from zero.

G.-X. Yuan, C.-H. Ho, C.-J. Lin, "An improved GLMNET for L1-regularized logistic regression", Journal of Machine Learning
Research 13, 2012. J. D. Lee, Y. Sun, M. A. Saunders, "Proximal Newton-type methods for minimizing composite functions",
SIAM Journal on Optimization 24, 2014. Working sets: Q. Bertrand, Q. Klopfenstein, P.-A. Bannier, G. Gidel, M. Massias,
"Beyond L1: faster and better sparse models with skglm", NeurIPS 2022. Duality gap: O. Fercoq, A. Gramfort, J. Salmon, "Mind
the duality gap", ICML 2015.
"""

from typing import final

import numpy as np

from thalweg.arrays import AnyArray, Floats, Ints
from thalweg.serial import frozen
from thalweg.training.losses import Squared
from thalweg.training.objective import LinearObjective
from thalweg.training.rows import Rows
from thalweg.training.solvers.coordinate.copies import Kept, shares
from thalweg.training.solvers.coordinate.curvature import Centre, Products, implicit
from thalweg.training.solvers.coordinate.explicit import Hessian, explicit, grown
from thalweg.training.solvers.coordinate.kinks import Grouped, Kinks, kinks_of
from thalweg.training.solvers.coordinate.passes import CONSTANT, column_squares, look
from thalweg.training.solvers.coordinate.quadratic import Curvature, Matrix, minimize
from thalweg.training.solvers.gram import gram
from thalweg.training.solvers.solver import Solution, Solver

__all__ = ["Coordinate"]

FEW = 256  # columns whose Gram matrix costs no more than some passes over them
MATRIX = 1_000  # chosen dense columns up to which the Hessian is made; of sparse ones, and of few rows, so FEW
TALL = 8  # rows per column from which making it takes less time than the products that it saves
FIRST = 500  # coefficients of a first working set of dense columns
HESSIAN_SHARE = 0.1  # of the rows, at least, from which a Hessian is estimated; see Newton
ROWS_PER_COLUMN = 1_000  # for that, where the Hessian is made
ROUGH = 0.05  # of |F|: while the last model was lower by more, a quarter of the rows tells enough
STALE = 0.3  # a predicted decrease that did not shrink to this share wants a Hessian of more rows
HALVINGS = 30
SUFFICIENT = 1e-4  # share of the predicted decrease that a step must bring (Armijo)
ROUNDS = 200  # of the two steps within a model
PRODUCTS = 20  # for one Newton step


@final
@frozen
class Coordinate(Solver):
    """Minimize quadratic models of the loss, with the penalty itself, over the coefficients that matter now.

    A round takes the coefficients that are not 0 and those that do not want to be. Of these it makes the second-order
    model of the loss about the present point, minimizes model and penalty by proximal and Newton steps in turn, and goes
    there, or part of the way. The Hessian of few columns is a matrix, of a share of the rows; otherwise it is known by
    products, for which up to 32 MiB of columns are copied, of as
    many rows as fit. Least squares of few columns need one pass over the rows.

    The gap is the decrease that the last model has predicted; for least squares of few columns it is the duality gap.

    Args:
        tolerance: Of the gap relative to |F|, positive.
        max_iterations: Most models.
        seed: Of the samples of rows.

    Example:
        >>> from thalweg.training.penalties import L1
        >>> from thalweg.training.rows import rows_of
        >>> X, y = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]]), np.array([2.1, 1.9, -1.9, -2.1])
        >>> solution = Coordinate().solve(LinearObjective(rows_of(X, y), Squared(), L1(), 0.5, intercept=False))
        >>> solution.theta.round(6), solution.reason
        (array([1.5, 0. ]), 'the duality gap is within the tolerance 1e-06')
    """

    tolerance: float = 1e-6
    max_iterations: int = 100
    seed: int = 0

    def refusal(self, objective: LinearObjective) -> str:
        """Serve smooth losses of one predictor, and the penalties that come with Thalweg."""
        if not objective.loss.smooth:
            return f"it needs second derivatives, and the loss {type(objective.loss).__name__} has kinks"
        if objective.predictors > 1:
            return f"it serves losses with one predictor, not {type(objective.loss).__name__}"
        if kinks_of(objective.penalty, objective.strength) is None:
            return f"it does not know the penalty {type(objective.penalty).__name__}"
        return ""

    def solve(self, objective: LinearObjective, start: Floats | None = None) -> Solution:
        """Minimize."""
        kinks = kinks_of(objective.penalty, objective.strength)
        if kinks is None:
            raise TypeError(f"Coordinate was given the penalty {objective.penalty}, which it refuses")
        if isinstance(objective.loss, Squared) and objective.rows.d <= FEW:
            return self._by_gram(objective, kinks, start)
        return self._by_models(objective, kinks, start)

    def _by_gram(self, objective: LinearObjective, kinks: Kinks, start: Floats | None) -> Solution:
        """Solve least squares, of which the second moments are all that is needed."""
        moments = gram(objective.rows, objective.intercept)
        H, xy = moments.xx.copy(), np.where(moments.lost > CONSTANT, moments.xy, 0.0)
        constant = moments.lost <= CONSTANT
        H[constant], H[:, constant] = 0.0, 0.0
        H[np.diag_indices_from(H)] += objective.ridge
        w = np.zeros(len(H)) if start is None else objective.coefficients(start).copy()
        enough = 1e-6 * self.tolerance**2 * moments.yy  # the duality gap is of the order of a root of it
        w, _, left = minimize(Matrix(H), kinks, w, H @ w - xy, enough, 0.0, ROUNDS)
        g = H @ w - xy
        # r² + ridge w², the squared residuals of data with one more row for every ridge, whose dual is the lasso's.
        rr, ry = max(moments.yy + float(w @ (g - xy)), 0.0), moments.yy - float(w @ xy)
        value, s = 0.5 * rr + kinks.cost(w), kinks.shrunk(-g)
        gap = max(0.0, value - s * ry + 0.5 * s * s * rr) if s else left
        theta = np.append(w, moments.y_mean - moments.x_mean @ w) if objective.intercept else w
        if gap > self.tolerance * value:
            return Solution(theta, value, gap, 1, False, f"no step goes further down; the duality gap is {gap:.1e}")
        return Solution(theta, value, gap, 1, True, f"the duality gap is within the tolerance {self.tolerance:g}")

    def _by_models(self, objective: LinearObjective, kinks: Kinks, start: Floats | None) -> Solution:
        """Minimize one model after another."""
        rows = objective.rows
        wide = rows.sparse or rows.d > FIRST
        columns = column_squares(rows, objective.intercept) if wide else None
        h = np.empty(rows.n, rows.dtype) if wide else None
        theta = objective.start() if start is None else start.copy()
        value, gradient = look(objective, theta, h)
        before, share, gap, rough = np.inf, HESSIAN_SHARE, np.inf, False
        known: Hessian | None = None
        kept = Kept(self.seed)
        for k in range(1, self.max_iterations + 1):
            chosen, rest = _chosen(objective, kinks, theta, gradient, columns)
            slope = float(gradient[-1]) if objective.intercept else 0.0
            coarse = before > ROUGH * abs(value)
            H: Curvature
            if h is not None and columns is not None and len(chosen) > _most(rows):
                copy = kept.serving(rows, chosen, columns[1], h, *shares(len(chosen) / rows.n, share, coarse))
                H, centre = implicit(objective, chosen, h, slope, columns[0], copy, PRODUCTS)
                del copy
            else:
                known = self._hessian(objective, chosen, theta, share, known)
                matrix, centre = known.part(chosen, slope)
                H = Matrix(matrix)
            step, predicted = self._step(objective, kinks, chosen, theta, gradient, H, centre, value)
            del H  # room for the next
            gap = predicted + rest
            there = _downhill(objective, theta, value, step, predicted, h)
            if there is None and share < 1:  # a sample of the rows may be why
                share, before = 1.0, np.inf
                look(objective, theta, h)
                continue
            if there is None:
                return Solution(
                    theta, value, gap, k, True, "no step goes further down: the end of the numbers' precision"
                )
            if predicted > STALE * before and (coarse or not rough):
                share = min(1.0, 4 * share)
            before, rough = predicted, coarse
            theta, value, gradient = there
            if gap <= self.tolerance * abs(value):
                reason = f"the decrease still to be had is within the tolerance {self.tolerance:g}"
                return Solution(theta, value, gap, k, True, reason)
        reason = f"the most models, {self.max_iterations}, are spent"
        warning = f"the solver has not converged: {reason}"
        return Solution(theta, value, gap, self.max_iterations, False, reason, warning)

    def _hessian(
        self, objective: LinearObjective, chosen: Ints, theta: Floats, share: float, known: Hessian | None
    ) -> Hessian:
        """Compute it, where it is not known: that of least squares does not change."""
        if not isinstance(objective.loss, Squared):
            share = max(share, ROWS_PER_COLUMN * (1 + len(chosen)) / objective.rows.n)
            return explicit(objective, chosen, theta, min(1.0, share), self.seed)
        new = chosen if known is None else np.setdiff1d(chosen, known.columns, assume_unique=True)
        if known is not None and not len(new):
            return known
        if known is None or objective.rows.sparse or len(known.columns) + len(new) > 2 * MATRIX:
            return explicit(objective, chosen, theta, 1.0, self.seed)
        return grown(objective, known, new)

    def _step(
        self, objective: LinearObjective, kinks: Kinks, chosen: Ints, theta: Floats, gradient: Floats,
        H: Curvature, centre: Centre, value: float,
    ) -> tuple[Floats, float]:  # fmt: skip
        """Minimize a model: the step there, and how much lower it is."""
        u = theta[chosen]
        enough, share = _accuracy(objective, H)
        z, decrease, _ = minimize(
            H,
            kinks.chosen(chosen),
            u,
            centre.reduced(gradient[chosen]),
            enough * self.tolerance * abs(value),
            share,
            ROUNDS,
        )
        step = np.zeros(objective.shape)
        step[chosen] = z - u
        if objective.intercept:
            step[-1] = centre.follow(z - u)
        return step, decrease + centre.decrease


def _most(rows: Rows) -> int:
    """Give the number of chosen columns up to which the Hessian is made."""
    return FEW if rows.sparse else max(FEW, min(MATRIX, rows.n // TALL))


def _downhill(
    objective: LinearObjective, theta: Floats, value: float, step: Floats, predicted: float, h: AnyArray | None
) -> tuple[Floats, float, Floats] | None:
    """Give a point on the way of a step that is low enough, with its value and gradient; None where there is none."""
    rounding = float(np.finfo(objective.rows.dtype).eps) * abs(value)
    for i in range(HALVINGS):
        after = theta + 0.5**i * step
        reached, gradient = look(objective, after, h)
        if reached <= value - SUFFICIENT * 0.5**i * predicted + rounding:
            return after, reached, gradient
    return None


def _accuracy(objective: LinearObjective, H: Curvature) -> tuple[float, float]:
    """Give the shares of the tolerance, and of a model's own decrease, that may be left when the model is given up."""
    if not isinstance(H, Products):
        return 1e-3, 1e-3
    # A product with all columns costs as much as a new model, with a copy of some much less.
    return (0.3, 0.4) if H.rows is objective.rows else (0.1, 0.1)


def _chosen(
    objective: LinearObjective, kinks: Kinks, theta: Floats, gradient: Floats, columns: tuple[Floats, Floats] | None
) -> tuple[Ints, float]:
    """Choose the coefficients to work on, and estimate what the others could bring."""
    w, g = objective.coefficients(theta), objective.coefficients(gradient)
    distance = objective.penalty.distance(w, g, objective.strength)
    group = kinks.codes if isinstance(kinks, Grouped) else np.arange(len(w))
    want = np.zeros(len(w))
    np.maximum.at(want, group, distance)
    taken = kinks.free(w)
    varying = True if columns is None else columns[0] > 0
    wanting = np.flatnonzero(~taken & (want[group] > 0) & varying)
    size = int(taken.sum())
    most = len(w) if columns is None or objective.rows.sparse else max(1, FIRST - size, size)
    if len(wanting) > most:
        limit = np.partition(want[group[wanting]], -most)[-most]
        wanting = wanting[want[group[wanting]] >= limit]
    taken[wanting] = True
    left = ~taken & (distance > 0)
    if columns is None or not left.any():
        return np.flatnonzero(taken), 0.0
    curved = objective.loss.curvature_bound if np.isfinite(objective.loss.curvature_bound) else 1.0
    rest = 0.5 * distance[left] ** 2 / (curved * columns[0][left] + objective.ridge + 1e-300)
    return np.flatnonzero(taken), float(rest.sum())
