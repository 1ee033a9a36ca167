"""The user's own estimator, or pipeline, with other parameters."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, final

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils import get_tags

from thalweg.data import LabelledData, ModelFamily, Task
from thalweg.errors import InvalidSettings, InvalidSpace
from thalweg.space import Dimension, Space, SpaceLike
from thalweg.tuning.families import family_of, last_step
from thalweg.tuning.family import Params
from thalweg.tuning.models import Models, with_integer_labels

__all__ = ["GivenModel", "check_estimator", "check_names", "own_point", "task_of"]


@final
class GivenModel(Models):
    """The user's estimator over a space of its parameters.

    A bare estimator that cannot take the table as it is (text, dates, missing cells) is given encoded
    features; a pipeline is left as it is.

    Args:
        estimator: A scikit-learn estimator, or a pipeline.
        space: The parameters to search; None for those known for its class.
        data: The data that it will be fitted to.

    Raises:
        InvalidSettings: It is no estimator of this task, or ``space`` is None and its class is not known.
        InvalidSpace: The space has a name that the estimator does not.
    """

    def __init__(self, estimator: Any, space: SpaceLike, data: LabelledData) -> None:
        """Check that the parts fit together."""
        check_estimator(estimator)
        prefix, last = last_step(estimator)
        kind = task_of(estimator)
        if kind not in (None, data.task):
            raise InvalidSettings(
                f"{type(last).__name__} is for {kind}, and the task is {data.task}: give another estimator, "
                f"or task={kind!r}"
            )
        self.task = data.task
        self._estimator, self._name, self._family = estimator, type(last).__name__, family_of(last)
        self._labels = np.unique(data.y) if self._family and self._family.integer_labels else None
        self._features: ModelFamily | None = None
        if not prefix and _needs_encoding(last, data.X):
            self._features = "trees" if get_tags(last).input_tags.allow_nan else "linear"
        self._fixed: Params = {}
        starts: Sequence[Params] = ()
        if space is None:
            space, starts = self._known(prefix, last)
        self.space = Space(space)
        check_names(estimator, self.space)
        own = own_point(estimator, self.space)
        self.defaults = [] if own is None else [own]
        self.initial = [*self.defaults, *starts]

    def label(self, params: Params) -> str:
        """Give the name of the estimator's class."""
        return self._name

    def features(self, params: Params) -> ModelFamily | None:
        """Encode what a bare estimator cannot take."""
        return self._features

    def estimator(self, params: Params) -> Any:
        """Clone the user's estimator with the parameters of the configuration; with none, as it is."""
        estimator = clone(self._estimator)
        if params and params not in self.defaults:
            estimator.set_params(**self._fixed, **{name: clone(value, safe=False) for name, value in params.items()})
        return estimator if self._labels is None else with_integer_labels(estimator, self._labels)

    def _known(self, prefix: str, last: Any) -> tuple[Mapping[str, Dimension], Sequence[Params]]:
        """Give the default space and starts of a known class, and note what its points are fixed to."""
        family = self._family
        if family is None:
            raise InvalidSettings(
                f"no default search space is known for {type(last).__name__}: give space=, for example "
                '{"alpha": thalweg.Float(1e-3, 1e3, log=True)}, with names that its set_params knows'
            )
        own, library = last.get_params(deep=False), family.make().get_params(deep=False)
        self._fixed = {f"{prefix}{name}": value for name, value in family.fixed.items() if own[name] == library[name]}
        space = {f"{prefix}{name}": dimension for name, dimension in family.space.items()}
        return space, [{f"{prefix}{name}": value for name, value in start.items()} for start in family.starts]


def check_estimator(estimator: Any) -> None:
    """Refuse what is no scikit-learn estimator.

    Raises:
        InvalidSettings: It is a class, or lacks a method that tuning needs.
    """
    if isinstance(estimator, type):
        name = estimator.__name__
        raise InvalidSettings(f"estimator={name}: expected an instance, with parentheses: {name}()")
    lacking = [name for name in ("fit", "predict", "get_params", "set_params") if not hasattr(estimator, name)]
    if lacking:
        raise InvalidSettings(
            f"estimator={estimator!r} has no {' and no '.join(lacking)}: expected a scikit-learn estimator, "
            "or None to search the default model families"
        )


def check_names(estimator: Any, space: Space) -> None:
    """Refuse parameters that the estimator does not have, before any trial fails by them.

    Raises:
        InvalidSpace: There is such a name; the error says which names are near.
    """
    known = estimator.get_params(deep=True)
    for name in space.dimensions:
        parts = name.split("__")
        parents = {"__".join(parts[:i]) for i in range(1, len(parts))}
        if name in known or parents & space.dimensions.keys():  # a step that is searched brings its own parameters
            continue
        folded = {one.casefold(): one for one in known}
        near = [repr(folded[one]) for one in difflib.get_close_matches(name.casefold(), folded, n=3)]
        hint = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(sorted(known))}"
        raise InvalidSpace(f"{type(estimator).__name__} has no parameter {name!r}; {hint}")


def own_point(estimator: Any, space: Space) -> Params | None:
    """Give the estimator's own parameters as a point of the space; None where they lie outside of it."""
    known = estimator.get_params(deep=True)
    prefix, last = last_step(estimator)
    family = family_of(last)
    point = {name: known[name] for name in space.dimensions if name in known}
    for name, value in (family.default if family else {}).items():
        if point.get(prefix + name, value) is None:  # None is XGBoost's word for a value of its own
            point[prefix + name] = value
    try:
        return dict(space.decode(space.encode([point])[0])[0])
    except InvalidSpace:
        return None


def task_of(estimator: Any) -> Task | None:
    """Give the task that an estimator is for; None where it does not say."""
    kind = get_tags(last_step(estimator)[1]).estimator_type
    tasks: dict[str | None, Task] = {"regressor": "regression", "classifier": "classification"}
    return tasks.get(kind)


def _needs_encoding(estimator: Any, X: pd.DataFrame) -> bool:
    """Tell whether a table holds what a bare estimator cannot take."""
    numbers = all(isinstance(dtype, np.dtype) and dtype.kind in "biuf" for dtype in X.dtypes)
    return not numbers or (bool(X.isna().any(axis=None)) and not get_tags(estimator).input_tags.allow_nan)
