"""Linear models of classes: logistic regression, and any other loss of a margin."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self, final

import numpy as np
from scipy.special import log_softmax, softmax
from sklearn.base import ClassifierMixin

from thalweg.arrays import AnyArray, Floats
from thalweg.errors import InvalidData, InvalidSettings
from thalweg.training.linear.model import LinearModel, Strength
from thalweg.training.losses import Hinge, Logistic, Loss, Multinomial
from thalweg.training.penalties import Penalty
from thalweg.training.rows import Rows, rows_of, with_targets
from thalweg.training.solvers import Solver
from thalweg.training.targets import coded, require_two, weighted_by_class

__all__ = ["LOSSES", "LinearClassifier", "LogisticRegression"]

LOSSES: dict[str, Loss] = {"hinge": Hinge(), "logistic": Logistic()}


class LinearClassificationModel(ClassifierMixin, LinearModel):  # type: ignore[misc]
    """Base of the linear models whose targets are classes."""

    class_weight: dict[Any, float] | str | None

    def predict(self, X: Any) -> AnyArray:
        """Give the most likely class of every row of X, (n,)."""
        scores = self.decision_function(X)
        best = (scores > 0).astype(np.int64) if scores.ndim == 1 else scores.argmax(axis=1)
        return np.asarray(self.classes_[best])

    def decision_function(self, X: Any) -> AnyArray:
        """Give the linear predictor: (n,) for the second of two classes, else (n, K)."""
        eta = self._predictor(X)
        return eta[:, 0] if eta.shape[1] == 1 else eta

    def _fit(self, X: Any, y: Any, sample_weight: Any, loss: Loss, log: str | Path | None = None) -> Self:
        if isinstance(X, str | Path | Rows):
            if self.class_weight is not None:
                raise InvalidSettings("class_weight= is for data in memory: give the rows a column of weights instead")
            with self._opened(X, y, sample_weight, classes=True) as rows:
                if rows.classes is None:
                    raise InvalidData("these rows have numbers for targets, and a classifier needs classes")
                return self._fit_rows(rows, rows.classes, loss, log)
        X, y = self._checked(X, y)
        classes, codes = coded(y)
        return self._fit_rows(self._coded_rows(X, codes, classes, sample_weight), classes, loss, log)

    def _fit_rows(self, rows: Rows, classes: AnyArray, loss: Loss, log: str | Path | None) -> Self:
        require_two(classes)
        parts = _parts(rows, loss, len(classes))
        solved = [self._solve(part, loss, K, number, log) for number, (part, loss, K) in enumerate(parts)]
        thetas, facts = zip(*solved, strict=True)
        self._learning, self._seen = {}, rows.total_weight
        self._keep(rows, classes, thetas)
        for name, value in facts[0].items():
            setattr(self, name, value)
        self.n_iter_ = max(fact["n_iter_"] for fact in facts)
        return self

    def _partial_fit(self, X: Any, y: Any, classes: Any, sample_weight: Any, loss: Loss) -> Self:
        first = not hasattr(self, "classes_")
        if first and classes is None:
            raise InvalidSettings("classes= must name all classes at the first call of partial_fit")
        if self.class_weight == "balanced":
            raise InvalidSettings(
                "class_weight='balanced' needs all rows at once: give partial_fit the factors by class"
            )
        known = np.unique(classes) if first else self.classes_
        require_two(known)
        if classes is not None and not np.array_equal(np.unique(classes), known):
            raise InvalidSettings(f"classes={classes!r}: they were {known.tolist()} at the first call of partial_fit")
        X, y = self._checked(X, y, reset=first)
        if not np.isin(y, known).all():
            raise InvalidData(f"the target has classes beyond those named at first, {known.tolist()}")
        codes = np.searchsorted(known, y)
        rows = self._coded_rows(X, codes, known, sample_weight, all_at_once=False)
        parts = _parts(rows, loss, len(known))
        self._keep(rows, known, [self._learn(part, loss, K, i) for i, (part, loss, K) in enumerate(parts)])
        return self

    def _keep(self, rows: Rows, classes: AnyArray, thetas: Sequence[Floats]) -> None:
        theta = thetas[0] if len(thetas) == 1 else np.column_stack(thetas)
        self._thetas = list(thetas)
        self.classes_ = classes
        table = np.atleast_2d(theta.T)
        self.coef_ = table[:, : rows.d].astype(rows.dtype)
        self.intercept_ = (
            table[:, rows.d].astype(rows.dtype) if self.fit_intercept else np.zeros(len(table), rows.dtype)
        )

    def _coded_rows(
        self, X: Any, codes: AnyArray, classes: AnyArray, sample_weight: Any, all_at_once: bool = True
    ) -> Rows:
        """Wrap rows with the codes of their classes, weighted by row and by class."""
        weight = self._row_weights(X, sample_weight)
        weight = weighted_by_class(weight, self.class_weight, classes, codes, X.dtype)
        if weight is None:
            return rows_of(X, codes.astype(X.dtype))
        present = np.bincount(codes, weights=weight, minlength=len(classes)) > 0
        if all_at_once and present.sum() < 2:
            raise InvalidData(f"only one class has rows with a positive weight: {classes[present].tolist()}")
        return rows_of(X, codes.astype(X.dtype), weight)


def _parts(rows: Rows, loss: Loss, K: int) -> list[tuple[Rows, Loss, int]]:
    """Give the models that K classes take: one, of one or K predictors; or one for each class against the rest."""
    if K == 2:
        return [(rows, loss, 1)]
    if isinstance(loss, Logistic):
        return [(rows, Multinomial(), K)]
    return [(with_targets(rows, partial(_one_of, k)), loss, 1) for k in range(K)]


def _one_of(k: int, y: AnyArray) -> AnyArray:
    return np.asarray(y == k, dtype=y.dtype)


@final
class LogisticRegression(LinearClassificationModel):
    """Estimate the probabilities of classes: logistic regression, multinomial for more than two.

    Minimizes Σ v ℓ(x·w + b, y) / Σ v + λ Ω(w), ℓ being minus the log-likelihood and v the sample weights.

    Args:
        penalty: Ω: ``"l2"``, ``"l1"``, ``"elastic_net"``, ``"non_negative"``, ``"none"``, or a
            :class:`~thalweg.training.penalties.Penalty`.
        strength: λ ≥ 0; None for 1/Σv (scikit-learn's ``C=1``); ``"auto"`` or a
            :class:`~thalweg.training.path.StrengthSearch` to choose it along a path.
        class_weight: Factors by class, ``"balanced"``, or None.
        fit_intercept: Whether there is b, which is never penalized.
        solver: ``"auto"``, a name, or a :class:`~thalweg.training.solvers.Solver` with its settings.
        tolerance: Gap F − min F to reach, relative to |F|; None for the solver's own.
        warm_start: Whether the next fit begins at the present coefficients.

    Attributes:
        classes_: (K,) the classes, in order.
        coef_: (1, d) for two classes, else (K, d); in the dtype of X.
        intercept_: (1,) or (K,).
        n_iter_: Iterations of the solver.
        solver_: Which solver was taken, and why.
        stop_reason_: Why it stopped.
        strength_: λ.
        path_: The path along which λ was chosen, with its scores; None where it was given.

    Raises:
        InvalidSettings: A parameter is out of its range.
        InvalidData: There is one class only.
        IncompatibleProblem: The solver does not serve this penalty.

    Example:
        >>> import numpy as np
        >>> X, y = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array(["no", "yes", "no", "yes"])
        >>> model = LogisticRegression(strength=0.1).fit(X, y)
        >>> model.predict([[-1.0], [1.0]]), model.predict_proba([[0.0]]).round(3)
        (array(['no', 'yes'], dtype='<U3'), array([[0.5, 0.5]]))
    """

    def __init__(
        self,
        penalty: str | Penalty | None = "l2",
        strength: Strength = None,
        *,
        class_weight: dict[Any, float] | str | None = None,
        fit_intercept: bool = True,
        solver: str | Solver = "auto",
        tolerance: float | None = None,
        warm_start: bool = False,
    ) -> None:
        """Keep the parameters; they are checked when fitting."""
        self.penalty = penalty
        self.strength = strength
        self.class_weight = class_weight
        self.fit_intercept = fit_intercept
        self.solver = solver
        self.tolerance = tolerance
        self.warm_start = warm_start

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, *, log: str | Path | None = None) -> Self:
        """Fit.

        Args:
            X: (n, d) array, frame or sparse matrix; or a Parquet file or folder of them, read a part at a time; or
                :class:`~thalweg.training.rows.Rows`, which hold y and weights.
            y: (n,) classes: numbers, truth values or texts; of files the name of their column.
            sample_weight: (n,) weights ≥ 0, or None for 1; of files the name of their column.
            log: A file that keeps what each pass over the rows has reached: the same fit, begun again after it was
                interrupted, goes on from there. For the solvers ``"newton"`` and ``"lbfgs"``.
        """
        return self._fit(X, y, sample_weight, Logistic(), log)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Learn from rows that are new, in one pass of SGD, and keep what was learned before.

        Args:
            X: (n, d) array, frame or sparse matrix.
            y: (n,) classes, not necessarily all of them.
            classes: All classes that will ever come; needed at the first call only.
            sample_weight: (n,) weights ≥ 0, or None for 1.
        """
        return self._partial_fit(X, y, classes, sample_weight, Logistic())

    def predict_proba(self, X: Any) -> AnyArray:
        """Give the probability of every class, (n, K)."""
        eta = self.decision_function(X)
        if eta.ndim == 2:
            return np.asarray(softmax(eta, axis=1))
        return np.column_stack([Logistic().mean(-eta), Logistic().mean(eta)])

    def predict_log_proba(self, X: Any) -> AnyArray:
        """Give the logarithm of the probability of every class, (n, K)."""
        eta = self.decision_function(X)
        if eta.ndim == 1:
            return -np.column_stack([np.logaddexp(0, eta), np.logaddexp(0, -eta)])
        return np.asarray(log_softmax(eta, axis=1))


@final
class LinearClassifier(LinearClassificationModel):
    """Separate classes by the sign of a linear predictor, by any loss of the margin; one class against the rest.

    Args:
        loss: ``"hinge"`` (the linear support vector machine), ``"logistic"``, or a
            :class:`~thalweg.training.losses.Loss` of classes.
        penalty: As of :class:`LogisticRegression`.
        strength: As of :class:`LogisticRegression`.
        class_weight: As of :class:`LogisticRegression`.
        fit_intercept: As of :class:`LogisticRegression`.
        solver: As of :class:`LogisticRegression`.
        tolerance: As of :class:`LogisticRegression`.
        warm_start: As of :class:`LogisticRegression`.

    Attributes:
        coef_: (1, d) for two classes, else (K, d); the other attributes are those of :class:`LogisticRegression`, the
            solver's those of the first class.

    Raises:
        InvalidSettings: A parameter is out of its range.
        InvalidData: There is one class only.
        IncompatibleProblem: The solver does not serve this loss and penalty.

    Example:
        >>> import numpy as np
        >>> X, y = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array([0, 0, 1, 1])
        >>> LinearClassifier("hinge").fit(X, y).predict([[-3.0], [3.0]])
        array([0, 1])
    """

    def __init__(
        self,
        loss: str | Loss = "hinge",
        penalty: str | Penalty | None = "l2",
        strength: Strength = None,
        *,
        class_weight: dict[Any, float] | str | None = None,
        fit_intercept: bool = True,
        solver: str | Solver = "auto",
        tolerance: float | None = None,
        warm_start: bool = False,
    ) -> None:
        """Keep the parameters; they are checked when fitting."""
        self.loss = loss
        self.penalty = penalty
        self.strength = strength
        self.class_weight = class_weight
        self.fit_intercept = fit_intercept
        self.solver = solver
        self.tolerance = tolerance
        self.warm_start = warm_start

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Fit; the arguments are those of :meth:`LogisticRegression.fit`."""
        return self._fit(X, y, sample_weight, self._loss())

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Learn from rows that are new; the arguments are those of :meth:`LogisticRegression.partial_fit`."""
        return self._partial_fit(X, y, classes, sample_weight, self._loss())

    def _loss(self) -> Loss:
        loss = LOSSES.get(self.loss) if isinstance(self.loss, str) else self.loss
        if not isinstance(loss, Loss) or not loss.classes or isinstance(loss, Multinomial):
            raise InvalidSettings(f"loss={self.loss!r}: expected one of {', '.join(LOSSES)}, or a Loss of two classes")
        return loss
