"""Features of any table as a matrix of numbers, by scikit-learn and skrub, decided on training rows only."""

from typing import Any, Literal, Self, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, TargetEncoder
from sklearn.utils.validation import check_is_fitted
from skrub import DatetimeEncoder, SquashingScaler

from thalweg.data.columns import BOOLEAN_WORDS, Column, describe_columns, feature_columns
from thalweg.data.frames import as_text, refuse_infinite
from thalweg.data.reading import read_table
from thalweg.data.target import Task
from thalweg.data.text import TextEncoder
from thalweg.errors import InvalidData, InvalidSettings

__all__ = ["TRUSTED_TYPES", "ModelFamily", "TableEncoder"]

ModelFamily = Literal["linear", "trees"]

TRUSTED_TYPES = (
    "numpy.dtype",
    "sklearn.model_selection._split.KFold",
    "skrub._datetime_encoder.DatetimeEncoder",
    "skrub._datetime_encoder._CircularEncoder",
    "skrub._squashing_scaler.SquashingScaler",
    "skrub._squashing_scaler._MinMaxScaler",
    "thalweg.data.columns.Column",
    "thalweg.data.encoding.TableEncoder",
    "thalweg.data.text.TextEncoder",
)
"""Types that ``skops.io.load`` must trust to bring back a saved encoder, beside its own defaults."""

_ONE_HOT_WIDTH = 30
_MOST_CLASSES = 10
_MISSING = "(missing)"
_LARGEST = float(np.finfo(np.float32).max)


@final
class TableEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Encode a table as a matrix of numbers.

    Every column is understood by :func:`~thalweg.data.describe_columns` and encoded by its kind:

    - number, boolean: as it is; where few cells of a number are text, they count as missing;
    - category: one column per category, at most 30; where there are more, the rarest share a column and the
      target's shrunk mean in the category is added, cross-fitted: no row sees its own target;
    - date: year, month, day, weekday, hour and seconds since 1970;
    - text: hashed character trigrams, weighted by tf-idf and reduced to 40 columns by a truncated SVD;
    - identifier, constant, empty: left out.

    For ``"linear"``, missing cells are filled with the median and marked in columns of their own, and all but
    the categories is scaled robustly and clipped softly to (-3, 3). For ``"trees"``, missing cells stay NaN.

    All is learnt from the rows given to ``fit_transform``: put it inside the folds. It depends on no
    hyperparameter of the model, so a fold's matrix can be kept for all trials. By the cross-fitting,
    ``fit_transform`` is not ``fit`` then ``transform``; training rows go through it, as in a ``Pipeline``.

    Args:
        for_model: ``"linear"`` for whatever is moved by scale or refuses missing values (linear models,
            nearest neighbours, kernels, neural networks); ``"trees"`` for trees and forests that take NaN.
        task: ``"regression"`` or ``"classification"``: what the target encoding averages.

    Attributes:
        columns_: What the columns of the training rows hold, one :class:`~thalweg.data.Column` each.

    Raises:
        InvalidData: a column is missing, holds infinite values, or none of the columns can be learnt from.

    Example:
        >>> table = pd.DataFrame({"rooms": [3.0, 5.0, None, 2.0], "town": ["Bern", "Chur", "Bern", "Bern"]})
        >>> TableEncoder(for_model="trees").fit_transform(table, [1.0, 2.0, 3.0, 4.0])
        array([[ 3.,  1.,  0.],
               [ 5.,  0.,  1.],
               [nan,  1.,  0.],
               [ 2.,  1.,  0.]], dtype=float32)

    Reference:
        D. Micci-Barreca (2001). A preprocessing scheme for high-cardinality categorical attributes in
        classification and prediction problems. SIGKDD Explorations 3(1), 27-32.
    """

    def __init__(self, for_model: ModelFamily = "linear", task: Task = "regression") -> None:
        """Keep the settings; they are checked when fitting, as scikit-learn asks."""
        self.for_model = for_model
        self.task = task

    def fit(self, X: Any, y: Any) -> Self:
        """Learn the encoding from training rows.

        Args:
            X: The features, a table of n rows.
            y: Their targets (n,).
        """
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: Any, y: Any) -> NDArray[np.floating[Any]]:
        """Learn the encoding from training rows and encode them.

        Args:
            X: The features, a table of n rows.
            y: Their targets (n,).

        Returns:
            A dense matrix (n, width), float64 for ``"linear"`` and float32 for ``"trees"``.
        """
        if self.for_model not in ("linear", "trees"):
            raise InvalidSettings(f"for_model must be 'linear' or 'trees', got {self.for_model!r}")
        frame, targets = read_table(X), np.asarray(y)
        self.feature_names_in_ = np.array(frame.columns, dtype=object)
        self.n_features_in_ = len(self.feature_names_in_)
        self.columns_ = describe_columns(frame)
        self.encoder_ = ColumnTransformer(self._parts(targets), sparse_threshold=0)
        return self._numbers(self.encoder_.fit_transform(self._coerced(frame), targets))

    def transform(self, X: Any) -> NDArray[np.floating[Any]]:
        """Encode rows as learnt; a category not seen in training counts among the rare ones, or as none.

        Args:
            X: The features; columns are found by name, others are ignored.

        Returns:
            A dense matrix (n, width).
        """
        check_is_fitted(self, "columns_")
        return self._numbers(self.encoder_.transform(self._coerced(read_table(X))))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Name the columns of the matrix, for example ``town_Bern``."""
        check_is_fitted(self, "columns_")
        long = [str(name) for name in self.encoder_.get_feature_names_out()]
        short = [name.split("__", 1)[1] for name in long]
        return np.array([s if short.count(s) == 1 else f for s, f in zip(short, long, strict=True)], dtype=object)

    def _numbers(self, matrix: Any) -> NDArray[np.floating[Any]]:
        dtype: Any = np.float64 if self.for_model == "linear" else np.float32
        return np.asarray(matrix, dtype=dtype)

    def _parts(self, y: NDArray[Any]) -> list[tuple[str, Any, Any]]:
        """Choose the encoders and the columns they take."""
        features = feature_columns(self.columns_)
        linear = self.for_model == "linear"
        finish = [SimpleImputer(strategy="median", add_indicator=True), SquashingScaler()] if linear else []
        numbers = [column.name for column in features if column.kind in ("number", "boolean")]
        categories = [column.name for column in features if column.kind == "category"]
        many = [c.name for c in features if c.kind == "category" and c.distinct > _ONE_HOT_WIDTH]
        parts: list[tuple[str, Any, Any]] = []
        if numbers:
            parts.append(("number", make_pipeline(*finish) if finish else "passthrough", numbers))
        if categories:
            one_hot = OneHotEncoder(
                max_categories=_ONE_HOT_WIDTH, handle_unknown="infrequent_if_exist", sparse_output=False
            )
            parts.append(("category", one_hot, categories))
        if many and (target_type := self._target_type(y)):
            mean = TargetEncoder(target_type=target_type, cv=KFold(5, shuffle=True, random_state=0))
            parts.append(("target mean", make_pipeline(mean, *finish), many))
        for place, column in enumerate(features):
            if column.kind == "date":
                encoder = DatetimeEncoder(add_weekday=True, periodic_encoding="circular" if linear else None)
                parts.append((f"date {place}", make_pipeline(encoder, *finish), column.name))
            elif column.kind == "text":
                parts.append((f"text {place}", make_pipeline(TextEncoder(), *finish), column.name))
        return parts

    def _target_type(self, y: NDArray[Any]) -> str:
        """Say to scikit-learn what to average; nothing where each of many classes would need a column."""
        if self.task == "regression":
            return "continuous"
        classes = len(np.unique(y))
        return "binary" if classes == 2 else "multiclass" if classes <= _MOST_CLASSES else ""

    def _coerced(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Bring every column to the form its kind had in training, however it is stored now."""
        features = feature_columns(self.columns_)
        absent = [column.name for column in features if column.name not in frame.columns]
        if absent:
            raise InvalidData(
                f"the table lacks {len(absent)} of the {len(features)} columns the model was trained on: "
                f"{', '.join(map(repr, absent[:5]))}{' …' if len(absent) > 5 else ''}"
            )
        coerced = pd.DataFrame({column.name: _coerced_column(column, frame[column.name]) for column in features})
        refuse_infinite(coerced)
        return coerced


def _coerced_column(column: Column, cells: "pd.Series[Any]") -> "pd.Series[Any]":
    if column.kind in ("number", "boolean"):
        return _as_numbers(column, cells)
    if column.kind == "date":
        if pd.api.types.is_datetime64_dtype(cells.dtype):
            return cells
        dates = pd.to_datetime(_as_text(cells), format=column.date_format or "ISO8601", errors="coerce", utc=True)
        return dates.dt.tz_localize(None)
    return _as_text(cells).fillna("" if column.kind == "text" else _MISSING).astype("object")


def _as_numbers(column: Column, cells: "pd.Series[Any]") -> "pd.Series[Any]":
    if column.kind == "boolean" and not pd.api.types.is_numeric_dtype(cells.dtype):
        words = cells.astype("str").str.lower()
        cells = words.map(BOOLEAN_WORDS).fillna(pd.to_numeric(words, errors="coerce"))
    numbers = pd.to_numeric(cells, errors="coerce").astype("float64")
    # Beyond it a float32, which trees compute in, is infinite; what already is stays so, and is refused.
    return numbers.where(np.isinf(numbers), numbers.clip(-_LARGEST, _LARGEST))


def _as_text(cells: "pd.Series[Any]") -> "pd.Series[Any]":
    if isinstance(cells.dtype, pd.StringDtype):
        return cells
    return cells.map({value: as_text(value) for value in cells.dropna().unique()}).astype("str")
