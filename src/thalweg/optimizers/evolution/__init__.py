"""Evolution: populations that vary and are selected. ``__init__.pyi`` lists the public names, loaded when first used."""

from thalweg.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
