"""Breeding in mixed columns: bins, steps, choices, and children that differ."""

import numpy as np

from thalweg.optimizers.evolution.mixed import MixedVariation, to_bins
from thalweg.optimizers.evolution.operators import (
    PolynomialMutation,
    ResamplingMutation,
    SimulatedBinary,
    UniformCrossover,
)
from thalweg.space import Categorical, Float, Int, Space

COLUMNS = Space(
    {
        "few": Int(0, 2),
        "grid": Float(0, 1, step=0.25),
        "log": Int(1, 64, log=True),
        "kind": Categorical(["a", "b", "c", "d"]),
        "x": Float(-1, 1),
    }
).columns
NUMBERS, CHOICES = (SimulatedBinary(), PolynomialMutation()), (UniformCrossover(), ResamplingMutation())


def variation(numbers=NUMBERS, choices=CHOICES):
    return MixedVariation(numbers[0], numbers[1], choices[0], choices[1])


def parents(n, seed=0):
    return to_bins(COLUMNS, np.random.default_rng(seed).random((2 * n, COLUMNS.dim)))


def test_genes_of_discrete_columns_lie_in_the_middle_of_their_bins():
    u = parents(200)
    children = variation().breed(COLUMNS, u[:200], u[200:], 400, u, np.random.default_rng(1))
    assert children.shape == (400, 5)
    np.testing.assert_allclose(to_bins(COLUMNS, children), children, atol=1e-12)
    assert COLUMNS.valid(COLUMNS.from_unit(children)).all()


def test_no_child_equals_a_known_individual_or_another_child():
    u = np.repeat(parents(1), 30, axis=0)  # crossing them alone would give 60 copies
    children = variation().breed(COLUMNS, u[:30], u[30:], 60, u[:1], np.random.default_rng(1))
    rows = COLUMNS.from_unit(np.concatenate([u[:1], children]))
    assert len(np.unique(rows, axis=0)) == 61


def test_a_mutation_moves_an_ordered_column_at_least_one_step_and_within_its_bounds():
    u = to_bins(COLUMNS, np.full((300, 5), 0.5))
    tiny = PolynomialMutation(eta=1e6, probability=1.0)  # far too small to leave a bin by itself
    never = UniformCrossover(probability=0.0)
    same = variation((never, tiny), (never, ResamplingMutation(probability=0.0)))
    children = same.breed(COLUMNS, u[:150], u[150:], 300, u[:0], np.random.default_rng(0))
    x, old = COLUMNS.from_unit(children), COLUMNS.from_unit(u[:1])[0]
    assert {int(value) for value in x[:, 0]} <= {0, 1, 2}
    assert not (x[:, :3] == old[:3]).all(axis=1).any()
    assert {float(value) for value in x[:, 1]} <= {0.0, 0.25, 0.5, 0.75, 1.0}
    assert (x[:, 3] == old[3]).all()


def test_choices_are_exchanged_and_drawn_anew_without_an_order():
    u = to_bins(COLUMNS, np.full((2000, 5), 0.1))
    children = variation(choices=(UniformCrossover(), ResamplingMutation(probability=1.0))).breed(
        COLUMNS, u[:1000], u[1000:], 2000, u[:0], np.random.default_rng(0)
    )
    counts = np.bincount(COLUMNS.from_unit(children)[:, 3].astype(int), minlength=4)
    assert (np.abs(counts / 2000 - 0.25) < 0.05).all()
