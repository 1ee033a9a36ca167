"""Train any PyTorch module: the loop, its checkpoints, and estimators for scikit-learn's users.

``__init__.pyi`` lists the public names; each is loaded when it is first used.
"""

import importlib.util

from thalweg.errors import MissingDependency
from thalweg.lazy import attach

if importlib.util.find_spec("torch") is None:
    raise MissingDependency("PyTorch", "training a PyTorch module", "torch")

__getattr__, __dir__, __all__ = attach(__name__, __file__)
