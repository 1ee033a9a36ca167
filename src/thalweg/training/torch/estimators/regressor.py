"""A regressor around any PyTorch module, for scikit-learn's users."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Self, final

import numpy as np
import torch
from sklearn.base import RegressorMixin
from sklearn.utils.validation import _check_y
from torch import Tensor, nn

from thalweg.arrays import AnyArray
from thalweg.errors import IncompatibleProblem, InvalidData
from thalweg.optimizers.rules import AnyRule, Schedule
from thalweg.training.losses import Loss, Squared
from thalweg.training.torch.batches.inputs import checked
from thalweg.training.torch.estimators.estimator import NeuralNetEstimator
from thalweg.training.torch.events import Observer
from thalweg.training.torch.settings import Checkpoint, EarlyStopping, Hardware, Metric

__all__ = ["NeuralNetRegressor"]


@final
class NeuralNetRegressor(RegressorMixin, NeuralNetEstimator):  # type: ignore[misc]
    """Predict one number or several by a PyTorch module.

    Minimizes Σ v ℓ(module(x), (y − ȳ) / s) / Σ v, with the mean ȳ and the standard deviation s of each target, v being the
    weights of the rows.

    Args:
        module: As of :class:`NeuralNetClassifier`; a function gets the numbers of columns and of targets.
        rule: As of :class:`NeuralNetClassifier`.
        learning_rate: As of :class:`NeuralNetClassifier`.
        epochs: As of :class:`NeuralNetClassifier`.
        batch_size: As of :class:`NeuralNetClassifier`.
        loss: ℓ, such as ``Huber(1.0)``, or a function of outputs and targets, one value a row; None is squared.
        standardize: Whether targets are brought to mean 0 and variance 1 inside; a loss of counts must see them as they are.
        early_stopping: As of :class:`NeuralNetClassifier`.
        validation_fraction: Share of the rows that are held out.
        metric: Of outputs and targets of the rows held out, in the units of y, watched in place of the loss.
        hardware: As of :class:`NeuralNetClassifier`.
        checkpoint: As of :class:`NeuralNetClassifier`.
        observers: As of :class:`NeuralNetClassifier`.
        seed: As of :class:`NeuralNetClassifier`.

    Attributes:
        target_mean_: ȳ, a number, or (m,).
        target_scale_: s.
        module_: The trained module; the other attributes are those of :class:`NeuralNetClassifier`.

    Raises:
        InvalidSettings: A parameter is out of its range.
        InvalidData: X or y cannot be learned from.
        IncompatibleProblem: Module, loss and data do not fit together.

    Example:
        >>> X = np.linspace(-1, 1, 600)[:, None]
        >>> def net(inputs, outputs):
        ...     return nn.Sequential(nn.Linear(inputs, 32), nn.Tanh(), nn.Linear(32, outputs))
        >>> model = NeuralNetRegressor(net, learning_rate=0.03, seed=0).fit(X, 500 + 100 * X[:, 0] ** 2)
        >>> model.score(X, 500 + 100 * X[:, 0] ** 2) > 0.99
        True
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
        standardize: bool = True,
        early_stopping: EarlyStopping | None = None,
        validation_fraction: float = 0.1,
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
        self.standardize = standardize
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.metric = metric
        self.hardware = hardware
        self.checkpoint = checkpoint
        self.observers = observers
        self.seed = seed

    def __sklearn_tags__(self) -> Any:
        """Several targets are welcome."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train.

        Args:
            X: As of :meth:`NeuralNetClassifier.fit`.
            y: (n,) targets, or (n, m).
            sample_weight: (n,) weights ≥ 0, or None for 1.
        """
        X, seed = checked(self, X, reset=True), self._seed()
        if y is None:
            raise InvalidData("requires y to be passed, but the target y is None")
        y = np.asarray(_check_y(y, multi_output=True, y_numeric=True, estimator=self), dtype=np.float64)
        weights = self._row_weights(sample_weight, len(y))
        module, inputs, outputs = self._begin(X, y, y.shape[1] if y.ndim > 1 else 1, seed)
        _check_shape(outputs, y)
        mean, scale = _standard(y, weights) if self.standardize else (np.zeros(y.shape[1:]), np.ones(y.shape[1:]))
        targets = (y - mean) / scale
        if isinstance(self.loss, Loss):
            self.loss.check(targets)
        targets = torch.from_numpy(targets.astype(np.float32)).reshape(-1, *outputs.shape[1:])
        loss = Squared() if self.loss is None else self.loss
        self._train(module, loss, inputs, targets, weights, _in_units(self.metric, mean, scale), seed)
        self.target_mean_, self.target_scale_ = mean, scale
        return self

    def predict(self, X: Any) -> AnyArray:
        """Give the predictions for the rows of X, as y was: (n,) or (n, m)."""
        outputs = self._outputs(X)
        if isinstance(self.loss, Loss):
            outputs = self.loss.mean(outputs)
        return np.asarray(
            outputs.reshape(len(outputs), *self.target_mean_.shape) * self.target_scale_ + self.target_mean_
        )


def _standard(y: AnyArray, weights: AnyArray | None) -> tuple[AnyArray, AnyArray]:
    """Give the weighted mean and standard deviation of targets; 1 where they are all alike."""
    mean = np.average(y, axis=0, weights=weights)
    scale = np.sqrt(np.average((y - mean) ** 2, axis=0, weights=weights))
    return np.asarray(mean), np.where(scale > 1e-12 * np.abs(y).max(axis=0), scale, 1.0)


def _check_shape(outputs: Tensor, y: AnyArray) -> None:
    """Refuse outputs that are not those of the targets."""
    shape, targets = tuple(outputs.shape), y.shape[1:]
    if shape[1:] != targets and not (targets in ((), (1,)) and shape[1:] in ((), (1,))):
        expected = "(n, 1) or (n,)" if not targets else f"(n, {targets[0]})"
        raise IncompatibleProblem(
            f"the module's outputs for {shape[0]} rows have the shape {shape}, and y has the shape {y.shape}: expected "
            f"{expected}"
        )


def _in_units(metric: Metric | None, mean: AnyArray, scale: AnyArray) -> Metric | None:
    """Let a metric see outputs and targets in the units of y."""
    if metric is None:
        return None
    function, shift, factor = metric.function, torch.from_numpy(np.asarray(mean)), torch.from_numpy(np.asarray(scale))
    return replace(metric, function=lambda output, target: function(output * factor + shift, target * factor + shift))
