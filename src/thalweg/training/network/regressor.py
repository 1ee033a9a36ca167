"""Multi-layer perceptrons for numbers."""

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


@final
class MLPRegressor(RegressorMixin, MLP):  # type: ignore[misc]
    """Predict numbers by a multi-layer perceptron."""

    def __init__(
        self,
        hidden: Sequence[int | Layer] = (128, 128),
        *,
        activation: str = "relu",
        dropout: float = 0.0,
        embedding: Embedding | None = None,
        loss: str | Loss = "squared",
        rule: AnyRule | None = None,
        learning_rate: LearningRate = "auto",
        epochs: int = 50,
        batch_size: int = 256,
        patience: int | None = 10,
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
        """Several targets at once are welcome."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit.

        Args:
            X: (n, d) array of numbers, or a frame, whose columns of texts and categories are embedded. Cells may be missing.
            y: (n,) numbers, or (n, m) for m targets.
            sample_weight: (n,) weights ≥ 0, or None for 1.
        """
        loss = self._loss()
        X, y = self._checked(X, y, y_numeric=True, multi_output=True)
        loss.check(y)
        self._centre, self._scale = _units(loss, y)
        if isinstance(loss, Huber):
            loss = Huber(loss.delta / float(self._scale))
        targets, outputs = (y - self._centre) / self._scale, 1 if y.ndim == 1 else y.shape[1]
        self._flat = y.ndim == 1
        self._learn(X, targets, self._row_weights(X, sample_weight), loss, outputs, classes=False)
        return self

    def predict(self, X: Any) -> AnyArray:
        """Give what is expected for the rows of X, (n,) or (n, m): their mean, or what else the loss asks for."""
        eta = self._outputs(X)
        mean = self._loss().mean(eta[:, 0] if self._flat else eta)
        return np.asarray(mean * self._scale + self._centre)

    def _loss(self) -> Loss:
        loss = LOSSES.get(self.loss, self.loss) if isinstance(self.loss, str) else self.loss
        if not isinstance(loss, Loss) or loss.classes:
            raise InvalidSettings(f"loss={self.loss!r}: expected one of {', '.join(LOSSES)}, or a Loss of numbers")
        return loss


def _units(loss: Loss, y: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Give what is subtracted from targets, and what they are divided by: so that rates and starts fit any unit.

    Only where the loss sees nothing but differences; and a loss with a length of its own has one unit for all targets.
    """
    if not isinstance(loss, Squared | Quantile | Huber):
        return np.zeros(y.shape[1:]), np.ones(())
    y = y.astype(np.float64)
    deviation = (y - y.mean(axis=0)).std() if isinstance(loss, Huber) else y.std(axis=0)
    return y.mean(axis=0), np.where(deviation > 0, deviation, 1.0)
