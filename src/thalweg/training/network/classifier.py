"""Multi-layer perceptrons for classes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self, final

import numpy as np
from sklearn.base import ClassifierMixin

from thalweg.arrays import AnyArray
from thalweg.optimizers.rules import AnyRule
from thalweg.training.losses import Logistic, Multinomial
from thalweg.training.network.architecture import Embedding
from thalweg.training.network.estimator import MLP, LearningRate
from thalweg.training.network.layers import Layer
from thalweg.training.targets import coded, require_two, weighted_by_class

__all__ = ["MLPClassifier"]


@final
class MLPClassifier(ClassifierMixin, MLP):  # type: ignore[misc]
    """Predict classes by a multi-layer perceptron."""

    def __init__(
        self,
        hidden: Sequence[int | Layer] = (128, 128),
        *,
        activation: str = "relu",
        dropout: float = 0.0,
        embedding: Embedding | None = None,
        rule: AnyRule | None = None,
        learning_rate: LearningRate = "auto",
        epochs: int = 50,
        batch_size: int = 256,
        patience: int | None = 10,
        validation_fraction: float = 0.1,
        class_weight: dict[Any, float] | str | None = None,
        checkpoint: str | Path | None = None,
        seed: int | None = 0,
    ) -> None:
        """Keep the parameters; they are checked when fitting."""
        self.hidden = hidden
        self.activation = activation
        self.dropout = dropout
        self.embedding = embedding
        self.rule = rule
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.class_weight = class_weight
        self.checkpoint = checkpoint
        self.seed = seed

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit.

        Args:
            X: (n, d) array of numbers, or a frame, whose columns of texts and categories are embedded. Cells may be missing.
            y: (n,) classes.
            sample_weight: (n,) weights ≥ 0, or None for 1.
        """
        X, y = self._checked(X, y)
        classes, codes = coded(y)
        require_two(classes)
        v = weighted_by_class(self._row_weights(X, sample_weight), self.class_weight, classes, codes, np.float32)
        self.classes_ = classes
        two = len(classes) == 2
        self._learn(X, codes, v, Logistic() if two else Multinomial(), 1 if two else len(classes), classes=True)
        return self

    def decision_function(self, X: Any) -> AnyArray:
        """Give the outputs of the network: (n,) for the second of two classes, else (n, K)."""
        eta = self._outputs(X)
        return eta[:, 0] if eta.shape[1] == 1 else eta

    def predict_proba(self, X: Any) -> AnyArray:
        """Give the probabilities of the classes (n, K)."""
        eta = self.decision_function(X)
        if eta.ndim == 2:
            return Multinomial().mean(eta)
        second = Logistic().mean(eta)
        return np.stack([1 - second, second], axis=1)

    def predict(self, X: Any) -> AnyArray:
        """Give the most likely class of every row (n,)."""
        eta = self.decision_function(X)
        best = (eta > 0).astype(np.intp) if eta.ndim == 1 else eta.argmax(axis=1)
        return np.asarray(self.classes_[best])
