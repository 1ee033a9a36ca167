"""What the two estimators share: from a table and its targets to a trained network."""

import hashlib
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from numbers import Real
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, check_X_y, validate_data

from thalweg.arrays import AnyArray
from thalweg.errors import InvalidData, InvalidSettings
from thalweg.optimizers.rules import AdamW, AnyRule, Constant, Schedule, UpdateRule
from thalweg.rng import fresh_seed
from thalweg.training.batch_size import batch_size_for
from thalweg.training.losses import Loss
from thalweg.training.network.architecture import Embedding, layers_for
from thalweg.training.network.backpropagation import Batch
from thalweg.training.network.checkpoint import CheckpointFile
from thalweg.training.network.fit import MOST_ROLLBACKS, FitState, Plan, batches_of, fit_network
from thalweg.training.network.layers import Layer
from thalweg.training.network.learning_rate import choose_learning_rate
from thalweg.training.network.network import Network
from thalweg.training.network.table import TableInput, framed, is_mixed
from thalweg.training.network.threads import one_thread
from thalweg.training.network.validation import held_out, score_of
from thalweg.training.rate_race import rise_and_fall

__all__ = ["DEFAULT_RULE", "MLP", "LearningRate"]

LearningRate = float | Schedule | Literal["auto"]

DEFAULT_RULE = AdamW(beta2=0.95, weight_decay=0.1)
FLOATS = (np.float32, np.float64)
WORTH_TWO_THREADS = 2**27  # multiplications of a batch; where there are fewer, threads wait more than they work


class MLP(BaseEstimator):  # type: ignore[misc]
    """Base of the multi-layer perceptrons, which differ in what they make of y and of the network's outputs."""

    hidden: Sequence[int | Layer]
    activation: str
    dropout: float
    embedding: Embedding | None
    rule: AnyRule | None
    learning_rate: LearningRate
    epochs: int
    batch_size: int | None
    patience: int | None
    validation_fraction: float
    checkpoint: str | Path | None
    seed: int | None

    def __sklearn_tags__(self) -> Any:
        """Missing cells and columns of categories are welcome; without a seed every fit differs."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.non_deterministic = self.seed is None
        return tags

    def _checked(self, X: Any, y: Any, sample_weight: Any, **checks: Any) -> tuple[Any, AnyArray, AnyArray | None]:
        """Check features, targets and weights as scikit-learn does, note the columns, and leave out rows of no weight."""
        if y is None:  # scikit-learn's own words
            raise InvalidData("requires y to be passed, but the target y is None")
        X = framed(X)
        if is_mixed(X):
            validate_data(self, X, skip_check_array=True)
            _, y = check_X_y(np.zeros((len(X), 1)), y, **checks)
        else:
            X, y = validate_data(self, X, y, dtype=FLOATS, ensure_all_finite="allow-nan", **checks)
        if sample_weight is None:
            return X, np.asarray(y), None
        v = np.asarray(_check_sample_weight(sample_weight, X, dtype=np.float32, ensure_non_negative=True))
        some = v > 0
        return X[some], np.asarray(y)[some], v[some]

    def _features(self, X: Any) -> Any:
        """Check new rows: a frame where the fit had one with categories, else numbers."""
        X = framed(X)
        if self._input.names or is_mixed(X):
            if isinstance(X, pd.DataFrame):  # what else there is, is refused when it is transformed
                validate_data(self, X, reset=False, skip_check_array=True)
            return X
        return validate_data(self, X, reset=False, dtype=FLOATS, ensure_all_finite="allow-nan")

    def _learn(self, X: Any, y: AnyArray, v: AnyArray | None, loss: Loss, outputs: int, classes: bool) -> None:
        """Fit the network to checked features, and targets and weights as the loss wants them."""
        self._check_settings()
        seed = fresh_seed() if self.seed is None else int(self.seed)
        self._input = TableInput().fit(X, seed)
        v = None if v is None else np.asarray(v / v.mean(dtype=np.float64), np.float32)
        every = Batch(self._input.transform(X), y.astype(np.float32), v)
        cardinalities, dropout = self._input.cardinalities, float(self.dropout)
        layers = layers_for(every.X, cardinalities, self.hidden, self.activation, dropout, self.embedding, outputs)
        self.network_ = Network(layers, self._input.width, seed=seed)
        rows, unseen = held_out(every, self.validation_fraction, classes, seed)
        with self._threads(len(rows.X)):
            plan = self._plan(loss, every, rows, seed)
            score, file = score_of(loss, unseen, classes), self._file(plan, loss, every)
            state = fit_network(self.network_, loss, rows, plan, score, file)
        self._keep(state, unseen is not None)

    def _plan(self, loss: Loss, every: Batch, rows: Batch, seed: int) -> Plan:
        """Settle how to learn, the learning rate too."""
        rule = DEFAULT_RULE if self.rule is None else self.rule
        size = batch_size_for(len(rows.X)) if self.batch_size is None else int(self.batch_size)
        plan = Plan(rule, Constant(1.0), int(self.epochs), size, self.patience, seed)
        if isinstance(self.learning_rate, Schedule):
            schedule, rate, reason = self.learning_rate, self.learning_rate.at(0), "the schedule was given; its first"
        elif self.learning_rate != "auto":
            rate, reason = float(self.learning_rate), "it was given"
            schedule = Constant(rate)
        else:
            choice = choose_learning_rate(self.network_, loss, rows, every, plan)
            rate, reason = choice.rate, choice.reason
            schedule = rise_and_fall(rate, plan.epochs * batches_of(rows, plan))
        self.learning_rate_, self.learning_rate_reason_ = rate, reason
        return Plan(rule, schedule, plan.epochs, plan.batch, plan.patience, seed)

    def _keep(self, state: FitState, judged: bool) -> None:
        """Keep what is worth knowing of a fit, and warn where it has not succeeded."""
        self.n_iter_, self.best_epoch_ = max(1, state.epoch), state.best_epoch + 1
        self.stop_reason_, self.rollbacks_ = state.ended, state.rollbacks
        self.loss_curve_, self.validation_curve_ = list(state.losses), list(state.scores) if judged else []
        if len(state.rollbacks) == MOST_ROLLBACKS:
            warnings.warn(f"{state.ended}; take a smaller learning_rate, or 'auto'", ConvergenceWarning, stacklevel=4)

    def _outputs(self, X: Any) -> AnyArray:
        """Give what the network gives for new rows (n, outputs)."""
        check_is_fitted(self, "network_")
        X = self._input.transform(self._features(X))
        with self._threads(len(X)):
            return self.network_.predict(X)

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
            {
                "epochs": plan.epochs,  # first, since a schedule differs too where these do
                "layers": self.network_.layers,
                **vars(plan),
                "loss": loss,
                "validation_fraction": self.validation_fraction,
                "rows and first weights": held.hexdigest(),
            },
        )

    def _threads(self, rows: int) -> AbstractContextManager[Any]:
        """Leave the products to one thread, unless they are large."""
        size = batch_size_for(rows) if self.batch_size is None else int(self.batch_size)
        work = min(rows, size) * self.network_.weights.size
        return nullcontext() if work >= WORTH_TWO_THREADS else one_thread

    def _check_settings(self) -> None:
        rate, size, patience, rule = self.learning_rate, self.batch_size, self.patience, self.rule
        positive = isinstance(rate, Real) and not isinstance(rate, bool) and 0 < rate < np.inf
        known = positive or isinstance(rate, Schedule) or rate == "auto"
        widths = isinstance(self.hidden, Sequence | np.ndarray) and not isinstance(self.hidden, str)
        for name, fits, expected in (
            ("hidden", widths, "a sequence of widths and layers, (128, 128) say"),
            ("epochs", _is_count(self.epochs), "a whole number of at least 1"),
            ("batch_size", size is None or _is_count(size), "a whole number of at least 1, or None"),
            ("patience", patience is None or _is_count(patience), "a whole number of at least 1, or None"),
            ("validation_fraction", 0 <= self.validation_fraction < 1, "a share of at least 0 and below 1"),
            ("rule", rule is None or isinstance(rule, UpdateRule), "an update rule, AdamW() say, or None"),
            ("learning_rate", known, "a positive number, a Schedule or 'auto'"),
            ("seed", self.seed is None or _is_count(self.seed, 0), "a whole number of at least 0, or None"),
        ):
            if not fits:
                raise InvalidSettings(f"{name}={getattr(self, name)!r}: expected {expected}")


def _is_count(value: Any, least: int = 1) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and int(value) >= least
