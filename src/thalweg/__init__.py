"""Thalweg trains and tunes machine-learning models, and shows which method to choose.

Verbs are functions (:func:`minimize`, :func:`tune`); nouns are settings and results. Every public name is loaded when it
is first used, so that ``import thalweg`` itself takes next to no time; ``__init__.pyi`` is their list.
"""

from thalweg import errors as errors
from thalweg.lazy import attach

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = attach(__name__, __file__)
