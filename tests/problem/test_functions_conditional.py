"""The conditional function, against brute force over its lattice."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thalweg.problem.functions import model_selection

F = model_selection()


def lattice() -> list[dict[str, Any]]:
    """List every category and integer with a coarse grid of the logarithmic numbers, optimum included."""
    regularizations, rates = 10.0 ** np.arange(-6, 3), 10.0 ** np.arange(-4, 1)
    every = [{"booster": "linear", "regularization": a} for a in regularizations]
    for a, b, depth in product(regularizations, rates, range(1, 13)):
        tree = {"booster": "tree", "regularization": a, "learning_rate": b, "max_depth": depth}
        every.append({**tree, "grow_policy": "depthwise"})
        every += [{**tree, "grow_policy": "lossguide", "max_leaves": leaves} for leaves in range(2, 1025)]
    return every


def test_brute_force_finds_the_optimum_at_the_minimizer_only() -> None:
    every = lattice()
    values = np.array([F(x) for x in every])
    assert F.optimum is not None
    order = np.argsort(values)
    assert values[order[0]] == F.optimum == pytest.approx(0.1, abs=1e-15)
    assert values[order[1]] > F.optimum + 1e-5
    assert every[order[0]] == pytest.approx(F.minimizers[0])
    best: dict[tuple[str, str | None], float] = {}
    for x, value in zip(every, values, strict=True):
        branch = x["booster"], x.get("grow_policy")
        best[branch] = min(best.get(branch, np.inf), value)
    assert best == pytest.approx({("linear", None): 0.30, ("tree", "depthwise"): 0.15, ("tree", "lossguide"): 0.10})


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_no_configuration_of_the_space_is_better(seed: int) -> None:
    columns = F.space.columns
    x = columns.random(np.random.default_rng(seed), 20)
    assert F.optimum is not None
    assert min(map(F, F.space.decode(x))) >= F.optimum


def test_minimizer_belongs_to_the_space() -> None:
    x, active = F.space.encode(list(F.minimizers))
    assert active.all()
    (decoded,) = F.space.decode(x, active)
    assert F(decoded) == F.optimum


def test_only_active_parameters_matter() -> None:
    linear = {"booster": "linear", "regularization": 0.5}
    assert F(linear) == F({**linear, "max_depth": 3, "max_leaves": 7})
    assert F.gradient is None and F.front is None


def test_simple_branch_is_better_for_most_configurations() -> None:
    assert F.optimum is not None
    configurations = F.space.decode(F.space.columns.random(np.random.default_rng(0), 4000))
    values = np.array([F(x) for x in configurations])
    tree = np.array([x["booster"] == "tree" for x in configurations])
    assert np.median(values[tree]) > np.median(values[~tree]) > F.optimum
    assert values[tree].min() < values[~tree].min()
