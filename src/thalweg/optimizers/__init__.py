"""Optimizers: everything that searches. The contract is in :mod:`thalweg.optimizers.base`."""

from thalweg.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)  # some optimizers load SciPy
