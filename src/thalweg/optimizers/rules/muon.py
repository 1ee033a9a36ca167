"""Muon: momentum, orthogonalized by Newton–Schulz.

K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024. The scale of a step and the
weight decay: J. Liu et al., "Muon is scalable for LLM training", arXiv:2502.16982, 2025.
"""

from typing import Any, final

import numpy as np

from thalweg.arrays import Floats
from thalweg.errors import InvalidSettings
from thalweg.optimizers.rules.adamw import AdamW
from thalweg.optimizers.rules.checks import check_fraction, check_not_negative
from thalweg.optimizers.rules.momentum import Nesterov
from thalweg.optimizers.rules.rule import AnyRule, Averages, UpdateRule
from thalweg.serial import frozen

__all__ = ["Muon"]

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # a, b, c of the polynomial, steepest at 0 of those that stay bounded
ITERATIONS = 5


@final
@frozen
class Muon(UpdateRule[Any]):
    """Make all singular values of a matrix's momentum about equal.

    v ← μ v + g,  U S Vᵀ = g + μ v,  d = 0.2 √max(rows, columns) · U T Vᵀ + λ x,  T ≈ I,

    where five iterations X ← a X + (b A + c A²) X, A = X Xᵀ, lead all but the least singular values to within 0.7
    and 1.2.
    The factor gives the entries of d the size that AdamW's have: matrices and other arrays share a learning rate.

    Args:
        momentum: μ, in [0, 1).
        weight_decay: λ, at least 0; a step takes the share α λ of a matrix away.
        other: Rule for the arrays that are no matrices; one that keeps no average.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> rule, x = Muon(), np.zeros((2, 2))
        >>> direction, _ = rule.update(rule.init(x), np.array([[100.0, 0.0], [0.0, 20.0]]), x)
        >>> direction.round(1)
        array([[0.2, 0. ],
               [0. , 0.2]])
    """

    momentum: float = 0.95
    weight_decay: float = 0.0
    other: AnyRule = AdamW()

    def __post_init__(self) -> None:
        """Check the settings."""
        check_fraction(self, "momentum")
        check_not_negative(self, "weight_decay")
        if not isinstance(self.other, UpdateRule) or isinstance(self.other, Averages):
            raise InvalidSettings(f"Muon: other={self.other!r}, expected a rule that keeps no average, such as AdamW()")

    def init(self, x: Floats) -> Any:
        """Stand still."""
        return (Nesterov() if x.ndim == 2 else self.other).init(x)

    def update(self, state: Any, gradient: Floats, x: Floats, learning_rate: float = 1.0) -> tuple[Floats, Any]:
        """Speed up along the gradient, and orthogonalize."""
        if x.ndim != 2:
            return self.other.update(state, gradient, x, learning_rate)
        ahead, state = Nesterov(self.momentum).update(state, gradient, x)
        scale = 0.2 * float(max(x.shape)) ** 0.5
        return scale * _orthogonalized(ahead) + self.weight_decay * x, state


def _orthogonalized(G: Floats) -> Floats:
    """Give about U Vᵀ of the decomposition G = U S Vᵀ."""
    a, b, c = COEFFICIENTS
    # In the precision of G; the authors and PyTorch compute this part in bfloat16, for speed on their hardware.
    X = G / (float(np.linalg.norm(G)) or 1.0)
    tall = X.shape[0] > X.shape[1]  # of X Xᵀ and Xᵀ X, which lead to the same, take the smaller
    X = X.T if tall else X
    for _ in range(ITERATIONS):
        A = X @ X.T
        X = a * X + (b * A + c * (A @ A)) @ X
    return X.T if tall else X
