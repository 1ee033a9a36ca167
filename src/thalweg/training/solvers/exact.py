"""Least squares in one pass: the normal equations, by Cholesky; by QR and SVD where they are ill-conditioned.

C. F. Gauss, 1809. A.-L. Cholesky, 1910 (published by Benoît, 1924). J. Demmel, L. Grigori, M. Hoemmen, J. Langou,
"Communication-optimal parallel and sequential QR and LU factorizations", SIAM Journal on Scientific Computing 34, 2012
(the QR factorization that sees the rows a chunk at a time). G. H. Golub, C. Reinsch, 1970 (SVD).
"""

from typing import ClassVar, final

import numpy as np
from scipy.linalg import cho_factor, cho_solve, lstsq, qr
from scipy.linalg.lapack import dpocon

from thalweg.arrays import AnyArray, Floats
from thalweg.serial import frozen
from thalweg.training.losses import Squared
from thalweg.training.objective import LinearObjective
from thalweg.training.rows import Chunk, chunk_rows
from thalweg.training.solvers.gram import Gram, gram
from thalweg.training.solvers.solver import Solution, Solver

__all__ = ["Exact"]

WIDEST = 10_000  # columns of a Gram matrix of 800 MB
RANK = 1e-13  # singular values below this share of the largest are taken for zero


@final
@frozen
class Exact(Solver):
    """Solve (XᵀVX/Σv + λI) w = XᵀVy/Σv about the means.

    The normal equations square the condition number of X. Where their own, after scaling the columns to equal length, is
    beyond the limit, a second pass makes the QR factorization of X chunk by chunk, and the answer comes from the SVD of
    R: as accurate as X allows, and of all the best coefficients the smallest where columns depend on one another.

    Args:
        condition_limit: Largest condition number of the scaled normal equations for Cholesky.
    """

    condition_limit: float = 1e9

    sees_all: ClassVar[bool] = True

    def refusal(self, objective: LinearObjective) -> str:
        """Serve least squares with a smooth penalty."""
        if not isinstance(objective.loss, Squared):
            return "it solves least squares only (loss Squared)"
        if not objective.penalty.smooth:
            return "it has no place for a penalty that is not smooth"
        if objective.rows.d > WIDEST:
            return f"its matrix of {objective.rows.d:,} × {objective.rows.d:,} would not fit"
        return ""

    def solve(self, objective: LinearObjective, start: Floats | None = None) -> Solution:
        """Solve; a start is of no use."""
        rows, ridge = objective.rows, objective.ridge
        moments = gram(rows, objective.intercept)
        if not np.isfinite(moments.yy + moments.xx.sum()):
            return Solution(
                np.zeros(objective.shape), np.nan, np.nan, 0, False, "there are numbers that are not finite"
            )
        w, condition = _cholesky(moments, ridge)
        reason, warning = "solved exactly, by Cholesky", ""
        if condition > self.condition_limit:
            w, dependent = _svd(_triangle(objective, moments), ridge)
            reason = f"solved exactly, by QR and SVD: the normal equations have a condition number of {condition:.0e}"
            if dependent:
                reason += f"; {dependent} columns depend on others, and the smallest coefficients were taken"
        theta = np.append(w, moments.y_mean - moments.x_mean @ w) if objective.intercept else w
        residual = moments.yy + float(w @ (moments.xx @ w - 2 * moments.xy))
        value = 0.5 * max(residual, 0.0) + objective.penalized(theta)
        return Solution(theta, value, 0.0, 1, True, reason, warning)


def _cholesky(moments: Gram, ridge: float) -> tuple[Floats, float]:
    """Give w and the condition number of the scaled equations, which counts what the means have cost; inf: no w."""
    varying = moments.lost > 1e-14  # a column without variance explains nothing
    A, b = moments.xx.copy(), moments.xy
    A[np.diag_indices_from(A)] += ridge
    diagonal = np.diag(A)
    varying &= diagonal > 0
    scale = 1 / np.sqrt(np.where(varying, diagonal, 1.0))
    A = A * scale * scale[:, None]
    A[~varying], A[:, ~varying] = 0.0, 0.0
    A[~varying, ~varying] = 1.0
    try:
        factor = cho_factor(A, check_finite=False)
    except np.linalg.LinAlgError:
        return np.zeros(len(b)), np.inf
    reciprocal, _ = dpocon(factor[0], np.abs(A).sum(axis=0).max(), uplo="U")
    w = np.where(varying, scale * cho_solve(factor, np.where(varying, scale * b, 0.0), check_finite=False), 0.0)
    lost = float(moments.lost[varying].min(initial=1.0))
    return w, np.inf if reciprocal <= 0 else 1 / reciprocal / min(1.0, 1e3 * lost)


def _triangle(objective: LinearObjective, moments: Gram) -> Floats:
    """Give R of the QR factorization of √(V/Σv) (X − x̄, y − ȳ): one more pass, with one chunk and R in memory."""
    centre = np.append(moments.x_mean, moments.y_mean) if objective.intercept else np.zeros(objective.rows.d + 1)
    R: AnyArray = np.empty((0, objective.rows.d + 1))
    size = chunk_rows(objective.rows.d)  # a sparse chunk has many more rows than fit when they are filled with zeros
    for chunk in objective.rows.chunks():
        for i in range(0, len(chunk), size):
            stacked = np.vstack([R, _centred(chunk.take(slice(i, i + size)), centre)])
            R = np.asarray(qr(stacked, mode="r", overwrite_a=True, check_finite=False)[0])[: len(centre)]
    return np.asarray(R / np.sqrt(objective.rows.total_weight))


def _centred(chunk: Chunk, centre: Floats) -> Floats:
    X = chunk.X if isinstance(chunk.X, np.ndarray) else chunk.X.toarray()
    block = np.column_stack([X, chunk.y]).astype(np.float64) - centre
    return np.asarray(block if chunk.weight is None else block * np.sqrt(chunk.weight)[:, None], dtype=np.float64)


def _svd(R: Floats, ridge: float) -> tuple[Floats, int]:
    """Give w = argmin ½‖R₁ w − r‖² + ½ ridge ‖w‖², and how many columns depend on others."""
    A, b = R[:, :-1], R[:, -1]
    d = A.shape[1]
    if ridge > 0:
        w, *_ = lstsq(np.vstack([A, np.sqrt(ridge) * np.eye(d)]), np.append(b, np.zeros(d)), check_finite=False)
        return np.asarray(w, dtype=np.float64), 0
    # The rank is that of the columns at equal length; the unit of a column is no reason to call it dependent.
    length = np.linalg.norm(A, axis=0)
    scale = 1 / np.where(length > 0, length, 1.0)
    w, _, rank, _ = lstsq(A * scale, b, cond=RANK, check_finite=False)
    if rank < d:
        w, *_ = lstsq(A, b, cond=RANK, check_finite=False)
        return np.asarray(w, dtype=np.float64), d - int(rank)
    return np.asarray(w, dtype=np.float64) * scale, 0
