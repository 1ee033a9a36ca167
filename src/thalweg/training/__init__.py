"""Training: the parameters of models. A linear model is loss × penalty × solver."""

from thalweg.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
