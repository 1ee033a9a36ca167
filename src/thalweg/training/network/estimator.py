"""What the two estimators share: from a table and its targets to a trained network."""

import hashlib
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, check_X_y, validate_data
from threadpoolctl import threadpool_limits

from thalweg.arrays import AnyArray
from thalweg.data.frames import as_frame
from thalweg.errors import InvalidData, InvalidSettings
from thalweg.optimizers.rules import AdamW, AnyRule, Constant, Schedule, UpdateRule
from thalweg.rng import fresh_seed
from thalweg.training.losses import Loss
from thalweg.training.network.architecture import Embedding, layers_for
from thalweg.training.network.backpropagation import Batch
from thalweg.training.network.checkpoint import CheckpointFile
from thalweg.training.network.fit import Plan, batches_of, fit, validation_loss
from thalweg.training.network.layers import Layer
from thalweg.training.network.learning_rate import choose_learning_rate
from thalweg.training.network.network import Network
from thalweg.training.network.table import TableInput, is_mixed
from thalweg.training.rate_race import rise_and_fall

__all__ = ["DEFAULT_RULE", "MLP", "LearningRate"]

LearningRate = float | Schedule | Literal["auto"]

DEFAULT_RULE = AdamW(beta2=0.95, weight_decay=0.02)  # RealMLP's
FLOATS = (np.float32, np.float64)
FEWEST = 100  # rows of which some can be spared for validation
HELD = 0.2  # share of the rows that judge learning rates, where none are held out
MOST_HELD = 2_000
WORTH_TWO_THREADS = 2**26  # multiplications of a layer's product; for smaller ones threads wait more than they work


class MLP(BaseEstimator):  # type: ignore[misc]
    """Base of the multi-layer perceptrons."""

    hidden: Sequence[int | Layer]
    activation: str
    dropout: float
    embedding: Embedding | None
    rule: AnyRule | None
    learning_rate: LearningRate
    epochs: int
    batch_size: int
    patience: int | None
    validation_fraction: float
    checkpoint: str | Path | None
    seed: int | None

    def __sklearn_tags__(self) -> Any:
        """Missing cells and columns of categories are welcome."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        return tags

    def _checked(self, X: Any, y: Any, **checks: Any) -> tuple[Any, AnyArray]:
        """Check features and targets as scikit-learn does, and note the columns."""
        if y is None:  # scikit-learn's own words
            raise InvalidData("requires y to be passed, but the target y is None")
        frame = _frame(X)
        if is_mixed(frame):
            validate_data(self, frame, skip_check_array=True)
            _, y = check_X_y(np.zeros((len(frame), 1)), y, **checks)
            return frame, y
        X, y = validate_data(self, X, y, dtype=FLOATS, ensure_all_finite="allow-nan", **checks)
        return X, np.asarray(y)

    def _features(self, X: Any) -> Any:
        """Check new rows: as those of the fit, an array of numbers, or a frame with categories too."""
        frame = _frame(X)
        if is_mixed(frame):
            validate_data(self, frame, reset=False, skip_check_array=True)
            return frame
        return validate_data(self, X, reset=False, dtype=FLOATS, ensure_all_finite="allow-nan")

    def _learn(self, X: Any, y: AnyArray, v: AnyArray | None, loss: Loss, outputs: int, classes: bool) -> None:
        """Fit the network to checked features, and targets and weights as the loss wants them."""
        self._check_settings()
        seed = fresh_seed() if self.seed is None else int(self.seed)
        self._input = TableInput().fit(X, seed)
        rows = Batch(self._input.transform(X), y.astype(np.float32), None if v is None else _scaled(v))
        rows, unseen = self._split(rows, classes, seed)
        self.network_ = Network(
            layers_for(
                rows.X, self._input.cardinalities, self.hidden, self.activation, self.dropout, self.embedding, outputs
            ),
            self._input.width,
            seed=seed,
        )
        with self._threads(len(rows.X)):
            plan = self._plan(loss, rows, unseen, classes, seed)
            score = None if unseen is None else validation_loss(loss, unseen)
            state = fit(self.network_, loss, rows, plan, score, self._file(plan, loss, rows))
        self.n_iter_, self.stop_reason_, self.rollbacks_ = max(1, state.epoch), state.ended, state.rollbacks
        self.loss_curve_, self.validation_curve_ = list(state.losses), [] if unseen is None else list(state.scores)
        self.best_epoch_ = state.best_epoch + 1

    def _outputs(self, X: Any) -> AnyArray:
        """Give what the network gives for new rows (n, outputs)."""
        check_is_fitted(self, "network_")
        X = self._features(X)
        with self._threads(len(X)):
            return self.network_.predict(self._input.transform(X))

    def _split(self, rows: Batch, classes: bool, seed: int) -> tuple[Batch, Batch | None]:
        """Hold rows out for validation, where that is asked for and there are enough."""
        n = len(rows.X)
        if self.patience is None or n < FEWEST:
            return rows, None
        return _parted(rows, min(max(1, round(self.validation_fraction * n)), n - 1), classes, seed)

    def _plan(self, loss: Loss, rows: Batch, unseen: Batch | None, classes: bool, seed: int) -> Plan:
        rule = DEFAULT_RULE if self.rule is None else self.rule
        plan = Plan(rule, Constant(1.0), int(self.epochs), int(self.batch_size), self.patience, seed)
        if isinstance(self.learning_rate, Schedule):
            schedule, reason = self.learning_rate, "it was given"
        elif self.learning_rate != "auto":
            schedule, reason = Constant(float(self.learning_rate)), "it was given"
        else:
            learned, judged = (rows, unseen) if unseen is not None else _judged(rows, classes, seed)
            choice = choose_learning_rate(self.network_, loss, learned, judged, plan)
            schedule = rise_and_fall(choice.rate, plan.epochs * batches_of(rows, plan))
            self.learning_rate_, reason = choice.rate, choice.reason
        if self.learning_rate != "auto":
            self.learning_rate_ = schedule.at(0)
        self.learning_rate_reason_ = reason
        return Plan(rule, schedule, plan.epochs, plan.batch, plan.patience, seed)

    def _file(self, plan: Plan, loss: Loss, rows: Batch) -> CheckpointFile | None:
        if self.checkpoint is None:
            return None
        if self.seed is None:
            raise InvalidSettings("checkpoint= needs a seed: the same rows must come in the same order again")
        held = hashlib.blake2b(digest_size=16)
        for array in (rows.X, rows.y, rows.v, self.network_.weights):
            held.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
        return CheckpointFile(
            self.checkpoint,
            {"layers": self.network_.layers, "plan": plan, "loss": loss, "rows and first weights": held.hexdigest()},
        )

    def _threads(self, rows: int) -> AbstractContextManager[Any]:
        """Leave the products to one thread, unless they are large."""
        widths = [layer.width for layer in self.network_.layers if hasattr(layer, "width")]
        largest = max((a * b for a, b in pairwise(widths)), default=0)
        work = min(rows, int(self.batch_size)) * largest
        return nullcontext() if work >= WORTH_TWO_THREADS else threadpool_limits(1, "blas")

    def _check_settings(self) -> None:
        rate = self.learning_rate
        positive = isinstance(rate, int | float) and not isinstance(rate, bool) and 0 < rate < np.inf
        known = positive or isinstance(rate, Schedule) or rate == "auto"
        for name, fits, expected in (
            ("epochs", _is_count(self.epochs), "a whole number of at least 1"),
            ("batch_size", _is_count(self.batch_size), "a whole number of at least 1"),
            ("patience", self.patience is None or _is_count(self.patience), "a whole number of at least 1, or None"),
            ("validation_fraction", 0 < self.validation_fraction < 1, "a share between 0 and 1"),
            ("rule", self.rule is None or isinstance(self.rule, UpdateRule), "an update rule, AdamW() say, or None"),
            ("learning_rate", known, "a positive number, a Schedule or 'auto'"),
            ("seed", self.seed is None or _is_count(self.seed, 0), "a whole number of at least 0, or None"),
        ):
            if not fits:
                raise InvalidSettings(f"{name}={getattr(self, name)!r}: expected {expected}")

    def _row_weights(self, X: Any, sample_weight: Any) -> AnyArray | None:
        if sample_weight is None:
            return None
        v = np.asarray(_check_sample_weight(sample_weight, X, dtype=np.float32, ensure_non_negative=True))
        if not v.sum() > 0:
            raise InvalidData("sample_weight: all weights are zero, and nothing can be learned from such rows")
        return v


def _frame(X: Any) -> Any:
    """Give frames of any library as one of pandas, and what is no frame as it is."""
    return as_frame(X) if hasattr(X, "columns") and not isinstance(X, pd.DataFrame) else X


def _parted(rows: Batch, held: int, classes: bool, seed: int) -> tuple[Batch, Batch]:
    """Give the rows but some, and those, of every class its share where that is possible."""
    stratify = None
    if classes:
        counts = np.unique(rows.y, return_counts=True)[1]
        possible = counts.min() >= 2 and min(held, len(rows.y) - held) >= len(counts)
        stratify = rows.y if possible else None
    kept, out = train_test_split(np.arange(len(rows.X)), test_size=held, random_state=seed % 2**32, stratify=stratify)
    return _taken(rows, kept), _taken(rows, out)


def _taken(rows: Batch, some: AnyArray) -> Batch:
    return Batch(rows.X[some], rows.y[some], None if rows.v is None else rows.v[some])


def _judged(rows: Batch, classes: bool, seed: int) -> tuple[Batch, Batch]:
    """Set some rows apart for the choice of a learning rate; a single one has to judge itself."""
    if len(rows.X) == 1:
        return rows, rows
    return _parted(rows, max(1, min(round(HELD * len(rows.X)), MOST_HELD)), classes, seed)


def _scaled(v: AnyArray) -> AnyArray:
    """Give weights of mean 1."""
    return np.asarray(v / v.mean(dtype=np.float64), np.float32)


def _is_count(value: Any, least: int = 1) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and int(value) >= least
