"""Running a search: the loop, its budget, its trials, where they are evaluated and where they are kept."""

from thalweg.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)  # a process that evaluates needs no optimizer and no SciPy
