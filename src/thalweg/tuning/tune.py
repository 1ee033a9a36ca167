"""The verb: tune the hyperparameters of a model, or find the best of several kinds of model."""

from collections.abc import Mapping, Sequence
from typing import Any

import joblib

from thalweg.checks import whole_number
from thalweg.data import Task
from thalweg.errors import ContradictorySettings
from thalweg.optimizers.auto import Auto
from thalweg.optimizers.base import AnyOptimizer
from thalweg.optimizers.bayesian import BayesianOptimization
from thalweg.problem import Problem
from thalweg.rng import fresh_seed
from thalweg.space import SpaceLike
from thalweg.study import (
    Budget,
    Executor,
    Observer,
    Processes,
    Serial,
    Storage,
    Study,
    choose_executor,
    open_storage,
    run,
)
from thalweg.study.opening import stored_settings
from thalweg.tuning.preparation import Prepared, prepare
from thalweg.tuning.result import TuningResult, conclude
from thalweg.tuning.scoring import Scorer

__all__ = ["tune"]

USUAL_TRIALS = 50  # where the user gives no budget
FEW_TRIALS = 500  # up to here a model of the objective is worth its computing time
MOST_PROCESSES = 4  # where the user names no executor: each holds a copy of the table


def tune(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    space: SpaceLike = None,
    task: Task | None = None,
    scoring: str | Scorer | None = None,
    cv: Any = None,
    trials: int | None = None,
    seconds: float | None = None,
    optimizer: AnyOptimizer | str = "auto",
    holdout: float | None = 0.2,
    storage: str | Storage | None = None,
    name: str | None = None,
    executor: Executor | int | None = None,
    trial_seconds: float | None = None,
    seed: int | None = None,
    observers: Sequence[Observer] = (),
) -> TuningResult:
    """Find the hyperparameters with which a model predicts best, or the best of several kinds of model.

    Every configuration is scored by cross-validation, with the features learnt inside the folds. The untuned
    defaults are tried first, so by that score tuning never ends worse than they are. What it gained is
    measured on held-out rows that the search never saw.

    With ``storage`` and ``name`` the run is durable: it survives being killed, and the same call continues
    it.

    Args:
        estimator: None to search linear models, gradient boosting and random forests (see
            :data:`thalweg.tuning.FAMILIES`); or a scikit-learn estimator or pipeline of which ``space`` is
            searched.
        X: The features: a data frame (pandas, polars, PyArrow …) or an array (n, d). Text, categories, dates
            and missing cells are encoded, except for a pipeline, which does that itself.
        y: The target (n,); or the name of the column of X that is it.
        space: Parameters to search, by the names of ``set_params``; None where those of the estimator's
            class are known. The estimator's own values are tried first where they lie in the space.
        task: ``"regression"`` or ``"classification"``; None sees it from the estimator, else from the target.
        scoring: A scorer of scikit-learn, or its name; None for the root mean squared error or the log loss.
        cv: A number of folds, a splitter, or pairs of row numbers; None for 5 folds up to 5,000 rows, 3 up
            to 10,000, and beyond a single split.
        trials: Number of configurations; 50 where neither ``trials`` nor ``seconds`` is given.
        seconds: Time for the search. The best model is fitted after it.
        optimizer: An optimizer; or ``"auto"``, Bayesian optimization for up to 500 trials.
        holdout: Share of the rows that is held out, in (0, 0.5]; None or 0 for none.
        storage: ``None`` for memory, ``"sqlite:///runs.db"``, or a Storage.
        name: The run's name in the storage.
        executor: Where configurations are scored: ``Serial()``, ``Processes(n)``, or a number n of
            processes. None is one process, whose run can be repeated exactly; where ``seconds`` are given,
            as many as there are processors, 4 at most.
        trial_seconds: Time limit of one configuration; None for a fifth of ``seconds``.
        seed: A whole number that makes everything repeatable, with ``trials`` and one process.
        observers: Functions that are told of every event.

    Returns:
        The best model, fitted; its scores; every trial.

    Raises:
        InvalidData: Nothing can be learnt from the table.
        InvalidSettings: The estimator, scoring, folds, budget or another setting is out of its range.
        InvalidSpace: The space contradicts itself or the estimator.
        ContradictorySettings: The storage holds a run of that name on other data or with other settings.
        NoCompletedTrial: Every configuration failed; the error says how.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.neighbors import KNeighborsClassifier
        >>> import thalweg as tw
        >>> X, y = load_iris(return_X_y=True)
        >>> space = {"n_neighbors": tw.Int(1, 50, log=True)}
        >>> model, here = KNeighborsClassifier(), tw.Serial()
        >>> result = tw.tune(model, X, y, space=space, trials=8, executor=here, seed=0)
        >>> list(result.holdout.table.index)[1:]
        ['untuned default: KNeighborsClassifier', 'tuned: KNeighborsClassifier']
        >>> bool(result.holdout.table["accuracy"].iloc[2] > 0.9)
        True
    """
    if trials is None and seconds is None:
        trials = USUAL_TRIALS
    budget = Budget(trials=trials, seconds=seconds)
    pool, limit = _executor(executor, trial_seconds, seconds)
    store = open_storage(storage)
    stored = stored_settings(store, name)  # its seed divided the rows, its optimizer goes on
    if seed is None:
        seed = int(stored["seed"]) if stored else fresh_seed()
    seed = whole_number("seed", seed, least=0)
    prepared = prepare(estimator, X, y, space=space, task=task, scoring=scoring, cv=cv, holdout=holdout, seed=seed)
    if optimizer == "auto" and not stored:
        optimizer = _optimizer(trials, prepared)
    study = Study(
        Problem(prepared.objective, prepared.models.space, goal="maximize"),
        optimizer,
        seed=prepared.seed,
        storage=store,
        name=name,
        initial=prepared.models.initial,
    )
    _check_same(study, prepared.settings)
    reason = run(study, pool, budget, observers, limit)
    return conclude(prepared, study.result(reason))


def _optimizer(trials: int | None, prepared: Prepared) -> AnyOptimizer:
    """Choose an optimizer.

    Bayesian optimization begins with a design that is blind to results; its usual size follows the number of
    columns. A configuration has only the columns of its own family: a design for all would fill a short run.
    """
    if trials is not None and trials > FEW_TRIALS:
        return Auto(evaluations=trials)
    columns = prepared.models.space.columns.dim
    active = max((len(point) for point in prepared.models.initial), default=columns)
    return BayesianOptimization(initial=4 + active)


def _executor(
    executor: Executor | int | None, trial_seconds: float | None, seconds: float | None
) -> tuple[Executor, float | None]:
    """Choose where to score configurations, and the time limit of each."""
    if executor is None:
        executor = Processes(1 if seconds is None else min(MOST_PROCESSES, joblib.cpu_count()))
    chosen = choose_executor(executor, trial_seconds)
    if trial_seconds is None and seconds is not None and not isinstance(chosen, Serial):
        return chosen, seconds / 5
    return chosen, trial_seconds


def _check_same(study: Study, settings: Mapping[str, Any]) -> None:
    """Refuse to continue a stored run with scores that cannot be compared with its own."""
    stored = study.storage.read(study.name).notes.get("tuning")
    if stored is None:
        study.storage.note(study.name, tuning=dict(settings))
        return
    for key, now in settings.items():
        if stored.get(key) != now:
            raise ContradictorySettings(
                f"the run {study.name!r} is stored with {key} = {stored.get(key)!r}, and the call says "
                f"{now!r}; continue it with the same {key}, or choose another name"
            )
