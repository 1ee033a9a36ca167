"""Thalweg's search as a scikit-learn estimator, where ``GridSearchCV`` stood before."""

import math
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any, ClassVar, final

import numpy as np

# The class that scikit-learn documents to be derived from; it has no public place.
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from thalweg.errors import InvalidSettings, InvalidSpace, NoCompletedTrial
from thalweg.optimizers.auto import Auto
from thalweg.optimizers.base import AnyOptimizer, Optimizer
from thalweg.problem import Problem
from thalweg.space import Categorical, Dimension, Float, Int, Space
from thalweg.study import Budget, Study
from thalweg.tuning.given import check_names, own_point
from thalweg.tuning.tune import USUAL_TRIALS

__all__ = ["OptimizedSearchCV"]


@final
class OptimizedSearchCV(BaseSearchCV):  # type: ignore[misc]
    """Search an estimator's parameters by an optimizer, with the interface of ``GridSearchCV``.

    The estimator's own parameters are tried first where they lie in the space; then each candidate is
    proposed from the scores of those before it. Everything else is scikit-learn's: folds, scorers, several
    metrics, ``cv_results_``, ``best_estimator_``, metadata routing.

    Args:
        estimator: A scikit-learn estimator or pipeline.
        param_space: Parameters by the names of ``set_params``, each a :class:`thalweg.Float`,
            :class:`thalweg.Int` or :class:`thalweg.Categorical`; a list of choices; or a frozen distribution
            of SciPy (``uniform``, ``loguniform``, ``randint``), of which the interval is taken.
        trials: Number of candidates; 50 where neither ``trials`` nor ``seconds`` is given.
        seconds: Time after which no candidate is begun.
        optimizer: An optimizer, or ``"auto"``.
        scoring: A scorer, its name, or several; None for the estimator's own. Of several, ``refit`` names
            the one that is maximized.
        n_jobs: Number of folds that are fitted at once, as elsewhere in scikit-learn.
        refit: Whether the best candidate is fitted to all rows, or the name of the metric that says which it
            is.
        cv: Number of folds, a splitter, or pairs of row numbers. A splitter that shuffles needs a seed, or
            every candidate is scored on other folds.
        verbose: How much scikit-learn prints.
        pre_dispatch: See ``GridSearchCV``.
        random_state: An integer that makes the search repeatable.
        error_score: The score of a fit that fails; ``nan`` counts as a failed trial, ``"raise"`` raises.
        return_train_score: Whether ``cv_results_`` has the scores on training rows, too.

    Attributes:
        study_: The search as a :class:`thalweg.study.Result`, with why it stopped.
        cv_results_, best_estimator_, best_params_, best_score_, best_index_, …: as in ``GridSearchCV``.

    Example:
        >>> from sklearn.datasets import load_diabetes
        >>> from sklearn.linear_model import Ridge
        >>> X, y = load_diabetes(return_X_y=True)
        >>> space = {"alpha": Float(1e-3, 1e3, log=True)}
        >>> search = OptimizedSearchCV(Ridge(), space, trials=12, random_state=0)
        >>> search.fit(X, y).best_params_["alpha"] < 1.0  # the default is too strong a penalty
        True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseSearchCV._parameter_constraints,
        "param_space": [Mapping, Space],
        "trials": [Interval(Integral, 1, None, closed="left"), None],
        "seconds": [Interval(Real, 0, None, closed="neither"), None],
        "optimizer": [str, Optimizer],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any,
        param_space: Any,
        *,
        trials: int | None = None,
        seconds: float | None = None,
        optimizer: AnyOptimizer | str = "auto",
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: bool | str | Callable[..., Any] = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: int | str = "2*n_jobs",
        random_state: Any = None,
        error_score: float | str = np.nan,
        return_train_score: bool = False,
    ) -> None:
        """Keep the settings; they are checked when fitting, as scikit-learn asks."""
        super().__init__(
            estimator=estimator, scoring=scoring, n_jobs=n_jobs, refit=refit, cv=cv, verbose=verbose,
            pre_dispatch=pre_dispatch, error_score=error_score, return_train_score=return_train_score,
        )  # fmt: skip
        self.param_space = param_space
        self.trials = trials
        self.seconds = seconds
        self.optimizer = optimizer
        self.random_state = random_state

    def _run_search(self, evaluate_candidates: Callable[[list[dict[str, Any]]], Mapping[str, Any]]) -> None:
        """Ask a study for candidates until the budget is spent: scikit-learn's documented hook."""
        space = _as_space(self.param_space)
        check_names(self.estimator, space)
        trials = USUAL_TRIALS if self.trials is None and self.seconds is None else self.trials
        budget = Budget(trials=trials, seconds=self.seconds)
        own = own_point(self.estimator, space)
        study = Study(
            Problem(_scored_by_scikit_learn, space, goal="maximize"),
            Auto(evaluations=trials) if self.optimizer == "auto" else self.optimizer,
            seed=int(check_random_state(self.random_state).randint(2**31 - 1)),
            initial=[] if own is None else [own],
        )
        reason = failure = ""
        while not reason:
            for trial in study.ask():
                score, seconds, failure = self._scored(evaluate_candidates, trial.params)
                study.tell(trial, score, error=failure, seconds=seconds)
            reason = budget.spent(study.asked) or budget.over(study.seconds, None) or study.stop()
        self.study_ = study.result(reason)
        if study.best_value is None:
            raise NoCompletedTrial(f"none of {study.asked} candidates has a score; the last one: {failure}")

    def _scored(
        self, evaluate_candidates: Callable[[list[dict[str, Any]]], Mapping[str, Any]], params: dict[str, Any]
    ) -> tuple[float, float, str]:
        """Give a candidate's mean score, the seconds that it took, and what is wrong with it."""
        try:
            results = evaluate_candidates([params])
        except ValueError as error:
            if self.error_score == "raise" or "fits failed" not in str(error):
                raise
            return math.nan, 0.0, str(error).strip()  # scikit-learn refuses a call of which every fit fails
        score = float(results[self._metric(results)][-1])
        seconds = float(results["mean_fit_time"][-1] + results["mean_score_time"][-1]) * self.n_splits_
        return score, seconds, "" if math.isfinite(score) else f"the mean score is {score}"

    def _metric(self, results: Mapping[str, Any]) -> str:
        """Name the column of the score that is maximized."""
        if "mean_test_score" in results:
            return "mean_test_score"
        name = f"mean_test_{self.refit}"
        if name not in results:
            metrics = [key.removeprefix("mean_test_") for key in results if key.startswith("mean_test_")]
            raise InvalidSettings(
                f"refit={self.refit!r}: of several metrics it must name the one to maximize, from {metrics}"
            )
        return name


def _scored_by_scikit_learn(params: Mapping[str, Any]) -> float:
    """Stand for the objective in the stored study, which only asks and is told."""
    raise InvalidSettings("candidates of OptimizedSearchCV are scored by scikit-learn, in its fit")


def _as_space(given: Any) -> Space:
    if isinstance(given, Space):
        return given
    return Space({name: _as_dimension(name, one) for name, one in given.items()})


def _as_dimension(name: str, given: Any) -> Dimension:
    """Understand a dimension, a list of choices or a distribution of SciPy."""
    if isinstance(given, Dimension):
        return given
    if isinstance(given, list | tuple | np.ndarray):
        return Categorical(list(given))
    family = getattr(getattr(given, "dist", None), "name", "")
    if family in ("uniform", "loguniform", "reciprocal"):
        low, high = map(float, given.support())
        return Float(low, high, log=family != "uniform")
    if family == "randint":
        low, high = map(int, given.support())
        return Int(low, high)
    raise InvalidSpace(
        f"{name}={given!r}: expected a Float, an Int or a Categorical, a list of choices, "
        "or a uniform, loguniform or randint distribution of scipy.stats"
    )
