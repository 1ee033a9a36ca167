"""A function of mixed and conditional variables that imitates choosing and tuning a boosted model."""

from collections.abc import Mapping
from math import log2, log10
from typing import Any

import numpy as np

from thalweg.problem.functions.benchmark import Benchmark
from thalweg.space import Categorical, Float, Int, Space

__all__ = ["model_selection"]


def model_selection() -> Benchmark:
    r"""Make a loss over boosters and their hyperparameters: mixed kinds, two levels of conditions.

    ====================  ==================================  =======================================
    parameter             values                              active where
    ====================  ==================================  =======================================
    ``booster``           linear, tree                        always
    ``regularization`` λ  [10⁻⁶, 10²], logarithmic            always
    ``learning_rate`` η   [10⁻⁴, 1], logarithmic              ``booster`` is tree
    ``max_depth`` D       1 … 12                              ``booster`` is tree
    ``grow_policy``       depthwise, lossguide                ``booster`` is tree
    ``max_leaves`` L      2 … 1024, logarithmic               ``grow_policy`` is lossguide
    ====================  ==================================  =======================================

    .. math:: f = \begin{cases}
        0.30 + 0.01\, (\log_{10} \lambda)^2 & \text{linear} \\
        0.10 + 0.02\, (\log_{10} \lambda + 2)^2 + 0.08\, (\log_{10} \eta + 1)^2 + 0.01\, (D - 6)^2
        + \begin{cases}
            0.05 & \text{depthwise} \\
            0.02\, (\log_2 L - D + 1)^2 & \text{lossguide}
        \end{cases} & \text{tree}
        \end{cases}

    The optimum is known because f is a constant for each branch, 0.30, 0.15 and 0.10, plus squares that
    vanish together: it is 0.10, at tree, lossguide, λ = 0.01, η = 0.1, D = 6, L = 32 = 2ᴰ⁻¹, and nowhere
    else. The problem deceives as model selection does: the linear branch is good almost everywhere, the tree
    only when tuned; the best λ differs between them; and the best L moves with D.

    Example:
        >>> f = model_selection()
        >>> f({"booster": "linear", "regularization": 1.0})
        0.3
        >>> f(f.minimizers[0])
        0.1

    Reference:
        The branches follow the parameters of XGBoost: T. Chen, C. Guestrin, XGBoost: A Scalable Tree Boosting
        System, KDD 2016. The loss is made up, so that its optimum is exact.
    """
    tree = {"booster": ["tree"]}
    best = {
        "booster": "tree",
        "regularization": 0.01,
        "learning_rate": 0.1,
        "max_depth": 6,
        "grow_policy": "lossguide",
        "max_leaves": 32,
    }
    return Benchmark(
        name="model-selection",
        space=Space(
            {
                "booster": Categorical(["linear", "tree"]),
                "regularization": Float(1e-6, 1e2, log=True),
                "learning_rate": Float(1e-4, 1.0, log=True, when=tree),
                "max_depth": Int(1, 12, when=tree),
                "grow_policy": Categorical(["depthwise", "lossguide"], when=tree),
                "max_leaves": Int(2, 1024, log=True, when={"grow_policy": ["lossguide"]}),
            }
        ),
        function=_loss,
        optimum=0.1,
        minimizers=np.array([best], dtype=object),
    )


def _loss(parameters: Mapping[str, Any]) -> float:
    regularization = log10(parameters["regularization"])
    if parameters["booster"] == "linear":
        return 0.30 + 0.01 * regularization**2
    depth: int = parameters["max_depth"]
    if parameters["grow_policy"] == "depthwise":
        growth = 0.05
    else:
        growth = 0.02 * (log2(parameters["max_leaves"]) - depth + 1) ** 2
    rate = log10(parameters["learning_rate"])
    return 0.10 + 0.02 * (regularization + 2) ** 2 + 0.08 * (rate + 1) ** 2 + 0.01 * (depth - 6) ** 2 + growth
