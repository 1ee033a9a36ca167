"""A classifier around any PyTorch module, for scikit-learn's users."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, Self, final

import numpy as np
import torch
from scipy.special import expit, softmax
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import _check_y
from torch import Tensor, nn

from thalweg.arrays import AnyArray
from thalweg.errors import IncompatibleProblem, InvalidData
from thalweg.optimizers.rules import AnyRule, Schedule
from thalweg.training.losses import Logistic, Loss, Multinomial
from thalweg.training.targets import coded, require_two, weighted_by_class
from thalweg.training.torch.batches.inputs import checked
from thalweg.training.torch.estimators.estimator import NeuralNetEstimator
from thalweg.training.torch.events import Observer
from thalweg.training.torch.settings import Checkpoint, EarlyStopping, Hardware, Metric

__all__ = ["NeuralNetClassifier"]


@final
class NeuralNetClassifier(ClassifierMixin, NeuralNetEstimator):  # type: ignore[misc]
    """Classify by a PyTorch module whose outputs are logits: one for each class, or one alone for the second of two.

    Minimizes Σ v ℓ(module(x), k) / Σ v, ℓ being the cross-entropy of the class's number k = 0 … K − 1, v the weights of
    the rows.

    Args:
        module: A function (number of columns, K) that makes the module; or an instance, of which every fit trains a copy,
            from the weights that it has.
        rule: From gradients to steps; None is AdamW.
        learning_rate: ``"auto"`` for a race of rates on copies, then a warm-up and a cosine; a number; or a schedule.
        epochs: Passes over the data at most.
        batch_size: Rows a batch; None makes about 50 batches an epoch, of 32 to 512 rows.
        loss: ℓ, a function of outputs and numbers of the classes, one value a row; None is the cross-entropy.
        early_stopping: When to stop, watching rows that are held out, and to take the best weights. None learns from all
            rows to the end, which is usually better with a learning rate that falls to zero.
        validation_fraction: Share of the rows that are held out, in each class.
        class_weight: Factors by class, ``"balanced"``, or None.
        metric: Of outputs and numbers of classes of the rows held out, watched in place of the loss.
        hardware: Where and how precisely; None is a GPU where there is one.
        checkpoint: A file in which the training survives: the same fit, begun again, goes on from there.
        observers: Called with every event, such as a progress bar.
        seed: Of weights, batches and held-out rows; None takes another for every fit, and 0 where there is a checkpoint.

    Attributes:
        classes_: (K,) the classes, in order.
        module_: The trained module.
        history_: What was measured, one entry an epoch.
        n_iter_: Epochs made.
        stop_reason_: Why training stopped.
        learning_rate_: The highest rate.
        learning_rate_reason_: Why that one.

    Raises:
        InvalidSettings: A parameter is out of its range.
        InvalidData: X or y cannot be learned from.
        IncompatibleProblem: Module, loss and data do not fit together.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True)
        >>> def net(inputs, outputs):
        ...     return nn.Sequential(nn.BatchNorm1d(inputs), nn.Linear(inputs, 32), nn.ReLU(), nn.Linear(32, outputs))
        >>> model = NeuralNetClassifier(net, learning_rate=0.01, seed=0).fit(X, y)
        >>> model.score(X, y) > 0.95, model.predict_proba(X).shape, model.stop_reason_
        (True, (150, 3), '20 epochs were made')
    """

    def __init__(
        self,
        module: nn.Module | Callable[[int, int], nn.Module],
        *,
        rule: AnyRule | None = None,
        learning_rate: float | Schedule | Literal["auto"] = "auto",
        epochs: int = 20,
        batch_size: int | None = None,
        loss: Loss | Callable[[Any, Any], Tensor] | None = None,
        early_stopping: EarlyStopping | None = None,
        validation_fraction: float = 0.1,
        class_weight: dict[Any, float] | str | None = None,
        metric: Metric | None = None,
        hardware: Hardware | None = None,
        checkpoint: Checkpoint | str | Path | None = None,
        observers: Sequence[Observer] = (),
        seed: int | None = None,
    ) -> None:
        """Keep the parameters; they are checked when fitting."""
        self.module = module
        self.rule = rule
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.loss = loss
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.class_weight = class_weight
        self.metric = metric
        self.hardware = hardware
        self.checkpoint = checkpoint
        self.observers = observers
        self.seed = seed

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train.

        Args:
            X: (n, …) array, frame or tensor; or a tuple of them for ``module(*X)``, a dictionary for ``module(**X)``.
                Arrays become float32, and int64 where they hold whole numbers and the module has embeddings.
            y: (n,) classes of any kind.
            sample_weight: (n,) weights ≥ 0, or None for 1.
        """
        X, seed = checked(self, X, reset=True), self._seed()
        if y is None:
            raise InvalidData("requires y to be passed, but the target y is None")
        classes, codes = coded(_check_y(y, estimator=self))
        require_two(classes)
        codes = codes.astype(np.int64)
        module, inputs, outputs = self._begin(X, codes, len(classes), seed)
        one = _one_output(outputs, classes)
        targets = torch.from_numpy(codes)
        if one:  # a user's loss may compare them as they are
            targets = targets.float().reshape(-1, *outputs.shape[1:])
        loss = (Logistic() if one else Multinomial()) if self.loss is None else self.loss
        weights = self._weights(classes, codes, sample_weight)
        self._train(module, loss, inputs, targets, weights, self.metric, seed, codes=codes)
        self.classes_ = classes
        return self

    def predict(self, X: Any) -> AnyArray:
        """Give the most likely class of every row of X, (n,)."""
        logits = self._outputs(X)
        one = logits.ndim == 1 or logits.shape[1] == 1
        return np.asarray(self.classes_[(logits.reshape(-1) > 0).astype(np.int64) if one else logits.argmax(axis=1)])

    def predict_proba(self, X: Any) -> AnyArray:
        """Give the probability of each class, (n, K): softmax of the logits, the logistic function of one alone."""
        logits = self._outputs(X).astype(np.float64)
        if logits.ndim == 1 or logits.shape[1] == 1:
            second = expit(logits.reshape(-1))
            return np.column_stack([1 - second, second])
        return np.asarray(softmax(logits, axis=1))

    def _weights(self, classes: AnyArray, codes: AnyArray, sample_weight: Any) -> AnyArray | None:
        """Give the weights of rows, of their own and by class."""
        weights = self._row_weights(sample_weight, len(codes))
        weights = weighted_by_class(weights, self.class_weight, classes, codes, np.float64)
        if weights is not None and (np.bincount(codes, weights=weights) > 0).sum() < 2:
            raise InvalidData("only one class has rows with a positive weight")
        return weights


def _one_output(outputs: Tensor, classes: AnyArray) -> bool:
    """Tell whether the one logit is that of the second class."""
    shape = tuple(outputs.shape)
    if len(classes) == 2 and shape[1:] in ((), (1,)):
        return True
    if shape[1:] != (len(classes),):
        expected = f"(n, {len(classes)})" + (" or (n, 1)" if len(classes) == 2 else "")
        raise IncompatibleProblem(
            f"the module's outputs for {shape[0]} rows have the shape {shape}, and y has {len(classes)} classes: expected "
            f"{expected}, logits"
        )
    return False
