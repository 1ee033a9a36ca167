"""What the estimators around a module share: from X and targets to a trained module, and to its outputs."""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import _check_sample_weight, check_consistent_length, check_is_fitted
from torch import Tensor, nn

from thalweg.arrays import AnyArray
from thalweg.errors import IncompatibleProblem, InvalidData, InvalidSettings, ThalwegError
from thalweg.optimizers.rules import AdamW, AnyRule, Schedule
from thalweg.problem import Minibatches
from thalweg.rng import fresh_seed, generator
from thalweg.training.batch_size import batch_size_for
from thalweg.training.losses import Loss
from thalweg.training.targets import strata
from thalweg.training.torch.batches.batches import mapped
from thalweg.training.torch.batches.inputs import checked, columns_of, rows_in, tensors_of
from thalweg.training.torch.batches.randomness import seeded
from thalweg.training.torch.checkpoints.state import copied
from thalweg.training.torch.devices.hardware import device_of, moved
from thalweg.training.torch.events import Observer
from thalweg.training.torch.fit import fit_module
from thalweg.training.torch.loop.evaluation import forward, shapes
from thalweg.training.torch.settings import Checkpoint, EarlyStopping, Hardware, Metric, Recipe

__all__ = ["NeuralNetEstimator"]

CHUNK = 1024  # rows of a prediction
WEIGHTS, SPLIT = 1, 2  # counters of the randomness


class NeuralNetEstimator(BaseEstimator):  # type: ignore[misc]
    """Base of the estimators around a module, which differ in what they make of y and of the outputs."""

    module: nn.Module | Callable[[int, int], nn.Module]
    rule: AnyRule | None
    learning_rate: float | Schedule | Literal["auto"]
    epochs: int
    batch_size: int | None
    loss: Loss | Callable[[Any, Any], Tensor] | None
    early_stopping: EarlyStopping | None
    validation_fraction: float
    metric: Metric | None
    hardware: Hardware | None
    checkpoint: Checkpoint | str | Path | None
    observers: Sequence[Observer]
    seed: int | None

    def __sklearn_tags__(self) -> Any:
        """Without a seed every fit differs."""
        tags = super().__sklearn_tags__()
        tags.non_deterministic = self.seed is None
        return tags

    def _seed(self) -> int:
        """Give the seed; a checkpoint could not be gone on from with another one each time."""
        if self.seed is None:
            return fresh_seed() if self.checkpoint is None else 0
        return self.seed

    def _begin(self, X: Any, y: Any, outputs: int, seed: int) -> tuple[nn.Module, Any, Tensor]:
        """Make or copy the module; give it, the inputs, and the outputs of the first rows."""
        check_consistent_length(*(X if isinstance(X, tuple) else X.values() if isinstance(X, Mapping) else [X]), y)
        if isinstance(self.module, nn.Module):
            module = copied(self.module)
        elif callable(self.module):
            with seeded(seed, WEIGHTS):
                module = self.module(columns_of(X), outputs)
        else:
            module = self.module
        if not isinstance(module, nn.Module):
            raise InvalidSettings(
                f"module={self.module!r} gives a {type(module).__name__}: expected an instance of torch.nn.Module, or a "
                "function (inputs, outputs) that makes one"
            )
        module, inputs = moved(module, device_of(self._hardware)), tensors_of(X, module)
        return module, inputs, self._first_outputs(module, mapped(lambda tensor: tensor[:2], inputs), seed)

    def _first_outputs(self, module: nn.Module, inputs: Any, seed: int) -> Tensor:
        """Compute some outputs, to see their shape; lazy modules find theirs too."""
        device = device_of(self._hardware)
        try:
            with torch.no_grad(), seeded(seed, WEIGHTS):
                output = forward(module.eval(), mapped(lambda tensor: tensor.to(device), inputs))
        except ThalwegError:
            raise
        except Exception as error:  # whatever a user's module raises
            raise IncompatibleProblem(f"the module failed on inputs {shapes(inputs)}: {error}") from error
        if not isinstance(output, Tensor) or output.shape[:1] != (rows_in(inputs),):
            raise IncompatibleProblem(
                f"the module makes {shapes(output)} of inputs {shapes(inputs)}, expected one tensor with a row for each"
            )
        return output

    def _row_weights(self, sample_weight: Any, rows: int) -> AnyArray | None:
        """Check the weights of rows; None where there are none."""
        if sample_weight is None:
            return None
        weights = _check_sample_weight(sample_weight, np.empty(rows), dtype=np.float64, ensure_non_negative=True)
        return np.asarray(weights)

    def _train(
        self, module: nn.Module, loss: Any, inputs: Any, targets: Tensor, weights: AnyArray | None, metric: Metric | None,
        seed: int, codes: AnyArray | None = None,
    ) -> None:  # fmt: skip
        """Train the module, watch it on rows that are held out, and keep what is worth knowing."""
        parts = (targets,) if weights is None else (targets, torch.from_numpy(weights.astype(np.float32)))
        data, watched = (inputs, *parts), None
        if self.early_stopping is not None or self.metric is not None:
            learned, spared = self._split(rows_in(inputs), codes, seed)
            data, watched = _taken(data, learned), _taken(data, spared)
        rule = AdamW() if self.rule is None else self.rule
        result = fit_module(
            module, loss, _minibatches(data, self._size(rows_in(data)), seed),
            recipe=Recipe(rule, self.learning_rate, self.epochs, self.early_stopping), validation=watched, metric=metric,
            hardware=self._hardware, checkpoint=self.checkpoint, observers=tuple(self.observers), seed=seed,
        )  # fmt: skip
        self.module_ = result.module
        self.history_ = result.history
        self.n_iter_ = len(result.history)
        self.stop_reason_ = result.stop_reason
        self.learning_rate_, self.learning_rate_reason_ = result.learning_rate, result.learning_rate_reason

    def _split(self, n: int, codes: AnyArray | None, seed: int) -> tuple[Tensor, Tensor]:
        """Give the rows to learn from and those to watch, with the classes in equal shares."""
        if not 0 < self.validation_fraction < 1:
            raise InvalidSettings(f"validation_fraction={self.validation_fraction}, expected a share between 0 and 1")
        spared = round(self.validation_fraction * n)
        if not 0 < spared < n:
            raise InvalidData(
                f"a share of {self.validation_fraction} of {n} rows leaves none to learn from, or none to watch: give more "
                "rows, or early_stopping=None and no metric"
            )
        stratify = None if codes is None else strata(codes, spared)
        state = int(generator(seed, SPLIT).integers(2**31))
        learned, watched = train_test_split(np.arange(n), test_size=spared, stratify=stratify, random_state=state)
        return torch.from_numpy(np.sort(learned)), torch.from_numpy(np.sort(watched))

    def _size(self, n: int) -> int:
        """Give the rows of a batch; of the usual size none is left alone, which batch normalization could not bear."""
        if self.batch_size is not None:
            return min(self.batch_size, n)
        size = min(batch_size_for(n), n)
        while n % size == 1 and size > 2:
            size -= 1
        return size

    @property
    def _hardware(self) -> Hardware:
        return Hardware() if self.hardware is None else self.hardware

    def _outputs(self, X: Any) -> AnyArray:
        """Give the module's outputs for the rows of X."""
        check_is_fitted(self, "module_")
        inputs = tensors_of(checked(self, X, reset=False), self.module_)
        device = next((parameter.device for parameter in self.module_.parameters()), torch.device("cpu"))
        self.module_.eval()
        outputs = []
        with torch.inference_mode():
            for first in range(0, rows_in(inputs), CHUNK):
                part = mapped(itemgetter(slice(first, first + CHUNK)), inputs)
                outputs.append(forward(self.module_, mapped(lambda tensor: tensor.to(device), part)).float().cpu())
        return np.asarray(torch.cat(outputs).numpy())


def _taken(value: Any, rows: Tensor) -> Any:
    return mapped(lambda tensor: tensor[rows.to(tensor.device)], value)


def _minibatches(parts: tuple[Any, ...], size: int, seed: int) -> Minibatches:
    """Make batches; inputs of several parts are indexed together."""
    if isinstance(parts[0], Tensor):
        return Minibatches(*parts, size=size, seed=seed)
    return Minibatches.of(lambda rows: _taken(parts, torch.from_numpy(rows)), rows=rows_in(parts), size=size, seed=seed)
