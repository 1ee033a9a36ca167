"""Linear models of numbers: least squares, and any other loss of a linear predictor."""

from pathlib import Path
from typing import Any, Self, final

from sklearn.base import RegressorMixin

from thalweg.arrays import AnyArray, Floats
from thalweg.errors import InvalidSettings
from thalweg.training.linear.model import LinearModel, Strength
from thalweg.training.losses import Loss, Poisson, Quantile, Squared
from thalweg.training.penalties import Penalty
from thalweg.training.rows import Rows, rows_of
from thalweg.training.solvers import Solver

__all__ = ["LOSSES", "GeneralizedLinearRegressor", "LinearRegression"]

LOSSES: dict[str, Loss] = {"squared": Squared(), "quantile": Quantile(), "poisson": Poisson()}


class LinearRegressor(RegressorMixin, LinearModel):  # type: ignore[misc]
    """Base of the linear models whose targets are numbers."""

    def _fit(self, X: Any, y: Any, sample_weight: Any, loss: Loss, log: str | Path | None = None) -> Self:
        if isinstance(X, str | Path | Rows):
            with self._opened(X, y, sample_weight, classes=False) as rows:
                return self._fit_rows(rows, loss, log)
        X, y = self._checked(X, y, y_numeric=True)
        loss.check(y)
        return self._fit_rows(rows_of(X, y.astype(X.dtype, copy=False), self._row_weights(X, sample_weight)), loss, log)

    def _fit_rows(self, rows: Rows, loss: Loss, log: str | Path | None) -> Self:
        theta, facts = self._solve(rows, loss, log=log)
        self._learning, self._seen = {}, rows.total_weight
        self._keep(rows, theta)
        for name, value in facts.items():
            setattr(self, name, value)
        return self

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any, loss: Loss) -> Self:
        X, y = self._checked(X, y, y_numeric=True, reset=not hasattr(self, "coef_"))
        loss.check(y)
        rows = rows_of(X, y.astype(X.dtype, copy=False), self._row_weights(X, sample_weight))
        self._keep(rows, self._learn(rows, loss))
        return self

    def _keep(self, rows: Rows, theta: Floats) -> None:
        d = rows.d
        self.coef_ = theta[:d].astype(rows.dtype)
        self.intercept_ = rows.dtype.type(theta[d]) if self.fit_intercept else rows.dtype.type(0)
        self._thetas = [theta]


@final
class LinearRegression(LinearRegressor):
    """Fit y ≈ x·w + b by least squares.

    Minimizes Σ v ½ (x·w + b − y)² / Σ v + λ Ω(w), with the sample weights v.

    Args:
        penalty: Ω: ``"none"``, ``"l2"`` (ridge), ``"l1"`` (lasso), ``"elastic_net"``, ``"non_negative"``, or a
            :class:`~thalweg.training.penalties.Penalty`.
        strength: λ ≥ 0; None for 1/Σv (ridge with scikit-learn's ``alpha=1``); ``"auto"`` or a
            :class:`~thalweg.training.path.StrengthSearch` to choose it along a path, by cross-validation or an
            information criterion.
        fit_intercept: Whether there is b, which is never penalized.
        solver: ``"auto"``, a name, or a :class:`~thalweg.training.solvers.Solver` with its settings.
        tolerance: Gap F − min F to reach, relative to |F|; None for the solver's own.
        warm_start: Whether the next fit begins at the present coefficients.

    Attributes:
        coef_: (d,) w, in the dtype of X.
        intercept_: b.
        n_iter_: Iterations of the solver.
        solver_: Which solver was taken, and why.
        stop_reason_: Why it stopped.
        strength_: λ.
        path_: The path along which λ was chosen, with its scores; None where it was given.

    Raises:
        InvalidSettings: A parameter is out of its range.
        IncompatibleProblem: The solver does not serve this penalty.

    Example:
        >>> import numpy as np
        >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
        >>> model = LinearRegression().fit(X, 2 * X[:, 0] + 1)
        >>> model.coef_.round(6), round(float(model.intercept_), 6), model.stop_reason_
        (array([2.]), 1.0, 'solved exactly, by Cholesky')
    """

    def __init__(
        self,
        penalty: str | Penalty | None = "none",
        strength: Strength = None,
        *,
        fit_intercept: bool = True,
        solver: str | Solver = "auto",
        tolerance: float | None = None,
        warm_start: bool = False,
    ) -> None:
        """Keep the parameters; they are checked when fitting."""
        self.penalty = penalty
        self.strength = strength
        self.fit_intercept = fit_intercept
        self.solver = solver
        self.tolerance = tolerance
        self.warm_start = warm_start

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Fit.

        Args:
            X: (n, d) array, frame or sparse matrix; or a Parquet file or folder of them, read a part at a time; or
                :class:`~thalweg.training.rows.Rows`, which hold y and weights.
            y: (n,) targets; of files the name of their column.
            sample_weight: (n,) weights ≥ 0, or None for 1; of files the name of their column.
        """
        return self._fit(X, y, sample_weight, Squared())

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn from rows that are new, in one pass of SGD, and keep what was learned before.

        Args:
            X: (n, d) array, frame or sparse matrix.
            y: (n,) targets.
            sample_weight: (n,) weights ≥ 0, or None for 1.
        """
        return self._partial_fit(X, y, sample_weight, Squared())

    def predict(self, X: Any) -> AnyArray:
        """Give x·w + b for the rows of X, (n,)."""
        return self._predictor(X)


@final
class GeneralizedLinearRegressor(LinearRegressor):
    """Fit a linear predictor η = x·w + b of any loss; predict the mean, or quantile, that belongs to it.

    Args:
        loss: ``"squared"``, ``"quantile"`` (the median), ``"poisson"``, or a
            :class:`~thalweg.training.losses.Loss` such as ``Quantile(0.9)`` or ``Huber(delta=2.0)``.
        penalty: As of :class:`LinearRegression`.
        strength: As of :class:`LinearRegression`.
        fit_intercept: As of :class:`LinearRegression`.
        solver: As of :class:`LinearRegression`.
        tolerance: As of :class:`LinearRegression`.
        warm_start: As of :class:`LinearRegression`.

    Attributes:
        coef_: (d,) w, in the dtype of X; the other attributes are those of :class:`LinearRegression`.

    Raises:
        InvalidSettings: A parameter is out of its range.
        InvalidData: A target is not in the range of the loss.
        IncompatibleProblem: The solver does not serve this loss and penalty.

    Example:
        >>> import numpy as np
        >>> X = np.repeat([[0.0], [1.0]], 50, axis=0)
        >>> counts = np.repeat([2.0, 6.0], 50)
        >>> model = GeneralizedLinearRegressor("poisson", penalty="none").fit(X, counts)
        >>> model.predict([[0.0], [1.0]]).round(4)
        array([2., 6.])
    """

    def __init__(
        self,
        loss: str | Loss = "squared",
        penalty: str | Penalty | None = "l2",
        strength: Strength = None,
        *,
        fit_intercept: bool = True,
        solver: str | Solver = "auto",
        tolerance: float | None = None,
        warm_start: bool = False,
    ) -> None:
        """Keep the parameters; they are checked when fitting."""
        self.loss = loss
        self.penalty = penalty
        self.strength = strength
        self.fit_intercept = fit_intercept
        self.solver = solver
        self.tolerance = tolerance
        self.warm_start = warm_start

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, *, log: str | Path | None = None) -> Self:
        """Fit.

        Args:
            X: As of :meth:`LinearRegression.fit`.
            y: As of :meth:`LinearRegression.fit`.
            sample_weight: As of :meth:`LinearRegression.fit`.
            log: A file that keeps what each pass over the rows has reached: the same fit, begun again after it was
                interrupted, goes on from there. For the solvers ``"newton"`` and ``"lbfgs"``.
        """
        return self._fit(X, y, sample_weight, self._loss(), log)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn from rows that are new; the arguments are those of :meth:`LinearRegression.partial_fit`."""
        return self._partial_fit(X, y, sample_weight, self._loss())

    def __sklearn_tags__(self) -> Any:
        """Counts are not negative."""
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = self.loss == "poisson" or isinstance(self.loss, Poisson)
        return tags

    def predict(self, X: Any) -> AnyArray:
        """Give the mean that belongs to the linear predictor, for the rows of X, (n,)."""
        return self._loss().mean(self._predictor(X))

    def _loss(self) -> Loss:
        if isinstance(self.loss, str) and self.loss in LOSSES:
            return LOSSES[self.loss]
        if not isinstance(self.loss, Loss) or self.loss.classes:
            raise InvalidSettings(f"loss={self.loss!r}: expected one of {', '.join(LOSSES)}, or a Loss of numbers")
        return self.loss
