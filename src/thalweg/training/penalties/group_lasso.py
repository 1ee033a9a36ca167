"""The sum of the norms of groups of coefficients: the group lasso.

M. Yuan, Y. Lin, "Model selection and estimation in regression with grouped variables", Journal of the Royal Statistical
Society B 68, 2006.
"""

from functools import cached_property
from typing import ClassVar, final

import numpy as np

from thalweg.arrays import AnyArray, Floats, Ints
from thalweg.errors import InvalidSettings
from thalweg.serial import frozen
from thalweg.training.penalties.penalty import Penalty

__all__ = ["GroupLasso"]


@final
@frozen
class GroupLasso(Penalty):
    """Ω(w) = Σ √p_g ‖w_g‖ over groups g of p_g columns: the coefficients of a group are all zero, or none is.

    With several predictors a group holds its columns' coefficients for all of them.

    Args:
        groups: The group of every column: whole numbers from 0.

    Raises:
        InvalidSettings: ``groups`` is empty, or holds something else.

    Example:
        >>> penalty = GroupLasso(groups=(0, 0, 1))
        >>> penalty.prox(np.array([3.0, 4.0, 0.5]), 2.5 / np.sqrt(2))
        array([1.5, 2. , 0. ])
    """

    groups: tuple[int, ...]

    smooth: ClassVar[bool] = False
    separable: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Check the settings."""
        codes = np.asarray(self.groups)
        if codes.ndim != 1 or not codes.size or codes.dtype.kind not in "iu" or codes.min() < 0:
            raise InvalidSettings(
                f"GroupLasso: groups={self.groups!r:.80}, expected the group of every column as a whole number from 0, "
                "like (0, 0, 1)"
            )
        object.__setattr__(self, "groups", tuple(codes.tolist()))

    @property
    def ridge(self) -> float:
        """None of it."""
        return 0.0

    def value(self, w: AnyArray) -> float:
        """Give the weighted sum of the norms."""
        return float(self._root_size @ self._norms(w))

    def prox(self, w: AnyArray, step: AnyArray | float) -> AnyArray:
        """Shorten the part of every group by step·√p_g; a step has to be the same for all coefficients of a group."""
        norms = self._norms(w)
        threshold = self._of_group(step) * self._root_size
        with np.errstate(divide="ignore", invalid="ignore"):
            left = np.where(norms > threshold, 1 - threshold / norms, 0.0)
        return np.asarray(w * self._each(left, w), dtype=w.dtype)

    def distance(self, w: AnyArray, gradient: AnyArray, strength: float) -> AnyArray:
        """Give |g + λ √p_g w / ‖w_g‖|, and where w_g = 0 the part of |g| by which ‖g_g‖ exceeds λ √p_g."""
        norms = self._norms(w)
        outside = np.abs(self.prox(gradient, strength))
        scale = strength * self._root_size / np.where(norms > 0, norms, 1.0)
        return np.where(self._each(norms, w) > 0, np.abs(gradient + self._each(scale, w) * w), outside)

    @cached_property
    def _codes(self) -> Ints:
        return np.array(self.groups, dtype=np.int64)

    @cached_property
    def _root_size(self) -> Floats:
        return np.sqrt(np.bincount(self._codes))

    def _norms(self, w: AnyArray) -> Floats:
        """Give ‖w_g‖ of every group."""
        if len(w) != len(self.groups):
            raise InvalidSettings(f"GroupLasso: groups has {len(self.groups)} entries, and the data {len(w)} columns")
        size = np.abs(w) if w.ndim == 1 else np.linalg.norm(w, axis=1)
        largest = float(size.max())
        if largest == 0:
            return np.zeros(len(self._root_size))
        # Numbers near the limits of their type would not survive being squared.
        return largest * np.sqrt(np.bincount(self._codes, weights=(size / largest) ** 2))

    def _of_group(self, step: AnyArray | float) -> AnyArray | float:
        """Give the step of every group."""
        if np.ndim(step) == 0:
            return step
        each = np.asarray(step)
        of_group = np.zeros(len(self._root_size))
        of_group[self._codes] = each if each.ndim == 1 else each[:, 0]
        if (self._each(of_group, each) != each).any():
            raise InvalidSettings(
                "GroupLasso: a step was given that differs within a group, expected one of each group"
            )
        return of_group

    def _each(self, of_group: Floats, w: AnyArray) -> Floats:
        """Give every coefficient the number of its group."""
        each = of_group[self._codes]
        return each if w.ndim == 1 else each[:, None]
