"""Multi-layer perceptrons for numbers; the papers are those of :mod:`thalweg.training.network.classifier`.

The best of the epochs: L. Prechelt, "Early stopping – but when?", Neural Networks: Tricks of the Trade, 1998.
Balance: M. V. Wüthrich, "Bias regularization in neural network models for general insurance pricing", European Actuarial
Journal 10, 2020.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self, final

import numpy as np
from sklearn.base import RegressorMixin

from thalweg.arrays import AnyArray
from thalweg.errors import InvalidSettings
from thalweg.optimizers.rules import AnyRule
from thalweg.training.losses import Huber, Loss, Poisson, Quantile, Squared
from thalweg.training.network.architecture import Embedding
from thalweg.training.network.estimator import MLP, LearningRate
from thalweg.training.network.layers import Layer

__all__ = ["LOSSES", "MLPRegressor"]

LOSSES: dict[str, Loss] = {"squared": Squared(), "quantile": Quantile(), "poisson": Poisson()}

NORMAL = 1.349  # distance of the quartiles of a normal distribution, in standard deviations


@final
class MLPRegressor(RegressorMixin, MLP):  # type: ignore[misc]
    """Predict numbers for the rows of a table by a multi-layer perceptron.

    Minimizes Σ v ℓ(f(x), y) / Σ v over the weights of the network f, by backpropagation on batches; v weighs the rows. The
    columns become the network's inputs, the rate rises and falls, as for :class:`MLPClassifier`. Here a tenth of the rows
    is held out, and the weights of the epoch with the lowest loss on them are taken: where targets are noisy, a network
    that has learned the noise is far worse than one that learned for a while.

    Targets are centred and scaled (by their mean alone where the loss is of counts), so that the same rates serve any unit.

    Args:
        hidden: Widths of the hidden layers, first to last, each at least 1; or layers, taken as they are.
        activation: Behind each width: ``"relu"``, ``"gelu"``, ``"silu"`` or ``"tanh"``.
        dropout: Share of a hidden layer's outputs that a step drops, in [0, 1).
        embedding: Of numbers: ``"periodic"`` or ``"piecewise_linear"``, where few columns (such as coordinates) decide by
            sharp steps; None to take them as they are.
        loss: ℓ: ``"squared"`` for the mean, ``"quantile"`` for the median, ``"poisson"`` for the rate of counts, or a
            :class:`~thalweg.training.losses.Loss`, such as ``Quantile(0.9)`` or ``Huber(1.0)``, whose length is in the
            units of y.
        rule: From gradients to steps; None is AdamW with β₂ = 0.95 and a weight decay of 0.1.
        learning_rate: ``"auto"`` for a race of rates in short trainings, then a warm-up and a cosine; a positive number, for
            all steps; or a :class:`~thalweg.optimizers.rules.Schedule`.
        epochs: Passes over the rows, at least 1.
        batch_size: Rows of a step, at least 1; None makes about 50 batches an epoch, of 32 to 512 rows.
        patience: Epochs without a lower loss on the rows held out (without any, on those of the training) after which
            learning ends; None makes all epochs.
        validation_fraction: Share of the rows that are held out, in [0, 1); of fewer than 100 rows none are, and the last
            weights are taken.
        checkpoint: A file in which the fit survives: the same fit, begun again after it was killed, goes on from there to
            the same bits. It needs a seed.
        seed: Of first weights, rows held out, order of rows, dropout; None takes another for every fit.

    Attributes:
        network_: The trained :class:`~thalweg.training.network.Network`, which gives scaled predictors.
        learning_rate_: The highest rate of ``"auto"``, the number that was given, or the first rate of the schedule.
        learning_rate_reason_: Why that one.
        n_iter_: Epochs made.
        best_epoch_: Whose weights were taken, from 1; without rows held out, that of the lowest training loss, though the
            last weights are taken.
        loss_curve_: Mean training loss of every epoch, of the scaled targets.
        validation_curve_: That on the rows held out after every epoch; empty where there are none.
        stop_reason_: Why learning ended.
        rollbacks_: Where the loss was not finite and learning went back, in words.

    Raises:
        InvalidSettings: A parameter is out of its range.
        InvalidData: X or y cannot be learned from, or a target is not in the range of the loss.
        ContradictorySettings: The checkpoint is of another fit.
        StorageError: The checkpoint cannot be read, or its folder does not exist.

    Example:
        >>> X = np.linspace(-3, 3, 500)[:, None]
        >>> model = MLPRegressor(seed=0).fit(X, 100 * np.sin(X[:, 0]))
        >>> bool(np.abs(model.predict([[-1.0], [1.0]]) - [-84.1, 84.1]).max() < 10)
        True
    """

    def __init__(
        self,
        hidden: Sequence[int | Layer] = (128, 128),
        *,
        activation: str = "relu",
        dropout: float = 0.15,
        embedding: Embedding | None = None,
        loss: str | Loss = "squared",
        rule: AnyRule | None = None,
        learning_rate: LearningRate = "auto",
        epochs: int = 40,
        batch_size: int | None = None,
        patience: int | None = None,
        validation_fraction: float = 0.1,
        checkpoint: str | Path | None = None,
        seed: int | None = 0,
    ) -> None:
        """Keep the parameters; they are checked when fitting."""
        self.hidden = hidden
        self.activation = activation
        self.dropout = dropout
        self.embedding = embedding
        self.loss = loss
        self.rule = rule
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.checkpoint = checkpoint
        self.seed = seed

    def __sklearn_tags__(self) -> Any:
        """Several targets at once are welcome; counts are not negative."""
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = self.loss == "poisson" or isinstance(self.loss, Poisson)
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit.

        Args:
            X: (n, d) array of numbers, or a frame of pandas, polars or PyArrow, whose columns of texts and categories are
                taken as categories. Cells may be missing.
            y: (n,) numbers, or (n, m) for m targets.
            sample_weight: (n,) weights ≥ 0, or None for 1.
        """
        loss = _loss(self.loss)
        X, y, v = self._checked(X, y, sample_weight, y_numeric=True, multi_output=True)
        loss.check(y)
        centre, scale = _units(loss, y)
        of_scaled = Huber(loss.delta / float(scale)) if isinstance(loss, Huber) else loss
        targets, outputs = (y - centre) / scale, 1 if y.ndim == 1 else y.shape[1]
        self._learn(X, targets, v, of_scaled, outputs, classes=False)
        self._fitted, self._centre, self._scale, self._flat = loss, centre, scale, y.ndim == 1
        if isinstance(loss, Poisson):
            self._balance(X, y, v)
        return self

    def predict(self, X: Any) -> AnyArray:
        """Give what is expected for the rows of X, (n,) or (n, m): their mean, or what else the loss asks for."""
        eta = self._outputs(X)
        mean = self._fitted.mean(eta[:, 0] if self._flat else eta)
        return np.asarray(mean * self._scale + self._centre)

    def _balance(self, X: Any, y: AnyArray, v: AnyArray | None) -> None:
        """Scale the rates so that their sum over the training rows is that of the counts.

        Dropout is a noise of η while learning, in the mean of which e^η is larger than without it: rates would be too low.
        """
        expected = np.average(self.predict(X), axis=0, weights=v)
        self._scale = self._scale * np.where(expected > 0, np.average(y, axis=0, weights=v) / expected, 1.0)


def _loss(loss: str | Loss) -> Loss:
    known = LOSSES.get(loss, loss) if isinstance(loss, str) else loss
    if not isinstance(known, Loss) or known.classes:
        raise InvalidSettings(f"loss={loss!r}: expected one of {', '.join(LOSSES)}, or a Loss of numbers")
    return known


def _units(loss: Loss, y: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Give what is subtracted from targets, and what they are divided by, so that rates and starts fit any unit.

    Only where that changes nothing but the unit of the loss: losses of differences, where Huber's length needs one unit for
    all targets; and Poisson's, half the deviance of a y being a · half the deviance of a rate and y.
    """
    y, one = y.astype(np.float64), np.ones(())
    if isinstance(loss, Poisson):
        mean = y.mean(axis=0)
        return np.zeros(()), np.where(mean > 0, mean, 1.0)
    if isinstance(loss, Squared):
        centre, scale = y.mean(axis=0), y.std(axis=0)
    elif isinstance(loss, Quantile | Huber):  # as robust as they are
        centre = np.median(y, axis=0)
        low, high = np.quantile(y - centre, (0.25, 0.75), axis=None if isinstance(loss, Huber) else 0)
        scale = np.where(high > low, (high - low) / NORMAL, (y - centre).std())
    else:
        return np.zeros(()), one
    return centre, np.where(scale > 0, scale, 1.0)
