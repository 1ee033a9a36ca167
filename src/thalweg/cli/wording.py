"""Scores, parameters and durations in words."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

__all__ = ["Metric", "describe_params", "duration", "number", "short_params"]

_LABELS = {
    "root_mean_squared_error": "RMSE",
    "mean_squared_error": "MSE",
    "mean_absolute_error": "MAE",
    "r2": "R²",
    "roc_auc": "ROC AUC",
    "f1": "F1",
}


@final
@dataclass(frozen=True)
class Metric:
    """A scorer of scikit-learn as people know it: an error without its minus.

    Args:
        scoring: The scorer's name.

    Example:
        >>> Metric("neg_root_mean_squared_error").text(-46_812.3)
        'RMSE 46,812'
        >>> Metric("accuracy").text(None)
        'none yet'
    """

    scoring: str

    @property
    def label(self) -> str:
        """The metric's usual name."""
        name = self.scoring.removeprefix("neg_")
        return _LABELS.get(name, name.replace("_", " "))

    def natural(self, score: float) -> float:
        """Turn a score (greater is better) into the metric's own number."""
        return -score if self.scoring.startswith("neg_") else score

    def text(self, score: float | None) -> str:
        """Name the metric and its number."""
        return "none yet" if score is None else f"{self.label} {number(self.natural(score))}"


def number(value: Any) -> str:
    """Write a value with four significant digits, whole numbers in full.

    Example:
        >>> number(46812.34), number(0.0812345), number(300), number("log2"), number(float("nan"))
        ('46,812', '0.08123', '300', 'log2', '–')
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if not math.isfinite(value):
        return "–" if math.isnan(value) else str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 or value % 1 == 0 else f"{value:.4g}"


def short_params(params: Mapping[str, Any]) -> dict[str, str]:
    """Give a model's own parameters as texts, without the model's name before theirs.

    Example:
        >>> short_params({"model": "forest", "forest.max_features": 0.25})
        {'max_features': '0.25'}
    """
    prefix = f"{params.get('model', '')}."
    return {name.removeprefix(prefix): number(value) for name, value in params.items() if name != "model"}


def describe_params(params: Mapping[str, Any]) -> str:
    """Put parameters into one line.

    Example:
        >>> describe_params({"model": "forest", "forest.max_features": 0.25, "forest.min_samples_leaf": 3})
        'forest: max_features=0.25, min_samples_leaf=3'
    """
    rest = ", ".join(f"{name}={value}" for name, value in short_params(params).items())
    model = params.get("model", "")
    return f"{model}: {rest}" if model and rest else f"{model}{rest}"


def duration(seconds: float) -> str:
    """Write a time as minutes and seconds, with hours where there are some.

    Example:
        >>> duration(9.4), duration(3725)
        ('0:09', '1:02:05')
    """
    whole = round(seconds)
    minutes = f"{whole // 60 % 60:02d}" if whole >= 3600 else f"{whole // 60}"
    return f"{whole // 3600}:{minutes}:{whole % 60:02d}" if whole >= 3600 else f"{minutes}:{whole % 60:02d}"
