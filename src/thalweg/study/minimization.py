"""The verb: minimize (or maximize) a function."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

from thalweg.checks import positive_number
from thalweg.errors import InvalidSettings
from thalweg.optimizers.auto import Auto
from thalweg.optimizers.base import AnyOptimizer
from thalweg.problem import Goal, Minibatches, Problem
from thalweg.space import SpaceLike
from thalweg.study.budget import Budget
from thalweg.study.events import Observer
from thalweg.study.executors import Executor, Processes, Serial
from thalweg.study.loop import run
from thalweg.study.result import Result
from thalweg.study.storage import Storage
from thalweg.study.study import Study

__all__ = ["choose_executor", "minimize"]


def minimize(
    objective: Callable[..., Any] | Problem,
    space: SpaceLike = None,
    *,
    optimizer: AnyOptimizer | str = "auto",
    trials: int | None = None,
    evaluations: int | None = None,
    seconds: float | None = None,
    target: float | None = None,
    goal: Goal | Sequence[Goal] = "minimize",
    constraints: Callable[..., Any] | Sequence[Callable[..., Any]] = (),
    gradient: Callable[..., Any] | Literal["torch"] | None = None,
    vectorized: bool = False,
    minibatches: Minibatches | None = None,
    initial: Sequence[Any] = (),
    seed: int | None = None,
    storage: str | Storage | None = None,
    name: str | None = None,
    executor: Executor | int | None = None,
    trial_seconds: float | None = None,
    observers: Sequence[Observer] = (),
) -> Result:
    """Search a space for the configuration with the smallest objective.

    With ``storage`` and ``name`` the run is durable: it survives being killed at any instant, and the same call
    continues it. A trial that raises, returns no finite number or exceeds its time limit is recorded as failed, and the
    run goes on.

    Args:
        objective: ``f(configuration)``, or a :class:`thalweg.Problem` that has everything down to ``minibatches``.
        space: A dict of names to dimensions, a Box, or a Space.
        optimizer: An optimizer, or ``"auto"``.
        trials: Number of trials, over all continuations of the run.
        evaluations: The same, in the words of vectorized functions.
        seconds: Running time.
        target: Stop at a value at least as good as this.
        goal: ``"minimize"``, ``"maximize"``, or one of them for each of several objectives.
        constraints: Functions of a configuration; feasible where all are ≤ 0.
        gradient: The derivatives by a function, or by PyTorch's backpropagation (``"torch"``).
        vectorized: Whether the objective takes many configurations at once: a matrix (n, d), or a dict of arrays.
        minibatches: Data of which each evaluation sees a batch, for stochastic gradient descent.
        initial: Configurations to try first.
        seed: A whole number that makes everything repeatable.
        storage: ``None`` for memory, ``"sqlite:///runs.db"``, or a Storage.
        name: The run's name in the storage.
        executor: Where trials are evaluated: ``Serial()``, ``Processes(n)``, or a number n of processes.
        trial_seconds: Time limit of one trial; it is then evaluated in a process that can be stopped.
        observers: Functions that are told of every event.

    Returns:
        The best trial, every trial, and why the run stopped.

    Raises:
        InvalidSpace: The space contradicts itself.
        InvalidProblem: The objective, goals, constraints and gradient do not fit together.
        InvalidSettings: A setting is out of its range, or nothing would ever end the run.
        IncompatibleProblem: The optimizer cannot serve the problem.
        ContradictorySettings: The storage holds a run of that name with other settings.

    Example:
        >>> import thalweg as tw
        >>> space = {"x": tw.Float(-5, 10), "kind": tw.Categorical(["a", "b"])}
        >>> result = tw.minimize(lambda p: (p["x"] - 2) ** 2 + (p["kind"] == "a"), space, trials=30, seed=0)
        >>> result.best.params["kind"], round(result.best.value, 1)
        ('b', 0.0)
        >>> result.stop_reason
        'the budget of 30 trials is spent'
    """
    if isinstance(objective, Problem):
        problem = objective
        if (space, goal, constraints, gradient, vectorized, minibatches) != (None, "minimize", (), None, False, None):
            raise InvalidSettings(
                "space, goal, constraints, gradient, vectorized and minibatches belong to the Problem: give them to it"
            )
    else:
        problem = Problem(
            objective, space, goal=goal, constraints=constraints, gradient=gradient, vectorized=vectorized,
            minibatches=minibatches,
        )  # fmt: skip
    budget = Budget(trials, evaluations, seconds, target)
    if optimizer == "auto":
        optimizer = Auto(evaluations=budget.most)
    if target is not None and problem.objectives > 1:
        raise InvalidSettings("target= is for a single objective, and this problem has several goals")
    study = Study(problem, optimizer, seed=seed, storage=storage, name=name, initial=initial)
    terminates = study.method.capabilities.terminates and problem.minibatches is None
    if not (budget.limited or terminates):
        raise InvalidSettings("nothing would end this run: give trials=, evaluations= or seconds=")
    reason = run(study, choose_executor(executor, trial_seconds), budget, observers, trial_seconds)
    return study.result(reason)


def choose_executor(executor: Executor | int | None, trial_seconds: float | None) -> Executor:
    """Understand what a user may give as an executor."""
    if trial_seconds is not None:
        positive_number("trial_seconds", trial_seconds)
    if executor is None:
        return Serial() if trial_seconds is None else Processes(1)
    if isinstance(executor, int) and not isinstance(executor, bool):
        return Processes(executor)
    if isinstance(executor, Executor):
        return executor
    raise InvalidSettings(f"executor={executor!r}: expected Serial(), Processes(n) or a number of processes")
