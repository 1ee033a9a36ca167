"""What a tuning searches: a space of configurations, and the model that each of them means."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast, final

import numpy as np
from sklearn.pipeline import Pipeline

from thalweg.arrays import AnyArray
from thalweg.data import ModelFamily, TableEncoder, Task
from thalweg.space import Categorical, Dimension, Space
from thalweg.tuning.families import families_for
from thalweg.tuning.family import Family, Params
from thalweg.tuning.labels import LabelCoder

__all__ = ["FamilyModels", "Models", "with_integer_labels"]


class Models(ABC):
    """Configurations and their models.

    Attributes:
        task: ``"regression"`` or ``"classification"``.
        space: What is searched.
        defaults: The untuned models, as configurations.
        initial: The configurations to try first, the defaults among them.
    """

    task: Task
    space: Space
    defaults: Sequence[Params]
    initial: Sequence[Params]

    @abstractmethod
    def label(self, params: Params) -> str:
        """Name the kind of model of a configuration."""

    @abstractmethod
    def features(self, params: Params) -> ModelFamily | None:
        """Give the features that it is fitted to; None for the table as it is."""

    @abstractmethod
    def estimator(self, params: Params) -> Any:
        """Make the unfitted estimator that is given those features."""

    @final
    def model(self, params: Params) -> Any:
        """Make the whole unfitted model, which takes tables as the user has them."""
        features, estimator = self.features(params), self.estimator(params)
        if features is None:
            return estimator
        return Pipeline([("features", TableEncoder(features, self.task)), ("model", estimator)])


@final
class FamilyModels(Models):
    """Every family of a task as one conditional space.

    ``model`` says which family it is; ``boosting.max_iter`` is a parameter of one of them.

    Args:
        task: The task.
        y: The targets (n,), whose labels some families need renamed.
    """

    def __init__(self, task: Task, y: AnyArray) -> None:
        """Join the spaces of the families."""
        families = families_for(task)
        self.task = task
        self._families = {family.name: family for family in families}
        self.space = _joined(families)
        self.defaults = [_named(family, family.default) for family in families]
        self.initial = [_named(family, point) for family in families for point in (family.default, *family.starts)]
        self._labels = np.unique(y) if task == "classification" else np.empty(0)

    def label(self, params: Params) -> str:
        """Give the name of the family."""
        return str(params["model"])

    def features(self, params: Params) -> ModelFamily:
        """Give the features of the family."""
        return self._families[params["model"]].features

    def estimator(self, params: Params) -> Any:
        """Build the family's estimator."""
        family = self._families[params["model"]]
        estimator = family.build({name: params[f"{family.name}.{name}"] for name in family.space})
        return with_integer_labels(estimator, self._labels) if family.integer_labels else estimator


def with_integer_labels(classifier: Any, labels: AnyArray) -> Any:
    """Rename labels for a classifier that wants 0, 1, …, K - 1, where they are not called so already."""
    named_so = labels.dtype.kind in "iu" and bool(np.array_equal(labels, np.arange(len(labels))))
    return classifier if named_so else LabelCoder(classifier)


def _named(family: Family, point: Params) -> Params:
    return {"model": family.name, **{f"{family.name}.{name}": value for name, value in point.items()}}


def _joined(families: Sequence[Family]) -> Space:
    dimensions: dict[str, Dimension] = {"model": Categorical([family.name for family in families])}
    for family in families:
        for name, dimension in family.space.items():
            dimensions[f"{family.name}.{name}"] = replace(cast(Any, dimension), when={"model": [family.name]})
    return Space(dimensions)
