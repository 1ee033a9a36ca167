"""Multi-layer perceptrons for classes.

D. E. Rumelhart, G. E. Hinton, R. J. Williams, "Learning representations by back-propagating errors", Nature 323, 1986. What
tables need: D. Holzmüller, L. Grinsztajn, I. Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees on
tabular data", NeurIPS 2024; Y. Gorishniy, A. Kotelnikov, A. Babenko, "TabM: advancing tabular deep learning with
parameter-efficient ensembling", ICLR 2025.
"""

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
    """Predict classes of the rows of a table by a multi-layer perceptron.

    Minimizes Σ v ℓ(f(x), y) / Σ v over the weights of the network f, by backpropagation on batches; ℓ is minus the
    log-likelihood of the class, f gives a logit for each class, or one for the second of two, and v weighs the rows.

    Numbers are scaled by their quartiles and softly clipped, missing cells say so in a column of their own; few categories
    become one-hot, many are embedded. The rate rises, then falls to zero along a cosine over all epochs; dropout and weight
    decay see to it that the last weights are good ones. So no rows are held out to choose among the epochs: on tables of
    some thousand rows they are worth more to learn from, and which of many epochs has fewest errors on few rows is chance.

    Args:
        hidden: Widths of the hidden layers, first to last, each at least 1; or layers, taken as they are.
        activation: Behind each width: ``"relu"``, ``"gelu"``, ``"silu"`` or ``"tanh"``.
        dropout: Share of a hidden layer's outputs that a step drops, in [0, 1).
        embedding: Of numbers: ``"periodic"`` or ``"piecewise_linear"``, where few columns (such as coordinates) decide by
            sharp steps; None to take them as they are.
        rule: From gradients to steps; None is AdamW with β₂ = 0.95 and a weight decay of 0.1.
        learning_rate: ``"auto"`` for a race of rates in short trainings, then a warm-up and a cosine; a positive number, for
            all steps; or a :class:`~thalweg.optimizers.rules.Schedule`.
        epochs: Passes over the rows, at least 1.
        batch_size: Rows of a step, at least 1; None makes about 50 batches an epoch, of 32 to 512 rows.
        patience: Epochs without fewer errors on the rows held out (without any, without a lower training loss) after which
            learning ends; None makes all epochs.
        validation_fraction: Share of the rows that are held out, of every class, in [0, 1); then the weights of the epoch
            with fewest errors on them are taken, the last such one. Of fewer than 100 rows none are.
        class_weight: Factors by class, ``"balanced"`` for all classes to weigh the same, or None.
        checkpoint: A file in which the fit survives: the same fit, begun again after it was killed, goes on from there to
            the same bits. It needs a seed.
        seed: Of first weights, order of rows, dropout; None takes another for every fit.

    Attributes:
        classes_: (K,) the classes, in order.
        network_: The trained :class:`~thalweg.training.network.Network`.
        learning_rate_: The highest rate of ``"auto"``, the number that was given, or the first rate of the schedule.
        learning_rate_reason_: Why that one.
        n_iter_: Epochs made.
        best_epoch_: Whose weights were taken, from 1; without rows held out, that of the lowest training loss, though the
            last weights are taken.
        loss_curve_: Mean training loss of every epoch.
        validation_curve_: Share of errors on the rows held out after every epoch; empty where there are none.
        stop_reason_: Why learning ended.
        rollbacks_: Where the loss was not finite and learning went back, in words.

    Raises:
        InvalidSettings: A parameter is out of its range.
        InvalidData: X or y cannot be learned from.
        ContradictorySettings: The checkpoint is of another fit.
        StorageError: The checkpoint cannot be read, or its folder does not exist.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> model = MLPClassifier(seed=0).fit(X, y)
        >>> model.score(X, y) > 0.95, model.predict_proba(X).shape, model.stop_reason_
        (True, (150, 3), 'all 40 epochs were made')
    """

    def __init__(
        self,
        hidden: Sequence[int | Layer] = (128, 128),
        *,
        activation: str = "relu",
        dropout: float = 0.15,
        embedding: Embedding | None = None,
        rule: AnyRule | None = None,
        learning_rate: LearningRate = "auto",
        epochs: int = 40,
        batch_size: int | None = None,
        patience: int | None = None,
        validation_fraction: float = 0.0,
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
            X: (n, d) array of numbers, or a frame of pandas, polars or PyArrow, whose columns of texts and categories are
                taken as categories. Cells may be missing.
            y: (n,) classes of any kind.
            sample_weight: (n,) weights ≥ 0, or None for 1.
        """
        X, y, v = self._checked(X, y, sample_weight)
        classes, codes = coded(y)
        require_two(classes)
        v = weighted_by_class(v, self.class_weight, classes, codes, np.float32)
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
