"""The learning rate of a network: by a race of short trainings."""

from copy import deepcopy
from dataclasses import replace

import numpy as np

from thalweg.training.losses import Loss
from thalweg.training.network.backpropagation import Batch
from thalweg.training.network.fit import Plan, batches_of, steps, validation_loss
from thalweg.training.network.network import Network
from thalweg.training.rate_race import RateChoice, race, rates_for, rise_and_fall

__all__ = ["choose_learning_rate"]


def choose_learning_rate(network: Network, loss: Loss, rows: Batch, unseen: Batch, plan: Plan) -> RateChoice:
    """Train copies for a short while each, and choose the rate that predicts unseen rows best.

    Args:
        network: Not changed: every attempt begins at its weights.
        loss: ℓ(η, y).
        rows: To learn from.
        unseen: Others.
        plan: Of the whole training; its schedule is of no account.
    """

    def attempt(rate: float, length: int) -> float:
        copy = deepcopy(network)
        trial = replace(plan, schedule=rise_and_fall(rate, length))
        with np.errstate(all="ignore"):
            for _ in steps(copy, loss, rows, trial, plan.rule.init(copy.weights), range(length)):
                pass  # the weights are all that is wanted
            return validation_loss(loss, unseen)(copy)

    return race(attempt, plan.epochs * batches_of(rows, plan), rates_for(plan.rule))
