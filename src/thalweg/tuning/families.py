"""The model families that are searched by default, and the one that a given model belongs to."""

import importlib.util
from typing import Any

from sklearn.pipeline import Pipeline

from thalweg.data import Task
from thalweg.tuning.family import Family
from thalweg.tuning.sklearn import BOOSTING, FOREST, LINEAR
from thalweg.tuning.xgboost import XGBOOST

__all__ = ["FAMILIES", "families_for", "family_of", "last_step"]

_INSTALLED = XGBOOST if importlib.util.find_spec("xgboost") else ()

FAMILIES: tuple[Family, ...] = (*LINEAR, *BOOSTING, *_INSTALLED, *FOREST)
"""Every family that is installed here, the cheapest first: so a short run has tried what it can."""


def families_for(task: Task) -> tuple[Family, ...]:
    """Give the families of a task, the cheapest first.

    Example:
        >>> [family.name for family in families_for("regression") if family.name != "xgboost"]
        ['linear', 'boosting', 'forest']
    """
    return tuple(family for family in FAMILIES if family.task == task)


def family_of(estimator: Any) -> Family | None:
    """Find the family whose estimator is exactly of this class; None where there is none."""
    library = type(estimator).__module__.split(".")[0]
    likely = [family for family in FAMILIES if library in family.make.__module__.split(".")]  # loads no other library
    return next((family for family in likely if type(family.make()) is type(estimator)), None)


def last_step(estimator: Any) -> tuple[str, Any]:
    """Give the model at the end of pipelines, and the prefix of its parameters' names.

    Example:
        >>> from sklearn.linear_model import Ridge
        >>> last_step(Pipeline([("scale", "passthrough"), ("ridge", Ridge())]))
        ('ridge__', Ridge())
    """
    prefix = ""
    while isinstance(estimator, Pipeline):
        name, estimator = estimator.steps[-1]
        prefix += f"{name}__"
    return prefix, estimator
