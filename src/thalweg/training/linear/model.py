"""What all linear models share: from parameters and data to an objective, a solver, and fitted coefficients."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from numbers import Real
from pathlib import Path
from typing import Any, Literal

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from thalweg.arrays import AnyArray, Floats
from thalweg.errors import InvalidData, InvalidSettings
from thalweg.training.losses import Loss
from thalweg.training.objective import LinearObjective
from thalweg.training.path import StrengthPath, StrengthSearch, search_strength
from thalweg.training.penalties import L1, L2, ElasticNet, NonNegative, NoPenalty, Penalty
from thalweg.training.progress import ProgressBar
from thalweg.training.rows import Rows
from thalweg.training.rows.parquet import ParquetRows
from thalweg.training.rows.passes import single_threaded
from thalweg.training.solvers import Solution, Solver
from thalweg.training.solvers.choice import named_solver
from thalweg.training.solvers.lbfgs import LBFGS
from thalweg.training.solvers.newton import Newton
from thalweg.training.solvers.pass_log import PassLog
from thalweg.training.solvers.sgd import BATCH, SGD, SGDState

__all__ = ["PENALTIES", "LinearModel", "Strength"]

Strength = float | Literal["auto"] | StrengthSearch | None

PENALTIES: dict[str, Penalty] = {
    "none": NoPenalty(),
    "l1": L1(),
    "l2": L2(),
    "elastic_net": ElasticNet(),
    "non_negative": NonNegative(),
}

MATRIX = {"accept_sparse": "csr", "accept_large_sparse": True, "dtype": (np.float64, np.float32)}
UNSEEN = {**MATRIX, "ensure_all_finite": False}  # a pass over X costs as much as many a fit: see Solver.sees_all


class LinearModel(BaseEstimator):  # type: ignore[misc]
    """Base of the linear models, which differ in what they make of y and of the linear predictor."""

    penalty: str | Penalty | None
    strength: Strength
    fit_intercept: bool
    solver: str | Solver
    tolerance: float | None
    warm_start: bool

    def __sklearn_tags__(self) -> Any:
        """Sparse matrices are welcome."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _checked(self, X: Any, y: Any, **checks: Any) -> tuple[Any, AnyArray]:
        """Check matrix and targets as scikit-learn does, and note the columns."""
        if y is None:  # lets scikit-learn say what is missing
            validate_data(self, X, y, **UNSEEN)
            raise InvalidData("requires y to be passed, but the target y is None")
        X, y = validate_data(self, X, y, **UNSEEN, **checks)
        return X, y

    def _row_weights(self, X: Any, sample_weight: Any) -> AnyArray | None:
        """Check the weights of rows; None where there are none."""
        if sample_weight is None:
            return None
        return np.asarray(_check_sample_weight(sample_weight, X, dtype=X.dtype, ensure_non_negative=True))

    @contextmanager
    def _opened(self, X: Any, y: Any, sample_weight: Any, classes: bool) -> Iterator[Rows]:
        """Take rows that bring their targets and weights, or open the files that hold them, with a bar in a terminal."""
        if isinstance(X, Rows):
            if y is not None or sample_weight is not None:
                raise InvalidSettings("these rows have their own targets and weights: give neither y nor sample_weight")
            self._note_columns(X)
            yield X
            return
        if not isinstance(y, str) or not isinstance(sample_weight, str | None):
            raise InvalidSettings(
                "with files for X, y names the column of the targets, and sample_weight that of the weights; got a "
                f"{type(y).__name__} and a {type(sample_weight).__name__}"
            )
        with ProgressBar() as bar:
            rows = ParquetRows(X, y, weight=sample_weight, classes=classes, observe=bar)
            self._note_columns(rows)
            yield rows

    def _note_columns(self, rows: Rows) -> None:
        self.n_features_in_ = rows.d
        if rows.names is not None:
            self.feature_names_in_ = np.array(rows.names, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    def _solve(
        self, rows: Rows, loss: Loss, predictors: int = 1, number: int = 0, log: str | Path | None = None
    ) -> tuple[Floats, dict[str, Any]]:
        """Minimize; give the parameters, and what is worth knowing of the way there."""
        objective = LinearObjective(rows, loss, self._penalty(), 0.0, bool(self.fit_intercept), predictors)
        with single_threaded(rows.nbytes):
            path = self._path(objective)
            objective = replace(
                objective, strength=self._strength(rows.total_weight) if path is None else path.strength
            )
            solver, choice = self._solver(objective)
            if path is None and not solver.sees_all:
                _check_finite(rows)
            start = self._start(objective, number) if path is None else path.theta
            solution = _solved(solver, objective, start, log)
            if not np.isfinite(solution.value):
                _check_finite(rows)
                raise InvalidData("the numbers are too large to be squared and summed: give X and y in other units")
        if solution.warning:
            warnings.warn(solution.warning, ConvergenceWarning, stacklevel=5)
        facts = {
            "n_iter_": max(1, solution.iterations),
            "solver_": f"{type(solver).__name__}: {choice}",
            "stop_reason_": solution.reason,
            "strength_": objective.strength,
            "path_": path,
        }
        return solution.theta, facts

    def _learn(self, rows: Rows, loss: Loss, predictors: int = 1, number: int = 0) -> Floats:
        """Pass once over rows that are new, by SGD; go on from what was fitted or learned before.

        Args:
            rows: The new rows.
            loss: Of the model.
            predictors: K, or 1.
            number: Of the model, where one is made for every class.
        """
        solver = self.solver if isinstance(self.solver, SGD) else SGD()
        states: dict[int, SGDState] = getattr(self, "_learning", {})
        state, fitted = states.get(number), getattr(self, "_seen", 0.0)
        seen = rows.total_weight + fitted + (state.weight if state else 0.0)
        strength = getattr(self, "strength_", 1.0 / seen) if self._searches else self._strength(seen)
        objective = LinearObjective(rows, loss, self._penalty(), strength, bool(self.fit_intercept), predictors)
        _check_finite(rows)
        with single_threaded(rows.nbytes):
            if state is None:
                state = solver.init(objective, self._fitted(number))
                # What was fitted counts as steps made, so that a few new rows do not outweigh it.
                state = replace(state, rows=round(fitted), steps=round(fitted / BATCH))
            state = solver.learn(objective, state)
        self._learning = {**states, number: state}
        self.n_iter_, self.strength_, self.path_ = state.passes, strength, None
        self.solver_ = "SGD: rows come a part at a time"
        self.stop_reason_ = f"{state.rows:,} rows were seen"
        return state.average

    def _fitted(self, number: int) -> Floats | None:
        """Give the parameters of one model, or None where there are none."""
        thetas: Sequence[Floats] = getattr(self, "_thetas", ())
        return thetas[number] if number < len(thetas) else None

    def _path(self, objective: LinearObjective) -> StrengthPath | None:
        """Choose the strength, where that is asked for and there is something to choose."""
        if not self._searches or isinstance(objective.penalty, NoPenalty):
            return None
        _check_finite(objective.rows)
        search = self.strength if isinstance(self.strength, StrengthSearch) else StrengthSearch()
        return search_strength(objective, search, self._solver)

    @property
    def _searches(self) -> bool:
        return isinstance(self.strength, StrengthSearch) or self.strength == "auto"

    def _penalty(self) -> Penalty:
        penalty = NoPenalty() if self.penalty is None else self.penalty
        if isinstance(penalty, str) and penalty in PENALTIES:
            return PENALTIES[penalty]
        if not isinstance(penalty, Penalty):
            raise InvalidSettings(f"penalty={penalty!r}: expected one of {', '.join(PENALTIES)}, None, or a Penalty")
        return penalty

    def _strength(self, total_weight: float) -> float:
        if isinstance(self._penalty(), NoPenalty):
            return 0.0
        if self.strength is None:
            return 1.0 / total_weight
        if not isinstance(self.strength, Real) or isinstance(self.strength, bool) or not 0 <= self.strength < np.inf:
            raise InvalidSettings(
                f"strength={self.strength!r}: expected a number of at least 0, 'auto', a StrengthSearch, or None for "
                "one n-th"
            )
        return float(self.strength)

    def _solver(self, objective: LinearObjective) -> tuple[Solver, str]:
        solver, choice = named_solver(self.solver, objective)
        if self.tolerance is not None:
            if not isinstance(self.tolerance, Real) or not self.tolerance > 0:
                raise InvalidSettings(f"tolerance={self.tolerance!r}: expected a positive number, or None")
            if hasattr(solver, "tolerance"):  # an exact solver has none, and meets it
                solver = replace(solver, tolerance=float(self.tolerance))
        return solver, choice

    def _start(self, objective: LinearObjective, number: int) -> Floats | None:
        """Give the fitted parameters, where there are some and they are to be gone on from."""
        theta = self._fitted(number) if self.warm_start else None
        if theta is None or theta.shape != objective.shape:
            return None
        allowed = theta.copy()  # another penalty may forbid what was fitted
        w = objective.coefficients(allowed)
        w[...] = objective.penalty.prox(w, 0.0)
        return allowed

    def _predictor(self, X: Any) -> AnyArray:
        """Give η (n,) or (n, K) for new rows."""
        check_is_fitted(self, "coef_")
        X = validate_data(self, X, reset=False, **MATRIX)
        eta = X @ self.coef_.T + self.intercept_
        return np.asarray(eta)


def _solved(solver: Solver, objective: LinearObjective, start: Floats | None, log: str | Path | None) -> Solution:
    """Solve, by the log of passes where there is one."""
    if log is None:
        return solver.solve(objective, start)
    if isinstance(solver, Newton | LBFGS):
        return solver.solve(objective, start, PassLog(log))
    raise InvalidSettings(
        f"log={str(log)!r}: {type(solver).__name__} keeps nothing between passes; newton and lbfgs do"
    )


def _check_finite(rows: Rows) -> None:
    """Refuse NaN and infinity as scikit-learn does."""
    for chunk in () if rows.finite else rows.chunks():
        assert_all_finite(chunk.X, input_name="X")
        assert_all_finite(chunk.y, input_name="y")
