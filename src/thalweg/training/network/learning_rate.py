"""The learning rate of a network: by a race of short trainings."""

from copy import deepcopy
from dataclasses import replace

import numpy as np

from thalweg.training.losses import Loss
from thalweg.training.network.backpropagation import Batch
from thalweg.training.network.fit import Plan, batches_of, steps, validation_loss
from thalweg.training.network.network import Network
from thalweg.training.network.validation import some_of
from thalweg.training.rate_race import RateChoice, race, rates_for, rise_and_fall

__all__ = ["choose_learning_rate"]

JUDGES = 2_000  # rows


def choose_learning_rate(network: Network, loss: Loss, rows: Batch, judges: Batch, plan: Plan) -> RateChoice:
    """Train copies for a short while each, and choose the rate that predicts the judges best.

    Rows that are learned from may be among them: an attempt sees each a few times at most, too few to know it by heart. A
    small table's few others would judge by chance: on 50 rows, rates a hundred times too large have won.

    Args:
        network: Not changed: every attempt begins at its weights.
        loss: ℓ(η, y).
        rows: To learn from.
        judges: To predict; at most 2,000 of them are taken.
        plan: Of the whole training; its schedule is of no account.
    """
    score = validation_loss(loss, some_of(judges, JUDGES, plan.seed))

    def attempt(rate: float, length: int) -> float:
        copy = deepcopy(network)
        trial = replace(plan, schedule=rise_and_fall(rate, length))
        with np.errstate(all="ignore"):
            for _ in steps(copy, loss, rows, trial, plan.rule.init(copy.weights), range(length)):
                pass  # the weights are all that is wanted
            return score(copy)

    return race(attempt, plan.epochs * batches_of(rows, plan), rates_for(plan.rule))
