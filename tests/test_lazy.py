"""Lazy packages: what they load, and when."""

import subprocess
import sys

import pytest

import thalweg.optimizers
import thalweg.optimizers.baseline

CHECK = """
import sys
import thalweg, thalweg.optimizers as optimizers
heavy = {"scipy", "pandas", "sklearn", "torch", "sqlalchemy", "pyarrow"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
optimizers.RandomSearch, optimizers.GridSearch, optimizers.ParticleSwarm, optimizers.GeneticAlgorithm
optimizers.GradientDescent, thalweg.Float, thalweg.Problem
assert not heavy & set(sys.modules), heavy & set(sys.modules)
optimizers.SobolSearch
assert "scipy" in sys.modules
"""


def test_libraries_are_loaded_by_who_needs_them():
    done = subprocess.run([sys.executable, "-c", CHECK], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("package", [thalweg.optimizers, thalweg.optimizers.baseline])
def test_every_listed_name_exists_and_is_listed(package):
    assert package.__all__ == sorted(package.__all__)
    for name in package.__all__:
        assert getattr(package, name).__name__ == name or name == "AnyOptimizer"
    assert set(package.__all__) <= set(dir(package))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"'thalweg\.optimizers' has no attribute 'Nothing'"):
        getattr(thalweg.optimizers, "Nothing")  # noqa: B009
    assert not hasattr(thalweg.optimizers.baseline, "scipy")
