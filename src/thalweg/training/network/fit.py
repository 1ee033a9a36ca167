"""Fit a network: epochs of steps, until the validation loss has not improved for long; resumable at any instant.

Stopping early: L. Prechelt, "Early stopping – but when?", Neural Networks: Tricks of the Trade, 1998.
"""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, final

import numpy as np

from thalweg.arrays import AnyArray
from thalweg.errors import StorageError
from thalweg.optimizers.rules import AnyRule, Averages, Schedule
from thalweg.rng import generator
from thalweg.serial import frozen
from thalweg.training.files import CheckpointWarning
from thalweg.training.losses import Loss
from thalweg.training.network.backpropagation import Batch, learn, mean_loss
from thalweg.training.network.checkpoint import CheckpointFile
from thalweg.training.network.network import Network

__all__ = ["MOST_ROLLBACKS", "FitState", "Plan", "batches_of", "fit_network", "steps", "validation_loss"]

MOST_ROLLBACKS = 10


@final
@frozen
class Plan:
    """How to learn.

    Attributes:
        rule: From gradient to direction.
        schedule: The learning rate of every step.
        epochs: At most.
        batch: Rows of a step; the last of an epoch has what is left.
        patience: Epochs without improvement after which learning ends; None for never.
        seed: Of the order of the rows.
    """

    rule: AnyRule
    schedule: Schedule
    epochs: int
    batch: int
    patience: int | None = None
    seed: int = 0


@final
@frozen
class FitState:
    """Where a fit stands between two steps."""

    weights: AnyArray  # (p,) at which the next gradient is taken
    rule: Any  # state of the rule
    epoch: int = 0  # the present one
    batch: int = 0  # the next one in it
    total: float = 0.0  # Σ n L over the batches of this epoch
    factor: float = 1.0  # of the schedule's rates: ½ for every rollback
    rollbacks: tuple[str, ...] = ()
    best: AnyArray | None = None  # (p,) weights of the best epoch
    best_epoch: int = -1
    best_score: float = np.inf
    losses: tuple[float, ...] = ()  # mean training loss of every epoch
    scores: tuple[float, ...] = ()  # what is to be least, after every epoch
    ended: str = ""  # why this is the last state


def fit_network(
    network: Network,
    loss: Loss,
    rows: Batch,
    plan: Plan,
    score: Callable[[Network], float] | None = None,
    file: CheckpointFile | None = None,
    observe: Callable[[FitState], None] | None = None,
) -> FitState:
    """Learn until the plan is done or nothing improves; leave the network with the best weights.

    Args:
        network: Its weights are where learning begins.
        loss: ℓ(η, y).
        rows: All of them.
        plan: How.
        score: Of the network after an epoch, to be least; the training loss where it is None.
        file: From which a fit that was interrupted goes on, and into which it is saved.
        observe: Told the state after every epoch.

    Returns:
        The last state; ``ended`` says why it is that.

    Example:
        >>> from thalweg.optimizers.rules import AdamW, Constant
        >>> from thalweg.training.losses import Squared
        >>> from thalweg.training.network.layers import Dense
        >>> rows = Batch(np.linspace(0, 1, 100)[:, None], np.linspace(1, 3, 100))
        >>> net = Network([Dense(1)], inputs=1, dtype=np.float64)
        >>> fit_network(net, Squared(), rows, Plan(AdamW(), Constant(0.05), epochs=100, batch=10)).ended
        'all 100 epochs were made'
        >>> net.weights.round(1)
        array([2., 1.])
    """
    begun = None if file is None else file.load()
    start = FitState(network.weights.copy(), plan.rule.init(network.weights))
    good, state = begun or (start, start)
    while not state.ended:
        with np.errstate(all="ignore"):  # what diverges is found below, and told
            state = _epoch(network, loss, rows, plan, good, state, file)
            state = _judged(network, plan, state, len(rows.X), score) if _finite(state) else _rolled_back(good, state)
        good = state
        if observe is not None:
            observe(state)
        if file is not None and (state.ended or file.due):
            _save(file, good, state)
    network.weights[...] = state.weights if state.best is None else state.best
    return state


def steps(
    network: Network, loss: Loss, rows: Batch, plan: Plan, rule: Any, numbers: range, factor: float = 1.0
) -> Iterator[tuple[int, int, float, Any]]:
    """Take steps, and give for each its number, its rows, the batch's mean loss before it and the rule's next state.

    Every row comes once in an epoch, in an order that is a function of the plan's seed and the epoch.

    Args:
        network: Its weights are moved in place.
        loss: ℓ(η, y).
        rows: All of them.
        plan: How; its epochs and patience are of no account.
        rule: State of the rule before the first step.
        numbers: Of the steps.
        factor: Of the schedule's rates.
    """
    batches, gather, order, present = batches_of(rows, plan), _Gather(rows, plan.batch), np.empty(0, np.int64), -1
    for step in numbers:
        epoch, k = divmod(step, batches)
        if epoch != present:
            order, present = generator(plan.seed, epoch).permutation(len(rows.X)), epoch
        batch = gather(order[k * plan.batch : (k + 1) * plan.batch])
        value, rule = learn(network, loss, batch, plan.rule, rule, factor * plan.schedule.at(step), step)
        yield step, len(batch.X), value, rule


def batches_of(rows: Batch, plan: Plan) -> int:
    """Count the batches of an epoch."""
    return -(-len(rows.X) // plan.batch)


def validation_loss(loss: Loss, rows: Batch) -> Callable[[Network], float]:
    """Make a score of rows that are not learned from: their mean loss."""
    return lambda network: mean_loss(loss, network.predict(rows.X), rows)[0]


def _epoch(
    network: Network,
    loss: Loss,
    rows: Batch,
    plan: Plan,
    good: FitState,
    state: FitState,
    file: CheckpointFile | None,
) -> FitState:
    """Take the steps of one epoch that are still to be taken; ``good`` is where it began."""
    network.weights[...] = state.weights
    rule, total, batches = state.rule, state.total, batches_of(rows, plan)
    first = state.epoch * batches
    numbers = range(first + state.batch, first + batches)
    for step, n, value, rule in steps(network, loss, rows, plan, state.rule, numbers, state.factor):
        total += value * n
        if file is not None and file.due:
            _save(file, good, replace(state, weights=network.weights, rule=rule, batch=step + 1 - first, total=total))
    return replace(state, weights=network.weights.copy(), rule=rule, batch=batches, total=total)


def _judged(
    network: Network, plan: Plan, state: FitState, n: int, score: Callable[[Network], float] | None
) -> FitState:
    """End the epoch: score the weights that are believed best, and see whether to go on."""
    rule, loss = plan.rule, state.total / n
    believed = rule.average(state.rule, state.weights) if isinstance(rule, Averages) else state.weights
    network.weights[...] = believed
    value = loss if score is None else score(network)
    epoch = state.epoch + 1
    state = replace(
        state, epoch=epoch, batch=0, total=0.0, losses=(*state.losses, loss), scores=(*state.scores, value)
    )  # fmt: skip
    if value <= state.best_score:
        state = replace(state, best_epoch=epoch - 1, best_score=value)
    if score is None or state.best_epoch == epoch - 1:  # rows that were learned from do not tell which weights are best
        state = replace(state, best=believed.copy())
    if epoch >= plan.epochs:
        return replace(state, ended=f"all {plan.epochs} epochs were made")
    if plan.patience is not None and epoch - 1 - state.best_epoch >= plan.patience:
        return replace(
            state, ended=f"no improvement in {plan.patience} epochs: the best is epoch {state.best_epoch + 1}"
        )
    return state


def _save(file: CheckpointFile, good: FitState, state: FitState) -> None:
    """Save where the fit stands; where that fails the last file stays, and so does the fit."""
    try:
        file.save((good, state))
    except StorageError as error:
        warnings.warn(f"{error}; the training goes on, and will try again", CheckpointWarning, stacklevel=2)


def _finite(state: FitState) -> bool:
    return bool(np.isfinite(state.total) and np.isfinite(state.weights).all())


def _rolled_back(good: FitState, bad: FitState) -> FitState:
    """Return to the last good state with half the rate; give up after ten times."""
    told = f"epoch {bad.epoch + 1}: the loss became {bad.total:.3g}; back to its beginning, with half the learning rate"
    state = replace(good, factor=good.factor / 2, rollbacks=(*good.rollbacks, told))
    if len(state.rollbacks) < MOST_ROLLBACKS:
        return state
    return replace(state, ended=f"the loss is not finite, {MOST_ROLLBACKS} times with half the rate each: {told}")


@final
class _Gather:
    """Some rows at a time, in arrays that are allocated once."""

    def __init__(self, rows: Batch, size: int) -> None:
        self.arrays = [
            (a, np.empty((min(size, len(a)), *a.shape[1:]), a.dtype)) for a in vars(rows).values() if a is not None
        ]

    def __call__(self, rows: AnyArray) -> Batch:
        return Batch(*(np.take(a, rows, axis=0, out=taken[: len(rows)], mode="clip") for a, taken in self.arrays))
