"""Multi-layer perceptrons: what they learn, from which losses, weights, rates and layers."""

import numpy as np
import pytest
from sklearn.datasets import load_digits, make_friedman1
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from thalweg.optimizers.rules import SGD, AdamW, Cosine, ExponentialAverage, HeavyBall
from thalweg.training.losses import Huber, Quantile
from thalweg.training.network.classifier import MLPClassifier
from thalweg.training.network.layers import Dense, LayerNorm, ReLU, Residual
from thalweg.training.network.regressor import MLPRegressor

QUICK = {"epochs": 5, "learning_rate": 0.01}


def regression(n=300, seed=0):
    return make_friedman1(n, noise=0.5, random_state=seed)


def test_classes_as_well_as_the_peer():
    X, y = load_digits(return_X_y=True)
    scores = []
    for seed in range(2):
        X_learn, X_test, y_learn, y_test = train_test_split(X, y, stratify=y, random_state=seed)
        theirs = make_pipeline(StandardScaler(), TheirClassifier(random_state=seed, max_iter=300))
        ours = MLPClassifier(seed=seed).fit(X_learn, y_learn)
        scores.append((ours.score(X_test, y_test), theirs.fit(X_learn, y_learn).score(X_test, y_test)))
    ours, theirs = np.mean(scores, axis=0)
    assert ours > 0.965 and ours > theirs - 0.005


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_numbers_as_well_as_the_peer():
    X, y = make_friedman1(1500, noise=1.0, random_state=0)
    X_learn, X_test, y_learn, y_test = train_test_split(X, y, random_state=0)
    theirs = make_pipeline(StandardScaler(), TheirRegressor(random_state=0, max_iter=200)).fit(X_learn, y_learn)
    ours = MLPRegressor().fit(X_learn, y_learn)
    assert ours.score(X_test, y_test) > 0.91 and ours.score(X_test, y_test) > theirs.score(X_test, y_test) - 0.02


def test_the_weights_of_the_best_epoch_are_taken():
    X, y = regression(200)
    noise = np.random.default_rng(0).normal(0, 10, len(y))
    long = MLPRegressor(epochs=60, learning_rate=0.01, dropout=0.0).fit(X, y + noise)
    short = MLPRegressor(epochs=long.best_epoch_, learning_rate=0.01, dropout=0.0).fit(X, y + noise)
    assert long.best_epoch_ < 60 and np.array_equal(long.network_.weights, short.network_.weights)


def test_patience_ends_a_fit():
    X, y = regression(200)
    noise = np.random.default_rng(0).normal(0, 10, len(y))
    model = MLPRegressor(epochs=200, patience=3, learning_rate=0.01).fit(X, y + noise)
    assert model.n_iter_ == model.best_epoch_ + 3 < 200
    assert model.stop_reason_ == f"no improvement in 3 epochs: the best is epoch {model.best_epoch_}"


def test_several_targets():
    X, y = regression(500)
    both = np.column_stack([y, 1000 - 50 * y])
    model = MLPRegressor(epochs=30, learning_rate=0.01).fit(X, both)
    assert model.predict(X).shape == (500, 2) and model.score(X, both) > 0.9
    column = MLPRegressor(**QUICK).fit(X, y[:, None])
    assert column.predict(X).shape == (500, 1)


def test_quantiles_cover():
    random = np.random.default_rng(0)
    X = random.uniform(-2, 2, (3000, 1))
    y = 100 * X[:, 0] + 10 * (1 + np.abs(X[:, 0])) * random.normal(size=3000)
    for share in (0.1, 0.9):
        model = MLPRegressor(loss=Quantile(share)).fit(X[:2000], y[:2000])
        assert abs((y[2000:] <= model.predict(X[2000:])).mean() - share) < 0.05


def test_huber_bears_outliers_in_the_units_of_y():
    X, y = regression(500)
    outlying = np.where(np.arange(len(y)) % 20 == 0, 1e4, y)
    model = MLPRegressor(loss=Huber(1.0), epochs=30, learning_rate=0.01).fit(X, outlying)
    assert model.score(X, y) > 0.8 > MLPRegressor(epochs=30, learning_rate=0.01).fit(X, outlying).score(X, y)
    far = MLPRegressor(loss=Huber(1.0), **QUICK).fit(X, outlying + 1e4).predict(X)
    np.testing.assert_allclose(far - 1e4, MLPRegressor(loss=Huber(1.0), **QUICK).fit(X, outlying).predict(X), atol=0.1)


def test_counts_of_any_size():
    random = np.random.default_rng(0)
    X = random.uniform(-1, 1, (1000, 3))
    for size in (0.5, 5000.0):
        rate = size * np.exp(X[:, 0])
        model = MLPRegressor(loss="poisson", epochs=20).fit(X, random.poisson(rate))
        assert np.corrcoef(np.log(model.predict(X)), X[:, 0])[0, 1] > 0.9
        assert abs(model.predict(X).mean() / rate.mean() - 1) < 0.1


def test_the_unit_of_the_target_is_of_no_account():
    X, y = regression(200)
    for factor in (1e-6, 1e6):
        scaled = MLPRegressor(**QUICK).fit(X, factor * y + factor).predict(X)
        np.testing.assert_allclose(
            scaled / factor - 1, MLPRegressor(**QUICK).fit(X, y).predict(X), rtol=1e-3, atol=1e-3
        )


def test_weights_of_rows():
    X, y = regression(200)
    wrong = np.where(np.arange(200) < 60, -100, y)
    weight = np.where(np.arange(200) < 60, 0.0, 3.0)
    model = MLPRegressor(epochs=40, learning_rate=0.01, validation_fraction=0).fit(X, wrong, sample_weight=weight)
    assert model.score(X[60:], y[60:]) > 0.8
    one, seven = (MLPRegressor(**QUICK).fit(X, y, sample_weight=np.full(200, w)) for w in (1.0, 7.0))
    np.testing.assert_allclose(one.predict(X), seven.predict(X), rtol=1e-4)


def test_weights_of_classes():
    random = np.random.default_rng(0)
    X = random.normal(size=(1000, 2))
    y = (X[:, 0] + 2 * random.normal(size=1000) > 2.8).astype(int)  # one in ten
    plain = MLPClassifier(epochs=10, learning_rate=0.01).fit(X, y).predict(X)
    for weight in ("balanced", {0: 1.0, 1: 9.0}):
        balanced = MLPClassifier(epochs=10, learning_rate=0.01, class_weight=weight).fit(X, y).predict(X)
        assert balanced.mean() > 2 * plain.mean()


@pytest.mark.parametrize(
    ("settings", "rate", "reason"),
    [
        ({"learning_rate": 0.01}, 0.01, "it was given"),
        ({"learning_rate": Cosine(0.02, 500)}, 0.02, "the schedule was given; its first"),
        ({"learning_rate": 0.05, "rule": HeavyBall()}, 0.05, "it was given"),
        ({"learning_rate": 0.01, "rule": ExponentialAverage(AdamW(), 0.9)}, 0.01, "it was given"),
    ],
    ids=["number", "schedule", "momentum", "average"],
)
def test_rates_and_rules_that_are_given(settings, rate, reason):
    X, y = regression(500)
    model = MLPRegressor(epochs=40, **settings).fit(X, y)
    assert (model.learning_rate_, model.learning_rate_reason_) == (rate, reason)
    assert model.score(X, y) > 0.8


@pytest.mark.parametrize("embedding", ["periodic", "piecewise_linear"])
def test_embeddings_of_numbers_see_sharp_steps(embedding):
    X = np.random.default_rng(0).uniform(size=(1500, 2))
    y = np.floor(8 * X[:, 0]) % 2
    plain, embedded = (MLPRegressor(epochs=20, embedding=kind).fit(X[:1000], y[:1000]) for kind in (None, embedding))
    assert embedded.score(X[1000:], y[1000:]) > plain.score(X[1000:], y[1000:]) + 0.1


def test_hidden_layers_of_ones_own():
    X, y = regression()
    layers = (Dense(16), LayerNorm(), ReLU(), Residual((Dense(16), ReLU(), Dense(16))), 8)
    assert MLPRegressor(layers, epochs=40, learning_rate=0.01).fit(X, y).score(X, y) > 0.7
    assert MLPRegressor((), epochs=20, learning_rate=0.03).fit(X, y).score(X, y) > 0.5


def test_a_fit_that_diverges_goes_back_and_at_last_gives_up():
    X, y = regression()
    with pytest.warns(ConvergenceWarning, match="take a smaller learning_rate"):
        model = MLPRegressor(learning_rate=1e15, rule=SGD(), epochs=3).fit(X, y)
    assert len(model.rollbacks_) == 10 and "back to its beginning, with half the learning rate" in model.rollbacks_[0]
    assert "10 times with half the rate each" in model.stop_reason_ and np.isfinite(model.predict(X)).all()
    recovered = MLPRegressor(learning_rate=30.0, rule=SGD(), epochs=20, dropout=0.0).fit(X, y)
    assert 0 < len(recovered.rollbacks_) < 10 and recovered.n_iter_ == 20
    assert np.isfinite(recovered.loss_curve_).all()
