import numpy as np
import pytest
from sklearn.pipeline import Pipeline

from thalweg.tuning.families import families_for
from thalweg.tuning.labels import LabelCoder
from thalweg.tuning.models import FamilyModels, with_integer_labels


@pytest.fixture(params=["regression", "classification"])
def models(request):
    y = np.arange(20.0) if request.param == "regression" else np.array(["no", "yes"] * 10)
    return FamilyModels(request.param, y)


def test_every_default_and_start_is_a_configuration_that_is_tried_first(models):
    families = families_for(models.task)
    assert [params["model"] for params in models.defaults] == [family.name for family in families]
    assert len(models.initial) == sum(1 + len(family.starts) for family in families)
    assert all(default in models.initial for default in models.defaults)
    assert models.space.decode(models.space.encode(models.initial)[0]) == models.initial


def test_a_configuration_has_the_parameters_of_its_family_only(models):
    generator = np.random.default_rng(0)
    for params in models.space.decode(models.space.columns.random(generator, 40)):
        prefix = f"{params['model']}."
        assert all(name == "model" or name.startswith(prefix) for name in params)
        models.model(params)


def test_the_untuned_model_is_a_pipeline_of_features_and_the_untuned_estimator(models):
    for family, params in zip(families_for(models.task), models.defaults, strict=True):
        model = models.model(params)
        assert isinstance(model, Pipeline)
        assert model["features"].get_params() == {"for_model": family.features, "task": models.task}
        last = model["model"].classifier if isinstance(model["model"], LabelCoder) else model["model"]
        assert last.get_params() == family.make().get_params()
        assert models.label(params) == family.name


def test_labels_are_renamed_only_where_they_must_be():
    plain = object()
    assert with_integer_labels(plain, np.array([0, 1, 2])) is plain
    for labels in (["no", "yes"], [1, 2], [False, True]):
        assert isinstance(with_integer_labels(plain, np.array(labels)), LabelCoder)
