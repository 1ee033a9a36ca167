"""What users call X, as the tensors that a module takes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from scipy.sparse import issparse
from sklearn.utils.validation import validate_data
from torch import Tensor, nn

from thalweg.errors import InvalidData, InvalidSettings
from thalweg.training.torch.batches.batches import leaves

__all__ = ["checked", "columns_of", "rows_in", "tensors_of"]


def checked(estimator: Any, X: Any, reset: bool) -> Any:
    """Check X as scikit-learn does: tensors, and arrays of whatever was an array or a frame.

    Args:
        estimator: That notes the number and the names of columns.
        X: (n, …) array, frame or tensor, or a tuple or mapping of them with n rows each.
        reset: Whether to note them; else they must be the same.

    Raises:
        InvalidData: Parts differ in their numbers of rows, there is none, or one holds no numbers, or NaN.
    """
    if issparse(X) or not isinstance(X, tuple | Mapping | Tensor):  # one kind of sparse matrix is a dictionary
        return validate_data(estimator, X, reset=reset, dtype="numeric", allow_nd=True)
    if isinstance(X, Tensor):
        value: Any = X
        parts = [X]
    else:
        names = X.keys() if isinstance(X, Mapping) else range(len(X))
        parts = [_part(X[name]) for name in names]
        value = dict(zip(names, parts, strict=True)) if isinstance(X, Mapping) else tuple(parts)
    lengths = {len(part) if part.ndim else 0 for part in parts}
    if len(lengths) != 1 or 0 in lengths:
        raise InvalidData(f"X has parts of {sorted(lengths)} rows: expected one common number of at least 1")
    for part in parts:
        if not (part.isfinite() if isinstance(part, Tensor) else np.isfinite(part)).all():
            raise InvalidData(f"X, or a part of it, of shape {tuple(part.shape)} contains NaN or infinity")
    return value


def columns_of(value: Any) -> int:
    """Tell what a module that is made for X is made for: the length of its second axis.

    Raises:
        InvalidSettings: X has several parts.
    """
    if isinstance(value, tuple | Mapping):
        raise InvalidSettings(
            f"X has {len(value)} parts, and a function that makes the module is told of one number of columns: give module= "
            "an instance"
        )
    return int(value.shape[1]) if value.ndim > 1 else 1


def tensors_of(value: Any, module: nn.Module) -> Any:
    """Turn arrays to tensors, and leave tensors as they are.

    Arrays become float32; of whole numbers int64, where the module has embeddings.

    Example:
        >>> X = np.array([[0, 2], [1, 1]])
        >>> tensors_of(X, nn.Linear(2, 1)).dtype, tensors_of(X, nn.Embedding(3, 4)).dtype
        (torch.float32, torch.int64)
    """
    if isinstance(value, Tensor):
        return value
    if isinstance(value, tuple):
        return tuple(tensors_of(part, module) for part in value)
    if isinstance(value, Mapping):
        return {key: tensors_of(part, module) for key, part in value.items()}
    embeds = any(isinstance(part, nn.Embedding | nn.EmbeddingBag) for part in module.modules())
    dtype = np.int64 if value.dtype.kind in "iu" and embeds else np.float32
    return torch.from_numpy(np.require(value, dtype, ["C", "W"]))


def rows_in(value: Any) -> int:
    """Count the rows of tensors."""
    return len(leaves(value)[0])


def _part(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise InvalidData(f"a part of X has the type {array.dtype}: expected numbers; encode texts and dates before")
    return array
