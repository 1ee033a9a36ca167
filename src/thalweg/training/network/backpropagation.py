"""Backpropagation: one step of learning, in the four steps that every textbook names.

D. E. Rumelhart, G. E. Hinton, R. J. Williams, "Learning representations by back-propagating errors", Nature 323, 1986.
"""

from dataclasses import dataclass
from typing import Any, final

from thalweg.arrays import AnyArray
from thalweg.optimizers.rules import AnyRule
from thalweg.training.losses import Loss
from thalweg.training.network.network import Network

__all__ = ["Batch", "learn", "mean_loss"]


@final
@dataclass(frozen=True)
class Batch:
    """Some rows: X (n, d), their targets y (n,) or (n, m), their weights v (n,), of mean 1 over all rows; None for 1."""

    X: AnyArray
    y: AnyArray
    v: AnyArray | None = None


def learn(
    network: Network, loss: Loss, batch: Batch, rule: AnyRule, state: Any, learning_rate: float, step: int
) -> tuple[float, Any]:
    """Take one step.

    Args:
        network: Its weights w are moved in place.
        loss: ℓ(η, y).
        batch: Of the network's dtype.
        rule: From gradient to direction.
        state: The rule's.
        learning_rate: α.
        step: Its number, from which follows what dropout drops.

    Returns:
        The batch's mean loss before the step, and the rule's next state.

    Example:
        >>> import numpy as np
        >>> from thalweg.optimizers.rules import SGD
        >>> from thalweg.training.losses import Squared
        >>> from thalweg.training.network.layers import Dense
        >>> net = Network([Dense(1)], inputs=1, dtype=np.float64)
        >>> batch, state = Batch(np.array([[0.0], [1.0]]), np.array([1.0, 3.0])), SGD().init(net.weights)
        >>> for step in range(200):
        ...     value, state = learn(net, Squared(), batch, SGD(), state, 0.5, step)
        >>> net.weights.round(6), round(value, 6)
        (array([2., 1.]), 0.0)
    """
    eta = network.forward(batch.X, step)  # forward:   η = f(X; w)
    value, slope = mean_loss(loss, eta, batch)  # loss:      L = Σ v ℓ(η, y) / n  and  ∂L/∂η
    gradient = network.backward(slope)  # backward:  ∂L/∂w, from the last layer to the first
    direction, state = rule.update(state, gradient, network.weights, learning_rate)
    network.weights -= learning_rate * direction  # update:    w ← w − α d
    return value, state


def mean_loss(loss: Loss, eta: AnyArray, batch: Batch) -> tuple[float, AnyArray]:
    """Give L = Σ v ℓ(η, y) / n, over several targets their mean too, and ∂L/∂η (n, K).

    Args:
        loss: ℓ.
        eta: (n, K) outputs of the network. A loss of one predictor takes each column with that of the targets.
        batch: With targets (n,), or (n, K) for several.
    """
    predictor = eta[:, 0] if eta.shape[1] == 1 and batch.y.ndim == 1 else eta
    losses, slope = loss.slope(predictor, batch.y)
    slope *= eta.dtype.type(1 / losses.size)
    if batch.v is not None:
        v = batch.v.reshape((-1,) + (1,) * (losses.ndim - 1))
        losses = v * losses
        slope *= batch.v.reshape((-1,) + (1,) * (slope.ndim - 1))
    return float(losses.sum() / losses.size), slope.reshape(eta.shape)
