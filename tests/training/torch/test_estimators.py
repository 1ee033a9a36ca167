"""Estimators around a module: scikit-learn's contract, the data that they take, and what they say of bad input."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris, make_friedman1
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator
from torch import nn

from thalweg.errors import IncompatibleProblem, InvalidData, InvalidSettings
from thalweg.optimizers.rules import Adam
from thalweg.training.losses import Huber, Poisson
from thalweg.training.torch.estimators.classifier import NeuralNetClassifier
from thalweg.training.torch.estimators.regressor import NeuralNetRegressor
from thalweg.training.torch.settings import EarlyStopping, Metric


def net(inputs, outputs):
    return nn.Sequential(nn.Linear(inputs, 32), nn.ReLU(), nn.Linear(32, outputs))


def checks():
    """Leave out what needs another setting of SciPy, and what asks more digits than single precision has: see below."""
    left_out = {"check_array_api_input", "check_sample_weight_equivalence_on_dense_data"}
    settings = {"learning_rate": 0.03, "epochs": 15, "seed": 0}
    for model in (NeuralNetClassifier(net, **settings), NeuralNetRegressor(net, **settings)):
        for estimator, check in estimator_checks_generator(model):
            name = getattr(check, "func", check).__name__
            if name in left_out or (
                name == "check_methods_subset_invariance" and isinstance(model, NeuralNetRegressor)
            ):
                continue
            yield pytest.param(estimator, check, id=f"{type(model).__name__}-{name}")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("estimator", "check"), list(checks()))
def test_is_an_estimator_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return train_test_split(X / 16, y, random_state=0)


def numbers(n=400, seed=0):
    X, y = make_friedman1(n, 10, noise=1.0, random_state=seed)
    return X, 1000 + 50 * y


def test_classifies_digits_as_well_as_the_peer(digits):
    X, X_test, y, y_test = digits
    model = NeuralNetClassifier(net, seed=0).fit(X, y)
    peer = MLPClassifier((32,), early_stopping=True, max_iter=500, random_state=0).fit(X, y)
    assert model.score(X_test, y_test) > max(0.96, peer.score(X_test, y_test) - 0.01)
    assert model.stop_reason_ == "20 epochs were made" and model.n_iter_ == len(model.history_) == 20
    assert 0.001 < model.learning_rate_ < 0.1 and "a quarter of a decade" in model.learning_rate_reason_


def test_stops_early_by_rows_of_every_class_that_are_held_out(digits):
    X, X_test, y, y_test = digits
    seen, settings = [], {"learning_rate": 0.05, "epochs": 100, "early_stopping": EarlyStopping(3), "seed": 0}
    accuracy = Metric(
        "accuracy", lambda output, target: seen.append(target) or (output.argmax(1) == target).float().mean()
    )
    model = NeuralNetClassifier(net, metric=accuracy, validation_fraction=0.2, **settings).fit(X, y)
    assert model.n_iter_ < 100 and "no improvement in 3 epochs" in model.stop_reason_
    np.testing.assert_allclose(np.bincount(seen[0]), np.bincount(y) / 5, atol=1)
    assert model.score(X_test, y_test) > 0.93
    by_loss = NeuralNetClassifier(net, **settings).fit(X, y)
    assert by_loss.history_[0].metric is None and by_loss.history_[0].validation_loss > 0


def test_predicts_numbers_in_their_own_units():
    X, y = numbers(2000)
    X_test, y_test = numbers(1000, seed=1)
    model = make_pipeline(StandardScaler(), NeuralNetRegressor(net, seed=0)).fit(X, y)
    assert model.score(X_test, y_test) > 0.92  # the noise leaves 0.96
    assert abs(np.mean(model.predict(X_test)) - np.mean(y_test)) < 5


@pytest.mark.parametrize("shape", [(), (1,), (3,)])
def test_targets_come_back_in_their_shape(shape):
    X, y = numbers()
    y = y.reshape(-1, *[1] * len(shape)) * np.ones(shape) + np.arange(np.prod(shape)).reshape(shape) * 1e4
    model = NeuralNetRegressor(net, learning_rate=0.03, seed=0).fit(X, y)
    assert model.predict(X).shape == y.shape and model.target_mean_.shape == shape and model.score(X, y) > 0.7
    flat = NeuralNetRegressor(lambda d, m: nn.Sequential(net(d, m), nn.Flatten(0)), learning_rate=0.03, seed=0)
    if shape != (3,):
        np.testing.assert_allclose(flat.fit(X, y).predict(X), model.predict(X), rtol=1e-5)


def test_predictions_do_not_depend_on_the_other_rows():
    X, y = numbers(2500)
    model = NeuralNetRegressor(net, learning_rate=0.03, epochs=2, seed=0).fit(X, y)
    few = np.concatenate([model.predict(X[i : i + 7]) for i in range(0, 2500, 7)])
    np.testing.assert_allclose(few, model.predict(X), rtol=1e-5)


@pytest.mark.parametrize("labels", [np.array(["a", "b", "c"]), np.array([-1.0, 0.5, 7.0]) * 2, np.array([5, 3, 9])])
def test_classes_of_every_kind(labels):
    X, y = load_iris(return_X_y=True)
    model = NeuralNetClassifier(net, learning_rate=0.03, seed=0).fit(X, labels[y])
    assert model.score(X, labels[y]) > 0.9 and np.array_equal(model.classes_, np.unique(labels))
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)
    assert np.array_equal(model.predict(X), model.classes_[model.predict_proba(X).argmax(axis=1)])


def test_two_classes_by_one_output_or_two():
    X, y = load_iris(return_X_y=True)
    X, y = X[50:], np.array(["no", "yes"])[y[50:] - 1]
    makers = {"two": net, "one": lambda d, _: net(d, 1), "flat": lambda d, _: nn.Sequential(net(d, 1), nn.Flatten(0))}
    models = {name: NeuralNetClassifier(make, learning_rate=0.03, seed=0).fit(X, y) for name, make in makers.items()}
    for model in models.values():
        probability = model.predict_proba(X)
        assert model.score(X, y) > 0.9 and probability.shape == (100, 2)
        assert np.array_equal(model.predict(X) == "yes", probability[:, 1] > 0.5)
    np.testing.assert_allclose(models["one"].predict_proba(X), models["flat"].predict_proba(X), rtol=1e-4)
    own = NeuralNetClassifier(makers["one"], learning_rate=0.03, loss=nn.BCEWithLogitsLoss(), seed=0).fit(X, y)
    np.testing.assert_allclose(own.predict_proba(X), models["one"].predict_proba(X), rtol=1e-3)


@pytest.mark.parametrize("kind", [NeuralNetClassifier, NeuralNetRegressor])
def test_weights_equal_repeated_rows(kind):
    X, y = numbers(200)
    y = y > 1700 if kind is NeuralNetClassifier else y
    weights = np.arange(200) % 3
    settings = {"learning_rate": 0.03, "batch_size": 1000, "epochs": 40, "seed": 0}
    weighted = kind(net, **settings).fit(X, y, sample_weight=weights)
    repeated = kind(net, **settings).fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    plain = kind(net, **settings).fit(X, y)
    outputs = [model._outputs(X) for model in (weighted, repeated, plain)]
    np.testing.assert_allclose(outputs[0], outputs[1], atol=1e-4)
    assert np.abs(outputs[0] - outputs[2]).max() > 0.05


def test_class_weights_are_weights_of_rows():
    X, y = load_iris(return_X_y=True)
    X, y = X[60:], y[60:] == 2
    settings = {"learning_rate": 0.01, "batch_size": 90, "epochs": 10, "seed": 0}
    weights = np.where(y, 90 / 100, 90 / 80)
    balanced = NeuralNetClassifier(net, class_weight="balanced", **settings).fit(X, y)
    by_hand = NeuralNetClassifier(net, class_weight={False: 90 / 80, True: 0.9}, **settings).fit(X, y)
    rows = NeuralNetClassifier(net, **settings).fit(X, y, sample_weight=weights)
    assert np.array_equal(balanced.predict_proba(X), by_hand.predict_proba(X))
    np.testing.assert_allclose(balanced.predict_proba(X), rows.predict_proba(X), rtol=1e-5)


def test_a_seed_repeats_to_the_bit_and_the_global_generator_is_left_alone(digits):
    X, _, y, _ = digits
    state = torch.get_rng_state()
    first = NeuralNetClassifier(net, epochs=2, seed=3).fit(X, y).predict_proba(X)
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(1)
    assert np.array_equal(NeuralNetClassifier(net, epochs=2, seed=3).fit(X, y).predict_proba(X), first)
    assert not np.array_equal(NeuralNetClassifier(net, epochs=2, seed=4).fit(X, y).predict_proba(X), first)


def test_an_instance_is_a_start_that_is_not_changed(digits):
    X, X_test, y, y_test = digits
    pretrained = NeuralNetClassifier(net, epochs=10, seed=0).fit(X, y).module_
    before = pickle.dumps(pretrained.state_dict())
    model = NeuralNetClassifier(pretrained, epochs=1, learning_rate=1e-5, seed=0).fit(X, y)
    assert model.score(X_test, y_test) > 0.9 and model.module_ is not pretrained
    assert pickle.dumps(pretrained.state_dict()) == before


def test_pickle_clone_pipeline_and_grid(digits):
    X, X_test, y, y_test = digits
    pipeline = make_pipeline(StandardScaler(), NeuralNetClassifier(net, learning_rate=0.01, epochs=5, seed=0))
    grid = GridSearchCV(pipeline, {"neuralnetclassifier__rule": [None, Adam()]}, cv=2).fit(X, y)
    assert grid.score(X_test, y_test) > 0.9
    again = pickle.loads(pickle.dumps(grid.best_estimator_))
    assert np.array_equal(again.predict_proba(X_test), grid.predict_proba(X_test))
    assert clone(pipeline[-1]).get_params() == pipeline[-1].get_params()


def test_images_tensors_tuples_and_dictionaries_are_inputs(digits):
    X, X_test, y, y_test = digits
    settings = {"learning_rate": 0.01, "epochs": 8, "seed": 0}

    def convolution(channels, classes):
        return nn.Sequential(nn.Conv2d(channels, 8, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(classes))

    def images(X):
        return X.reshape(-1, 1, 8, 8)

    arrays = NeuralNetClassifier(convolution, **settings).fit(images(X), y)
    tensors = NeuralNetClassifier(convolution, **settings).fit(torch.tensor(images(X), dtype=torch.float32), y)
    assert arrays.score(images(X_test), y_test) > 0.9
    assert np.array_equal(arrays.predict_proba(images(X)), tensors.predict_proba(images(X)))

    class Halves(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net(64, 10)

        def forward(self, upper, lower):
            return self.net(torch.cat([upper, lower], dim=1))

    torch.manual_seed(0)
    module = Halves()
    pair = NeuralNetClassifier(module, **settings).fit((X[:, :32], X[:, 32:]), y)
    named = NeuralNetClassifier(module, **settings).fit({"lower": X[:, 32:], "upper": pd.DataFrame(X[:, :32])}, y)
    assert pair.score((X_test[:, :32], X_test[:, 32:]), y_test) > 0.9
    assert np.array_equal(
        pair.predict_proba((X[:, :32], X[:, 32:])), named.predict_proba({"upper": X[:, :32], "lower": X[:, 32:]})
    )


def test_whole_numbers_are_codes_for_embeddings_and_numbers_for_others():
    codes = np.arange(300)[:, None] % 6
    embedded = nn.Sequential(nn.Embedding(6, 4), nn.Flatten(), nn.Linear(4, 2))
    assert (
        NeuralNetClassifier(embedded, learning_rate=0.1, seed=0)
        .fit(codes, codes[:, 0] % 2)
        .score(codes, codes[:, 0] % 2)
        == 1
    )
    assert (
        NeuralNetRegressor(net, learning_rate=0.03, seed=0).fit(codes, 3 * codes[:, 0]).score(codes, 3 * codes[:, 0])
        > 0.95
    )


def test_losses_with_their_own_means():
    X, y = numbers(600)
    X = (X - 0.5) * 3
    outlying = y + np.where(np.arange(600) % 10 == 0, 1e5, 0)
    huber = NeuralNetRegressor(net, loss=Huber(0.01), learning_rate=0.01, seed=0).fit(X, outlying)
    assert r2_score(y, huber.predict(X)) > r2_score(
        y, NeuralNetRegressor(net, learning_rate=0.01, seed=0).fit(X, outlying).predict(X)
    )
    counts = np.random.default_rng(0).poisson(np.exp(X[:, 0]))
    poisson = NeuralNetRegressor(net, loss=Poisson(), standardize=False, learning_rate=0.02, seed=0)
    predicted = poisson.fit(X[:, :1], counts).predict(X[:, :1])
    assert predicted.min() > 0 and np.corrcoef(predicted, np.exp(X[:, 0]))[0, 1] > 0.98
    with pytest.raises(InvalidData, match="counts or rates"):
        NeuralNetRegressor(net, loss=Poisson()).fit(X, counts)


def test_a_metric_sees_the_units_of_the_target_and_stops():
    X, y = numbers(500)
    metric = Metric("mean absolute error", lambda output, target: (output - target).abs().mean(), "minimize")
    model = NeuralNetRegressor(
        net, metric=metric, early_stopping=EarlyStopping(2), learning_rate=0.1, epochs=100, seed=0
    )
    model.fit(X, y)
    assert 10 < min(entry.metric for entry in model.history_) < 500 and model.n_iter_ < 100
    assert "no improvement" in model.stop_reason_


def test_a_fit_that_is_interrupted_goes_on_from_its_checkpoint(digits, tmp_path):
    X, _, y, _ = digits
    settings = {"learning_rate": 0.01, "epochs": 4}
    straight = NeuralNetClassifier(net, checkpoint=tmp_path / "a", **settings).fit(X, y)
    epochs = []

    def interrupt(event):
        if type(event).__name__ == "EpochEnded":
            epochs.append(event.epoch)
            if len(epochs) == 2:
                raise KeyboardInterrupt

    checkpoint = tmp_path / "b"
    with pytest.raises(KeyboardInterrupt):
        NeuralNetClassifier(net, checkpoint=checkpoint, observers=[interrupt], **settings).fit(X, y)
    resumed = NeuralNetClassifier(net, checkpoint=checkpoint, observers=[interrupt], **settings).fit(X, y)
    assert np.array_equal(resumed.predict_proba(X), straight.predict_proba(X))


def test_batches_leave_no_row_alone_where_nobody_said_how_large_they_are():
    model = NeuralNetRegressor(net)
    for n in (*range(1, 3000), 25601, 10**6 + 1):
        size = model._size(n)
        assert 1 <= size <= n and (n % size != 1 or n < 3), n
    assert model._size(10**6) == 512 and NeuralNetRegressor(net, batch_size=64)._size(50) == 50
    X, y = numbers(65)
    normalized = NeuralNetRegressor(
        lambda d, m: nn.Sequential(nn.BatchNorm1d(d), nn.Linear(d, m)), learning_rate=0.1, seed=0
    )
    assert normalized.fit(X, y).score(X, y) > 0.5


@pytest.mark.parametrize(
    ("model", "error", "text"),
    [
        (
            NeuralNetClassifier(lambda d, k: net(d, 4)),
            IncompatibleProblem,
            r"have the shape \(2, 4\), and y has 3 classes: expected \(n, 3\)",
        ),
        (
            NeuralNetClassifier(lambda d, k: net(d, 1)),
            IncompatibleProblem,
            r"have the shape \(2, 1\), and y has 3 classes",
        ),
        (
            NeuralNetRegressor(lambda d, k: net(d, 4)),
            IncompatibleProblem,
            r"\(2, 4\), and y has the shape \(150,\): expected \(n, 1\)",
        ),
        (NeuralNetClassifier(nn.Linear(3, 3)), IncompatibleProblem, r"the module failed on inputs \(2, 4\) float32"),
        (
            NeuralNetClassifier(lambda d, k: nn.Flatten(0)),
            IncompatibleProblem,
            r"makes \(8,\) float32 of inputs \(2, 4\) float32",
        ),
        (NeuralNetClassifier("net"), InvalidSettings, "module='net' gives a str"),
        (NeuralNetClassifier(lambda d, k: None), InvalidSettings, "gives a NoneType"),
        (NeuralNetClassifier(net, epochs=0), InvalidSettings, "epochs=0"),
        (NeuralNetClassifier(net, learning_rate=-1), InvalidSettings, "learning_rate=-1"),
        (NeuralNetClassifier(net, class_weight={7: 1.0}), InvalidSettings, "class_weight="),
        (
            NeuralNetClassifier(net, early_stopping=EarlyStopping(), validation_fraction=1.5),
            InvalidSettings,
            "validation_fraction=1.5",
        ),
        (
            NeuralNetClassifier(net, early_stopping=EarlyStopping(), validation_fraction=0.001),
            InvalidData,
            "leaves none",
        ),
    ],
    ids=range(12),
)
def test_what_does_not_fit_is_named(model, error, text):
    X, y = load_iris(return_X_y=True)
    with pytest.raises(error, match=text):
        model.fit(X, y)


def test_bad_data_is_named():
    X, y = load_iris(return_X_y=True)
    model = NeuralNetClassifier(net)
    with pytest.raises(InvalidData, match=r"one class only, \[1\]"):
        model.fit(X, np.ones(150, dtype=int))
    with pytest.raises(ValueError, match="Unknown label type"):
        model.fit(X, X[:, 0])
    with pytest.raises(InvalidData, match=r"parts of \[100, 150\] rows"):
        model.fit((X, X[:100]), y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(torch.ones(100, 4), y)
    with pytest.raises(InvalidData, match="expected numbers; encode texts"):
        model.fit({"X": np.array(["a"] * 150)}, y)
    for holed in (torch.full((150, 4), torch.nan), (X, np.where(X > 5, np.inf, X))):
        with pytest.raises(InvalidData, match=r"of shape \(150, 4\) contains NaN or infinity"):
            model.fit(holed, y)
    with pytest.raises(InvalidSettings, match="X has 2 parts"):
        model.fit((X, X), y)
    with pytest.raises(ValueError, match=r"[Nn]egative"):
        model.fit(X, y, sample_weight=-np.ones(150))
    with pytest.raises(InvalidData, match="only one class has rows with a positive weight"):
        model.fit(X, y, sample_weight=(y == 0) * 1.0)
