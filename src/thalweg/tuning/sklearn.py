"""Scikit-learn's models: linear ones, random forests, histogram gradient boosting."""

from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge

from thalweg.space import Categorical, Float, Int
from thalweg.tuning.family import Family

__all__ = ["BOOSTING", "FOREST", "LINEAR"]

LINEAR = (
    Family(
        "linear",
        "regression",
        "linear",
        Ridge,
        {"alpha": Float(1e-4, 1e4, log=True)},
        {"alpha": 1.0},
    ),
    Family(
        "linear",
        "classification",
        "linear",
        LogisticRegression,
        {"C": Float(1e-4, 1e4, log=True)},
        {"C": 1.0},
    ),
)
"""Ridge regression and logistic regression: the strength of their penalty."""

_BOOSTING_SPACE = {
    "learning_rate": Float(0.02, 0.3, log=True),
    "max_iter": Int(100, 1000, log=True),
    "max_leaf_nodes": Int(8, 128, log=True),
    "min_samples_leaf": Int(5, 100, log=True),
    "max_features": Float(0.3, 1.0),
}
_BOOSTING_DEFAULT = {
    "learning_rate": 0.1,
    "max_iter": 100,
    "max_leaf_nodes": 31,
    "min_samples_leaf": 20,
    "max_features": 1.0,
}
_BOOSTING_START = {**_BOOSTING_DEFAULT, "learning_rate": 0.05, "max_iter": 400, "max_features": 0.5}

BOOSTING = (
    Family(
        "boosting",
        "regression",
        "trees",
        HistGradientBoostingRegressor,
        _BOOSTING_SPACE,
        _BOOSTING_DEFAULT,
        starts=(_BOOSTING_START,),
        fixed={"early_stopping": False},
    ),
    Family(
        "boosting",
        "classification",
        "trees",
        HistGradientBoostingClassifier,
        _BOOSTING_SPACE,
        _BOOSTING_DEFAULT,
        starts=(_BOOSTING_START,),
        fixed={"early_stopping": False},
    ),
)
"""Gradient boosting: how fast it learns, for how long, and how large and how random its trees are.

Early stopping is off except in the untuned default: the number of trees is searched, on rows that no tree
has seen, and a tenth of the training rows is not lost to it. The start is the advice of Friedman (2001,
2002): a small learning rate, more trees, and a random part of the features.
"""

FOREST = (
    Family(
        "forest",
        "regression",
        "trees",
        RandomForestRegressor,
        {"max_features": Float(0.2, 1.0), "min_samples_leaf": Int(1, 50, log=True)},
        {"max_features": 1.0, "min_samples_leaf": 1},
    ),
    Family(
        "forest",
        "classification",
        "trees",
        RandomForestClassifier,
        {
            "max_features": Categorical(["sqrt", 0.25, 0.5, 0.75, 1.0]),
            "min_samples_leaf": Int(1, 50, log=True),
        },
        {"max_features": "sqrt", "min_samples_leaf": 1},
    ),
)
"""Random forests: the share of the features that a split may choose from, which Probst et al. (2019) find most
worth tuning, and the size of leaves; not the number of trees, of which more are seldom worse and always slower.
"""
