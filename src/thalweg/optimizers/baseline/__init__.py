"""Baselines: the methods that every other one has to beat."""

from thalweg.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)  # SobolSearch loads SciPy
