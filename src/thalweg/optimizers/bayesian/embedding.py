"""Rows of a mixed, conditional space as points of a Euclidean space, in which distance means dissimilarity.

A kernel of the Euclidean distance that is positive semi-definite in every dimension, as Matérn's is, stays so on any set
of points of any Euclidean space. So all that is particular about integers, choices and conditions is said here, by the
place of a row in that space, and none of it can harm the kernel.
"""

from functools import cached_property
from typing import final

import numpy as np

from thalweg.arrays import Bools, Floats, Ints
from thalweg.serial import frozen
from thalweg.space import CATEGORICAL, Columns

__all__ = ["Embedding"]


@final
@frozen
class Embedding:
    """The map φ from the rows of d columns to ℝᴰ; each of the D features belongs to one column.

    ======================  ==================================================  =================================
    column                  features                                            distance in them
    ======================  ==================================================  =================================
    number, always active   u, its place in the unit interval                   abs(u - u')
    number, conditional     sin t, cos t with t = u - 1/2; 0, 0 where inactive  2 sin(abs(u - u') / 2)
    choice                  one of K unit vectors, divided by the root of 2     1 if the choices differ (Hamming)
    choice, conditional     the same, inactive being one more choice            1 if the choices differ
    ======================  ==================================================  =================================

    In a conditional column two inactive rows are at distance 0, an active and an inactive one at distance 1. For that a
    number's interval is bent into an arc of one radian round its inactive point: no straight line has a point equally
    far from all of it, and chord and arc differ by 4 % at most (Swersky et al.). An integer or a grid value is the
    centre of its bin of the unit interval, so that the kernel sees the value that is evaluated (Garrido-Merchán and
    Hernández-Lobato).

    Args:
        columns: Kinds, bounds and conditions of the d columns; all bounds finite.

    Example:
        >>> from thalweg.space import Categorical, Float, Space
        >>> columns = Space({"kind": Categorical(["a", "b", "c"]), "x": Float(0, 8)}).columns
        >>> Embedding(columns)(np.array([[1.0, 2.0]])).round(3)
        array([[0.25 , 0.   , 0.707, 0.   ]])

    Reference:
        K. Swersky et al., "Raiders of the lost architecture: kernels for Bayesian optimization in conditional parameter
        spaces", 2014. E. C. Garrido-Merchán, D. Hernández-Lobato, "Dealing with categorical and integer-valued variables
        in Bayesian optimization with Gaussian processes", Neurocomputing 380, 2020.
    """

    columns: Columns

    @cached_property
    def column(self) -> Ints:
        """(D,) the column to which each feature belongs."""
        choices = [np.full(size, j) for j, size in self._choices]
        return np.concatenate([self._plain, self._arcs, self._arcs, *choices]).astype(np.int64)

    def __call__(self, x: Floats) -> Floats:
        """Give the features (n, D) of rows x (n, d) in natural units, inactive columns holding their neutral value."""
        return self.place(self.columns.to_unit(x), self.columns.activity(x))

    def place(self, u: Floats, active: Bools) -> Floats:
        """Give the features (n, D) of points of the unit cube.

        Args:
            u: (n, d) points of the unit cube; a choice is any point of its bin.
            active: (n, d) which columns are active.
        """
        n, p, a = len(u), len(self._plain), len(self._arcs)
        features = np.zeros((n, len(self.column)))
        features[:, :p] = u[:, self._plain]
        if a:
            t, on = u[:, self._arcs] - 0.5, active[:, self._arcs]
            features[:, p : p + a] = np.where(on, np.sin(t), 0.0)
            features[:, p + a : p + 2 * a] = np.where(on, np.cos(t), 0.0)
        first = p + 2 * a
        for j, size in self._choices:
            levels = int(self.columns.levels[j])
            code = np.minimum(np.floor(u[:, j] * levels).astype(np.int64), levels - 1)
            features[np.arange(n), first + np.where(active[:, j], code, size - 1)] = np.sqrt(0.5)
            first += size
        return features

    def pull_back(self, u: Floats, active: Bools, gradient: Floats) -> Floats:
        """Turn derivatives by the features into derivatives by u, the chain rule of :meth:`place`.

        Args:
            u: (n, d) points of the unit cube.
            active: (n, d) which columns are active.
            gradient: (n, D) derivatives by the features.

        Returns:
            (n, d) derivatives by u; 0 for choices and for inactive columns.
        """
        p, a = len(self._plain), len(self._arcs)
        pulled = np.zeros(u.shape)
        pulled[:, self._plain] = gradient[:, :p]
        if a:
            t = u[:, self._arcs] - 0.5
            slope = np.cos(t) * gradient[:, p : p + a] - np.sin(t) * gradient[:, p + a : p + 2 * a]
            pulled[:, self._arcs] = np.where(active[:, self._arcs], slope, 0.0)
        return pulled

    @cached_property
    def _conditional(self) -> Bools:
        return np.isin(np.arange(self.columns.dim), [rule.child for rule in self.columns.conditions])

    @cached_property
    def _plain(self) -> Ints:
        return np.flatnonzero((self.columns.kind != CATEGORICAL) & ~self._conditional)

    @cached_property
    def _arcs(self) -> Ints:
        return np.flatnonzero((self.columns.kind != CATEGORICAL) & self._conditional)

    @cached_property
    def _choices(self) -> tuple[tuple[int, int], ...]:
        """Categorical columns, each with its number of features."""
        columns = np.flatnonzero(self.columns.kind == CATEGORICAL).tolist()
        return tuple((j, int(self.columns.levels[j] + self._conditional[j])) for j in columns)
