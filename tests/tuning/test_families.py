import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from thalweg.space import Space
from thalweg.tuning.families import FAMILIES, families_for, family_of, last_step

every_family = pytest.mark.parametrize("family", FAMILIES, ids=[f"{family.name}-{family.task}" for family in FAMILIES])


@every_family
def test_the_default_point_builds_exactly_the_untuned_estimator(family):
    built, untuned = family.build(family.default), family.make()
    assert type(built) is type(untuned)
    assert built.get_params() == untuned.get_params()


@every_family
def test_default_and_starts_lie_in_the_space_and_survive_it(family):
    space, points = Space(family.space), [family.default, *family.starts]
    assert space.decode(space.encode(points)[0]) == points


@every_family
def test_the_default_point_names_the_librarys_own_values(family):
    """Setting each of them changes no prediction; XGBoost says None where it has a value."""
    generator = np.random.default_rng(0)
    X = generator.normal(size=(60, 4))
    y = X[:, 0] + generator.normal(0, 0.1, 60)
    y = y if family.task == "regression" else (y > 0).astype(int)
    untuned, explicit = family.make(), family.make().set_params(**family.default)
    for estimator in (untuned, explicit):
        if "random_state" in estimator.get_params():
            estimator.set_params(random_state=0)
    assert np.array_equal(untuned.fit(X, y).predict(X), explicit.fit(X, y).predict(X))


@every_family
def test_every_corner_of_the_space_can_be_set(family):
    space = Space(family.space)
    for corner in (np.zeros(space.columns.dim), np.ones(space.columns.dim)):
        (point,) = space.decode(space.columns.from_unit(corner[None]))
        clone(family.build(point))


@every_family
def test_a_class_finds_its_family(family):
    assert family_of(family.make()) is family


def test_other_classes_have_none():
    assert family_of(SVC()) is None


def test_boosting_counts_its_trees_by_the_search_and_not_by_early_stopping():
    family = family_of(HistGradientBoostingRegressor())
    assert family.build({**family.default, "max_iter": 150}).get_params()["early_stopping"] is False


def test_families_come_with_the_cheapest_first():
    for task in ("regression", "classification"):
        names = [family.name for family in families_for(task)]
        assert (names[0], names[-1]) == ("linear", "forest")


def test_the_last_step_of_nested_pipelines():
    inner = make_pipeline(StandardScaler(), Ridge())
    assert last_step(make_pipeline(StandardScaler(), inner)) == ("pipeline__ridge__", inner[-1])
    forest = RandomForestClassifier()
    assert last_step(forest) == ("", forest)
