"""Train any PyTorch module: the loop, its checkpoints, and estimators for scikit-learn's users."""

import importlib.util

from thalweg.errors import MissingDependency

if importlib.util.find_spec("torch") is None:
    raise MissingDependency("PyTorch", "training a PyTorch module", "torch")
