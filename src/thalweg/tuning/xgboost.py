"""XGBoost's models, where it is installed; the only file that imports it."""

from typing import Any

from thalweg.errors import MissingDependency
from thalweg.space import Float, Int
from thalweg.tuning.family import Family

__all__ = ["XGBOOST"]

_SPACE = {
    "n_estimators": Int(100, 1000, log=True),
    "learning_rate": Float(0.02, 0.3, log=True),
    "max_depth": Int(3, 10),
    "min_child_weight": Float(0.5, 30.0, log=True),
    "subsample": Float(0.5, 1.0),
    "colsample_bytree": Float(0.4, 1.0),
}
_DEFAULT = {
    "n_estimators": 100,
    "learning_rate": 0.3,
    "max_depth": 6,
    "min_child_weight": 1.0,
    "subsample": 1.0,
    "colsample_bytree": 1.0,
}
_START = {
    **_DEFAULT,
    "n_estimators": 400,
    "learning_rate": 0.05,
    "max_depth": 7,
    "subsample": 0.8,
    "colsample_bytree": 0.8,
}


def _regressor() -> Any:
    return _library().XGBRegressor()


def _classifier() -> Any:
    return _library().XGBClassifier()


def _library() -> Any:
    try:
        import xgboost
    except ImportError as error:
        raise MissingDependency("XGBoost", "tuning its models", "xgboost") from error
    return xgboost


XGBOOST = (
    Family("xgboost", "regression", "trees", _regressor, _SPACE, _DEFAULT, starts=(_START,)),
    Family(
        "xgboost",
        "classification",
        "trees",
        _classifier,
        _SPACE,
        _DEFAULT,
        starts=(_START,),
        integer_labels=True,
    ),
)
"""Gradient boosting by XGBoost. Its estimators say None where the library has its own value; ``_DEFAULT``
holds those values. The start is the advice of Friedman (2001, 2002): a small learning rate, more trees, and
random parts of the rows and of the features."""
