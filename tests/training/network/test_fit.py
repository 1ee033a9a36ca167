"""The loop: epochs, the best of them, and what is not finite."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from thalweg.optimizers.rules import SGD, AdamW, Constant, Cosine, ExponentialAverage
from thalweg.training.losses import Squared
from thalweg.training.network import Batch, Network
from thalweg.training.network.fit import Plan, batches_of, fit_network, steps, validation_loss
from thalweg.training.network.layers import Dense, Dropout, ReLU

PLAN = Plan(AdamW(), Constant(0.01), epochs=4, batch=8)


def rows(n=50, seed=0):
    X = np.random.default_rng(seed).normal(size=(n, 3)).astype(np.float32)
    return Batch(X, np.sin(X.sum(axis=1)))


def net(*layers):
    return Network(layers or (Dense(16), ReLU(), Dropout(0.1), Dense(1)), inputs=3, seed=1)


@dataclass
class Poisoned:
    """A schedule of given rates, 0.01 beyond them, which is infinite at some steps, the first times that it is asked."""

    times: dict
    rates: tuple = ()

    def at(self, step):
        self.times[step] = self.times.get(step, 0) - 1
        return np.inf if self.times[step] >= 0 else self.rates[step] if step < len(self.rates) else 0.01


def test_an_epoch_sees_every_row_once_in_an_order_of_its_own():
    data, seen = rows(), []
    data = Batch(np.arange(50, dtype=np.float32)[:, None], np.zeros(50, np.float32))

    @dataclass
    class Noting:
        inner: Network

        def __getattr__(self, name):
            return getattr(self.inner, name)

        def forward(self, x, step):
            seen.extend(x[:, 0].tolist())
            return self.inner.forward(x, step)

    network = Noting(Network((Dense(1),), inputs=1))
    sizes = [n for _, n, _, _ in steps(network, Squared(), data, PLAN, AdamW().init(network.weights), range(14))]
    assert sizes == [8] * 6 + [2] + [8] * 6 + [2] and batches_of(data, PLAN) == 7
    assert sorted(seen[:50]) == sorted(seen[50:]) == list(range(50)) and seen[:50] != seen[50:]


def test_steps_in_pieces_are_the_steps_in_one():
    data, whole, pieces = rows(), net(), net()
    for _ in steps(whole, Squared(), data, PLAN, PLAN.rule.init(whole.weights), range(20)):
        pass
    rule = PLAN.rule.init(pieces.weights)
    for numbers in (range(5), range(5, 6), range(6, 20)):
        *_, (_, _, _, rule) = steps(pieces, Squared(), data, PLAN, rule, numbers)
    assert np.array_equal(whole.weights, pieces.weights)


def test_the_state_tells_what_happened():
    network, states = net(), []
    state = fit_network(network, Squared(), rows(), PLAN, observe=states.append)
    assert [s.epoch for s in states] == [1, 2, 3, 4] and state is states[-1]
    assert len(state.losses) == 4 and state.scores == state.losses and state.ended == "all 4 epochs were made"
    assert np.array_equal(network.weights, state.weights)


def test_without_other_rows_the_last_weights_are_taken():
    network, plan = net(), replace(PLAN, schedule=Poisoned({}, [0.01] * 14 + [0.3] * 14))
    state = fit_network(network, Squared(), rows(), plan)
    assert state.best_epoch < 3 and np.array_equal(network.weights, state.weights)


def test_the_last_of_equally_good_epochs_is_taken():
    scores, network, visited = iter([3.0, 1.0, 1.0, 2.0]), net(), []
    state = fit_network(
        network, Squared(), rows(), PLAN, lambda _: next(scores), observe=lambda s: visited.append(s.weights)
    )
    assert state.best_epoch == 2 and state.best_score == 1 and np.array_equal(network.weights, visited[2])


def test_patience_counts_from_the_best_epoch():
    scores = iter([3.0, 1.0, 2.0, 2.0, 2.0, 0.0])
    state = fit_network(net(), Squared(), rows(), replace(PLAN, epochs=6, patience=3), lambda _: next(scores))
    assert state.epoch == 5 and state.ended == "no improvement in 3 epochs: the best is epoch 2"


def test_averages_are_what_is_judged_and_kept():
    rule = ExponentialAverage(AdamW(), 0.9)
    network, judged = net(), []

    def score(network):
        judged.append(network.weights.copy())
        return validation_loss(Squared(), rows(30, seed=1))(network)

    state = fit_network(network, Squared(), rows(), replace(PLAN, rule=rule), score)
    assert np.array_equal(judged[-1], rule.average(state.rule, state.weights))
    assert not np.array_equal(judged[-1], state.weights)
    assert np.array_equal(network.weights, judged[state.best_epoch])


def test_a_loss_that_is_not_finite_goes_back_to_the_beginning_of_the_epoch_with_half_the_rate():
    states = []
    plan = replace(PLAN, schedule=Poisoned({9: 2}))
    state = fit_network(net(), Squared(), rows(), plan, observe=states.append)
    assert [s.epoch for s in states] == [1, 1, 1, 2, 3, 4] and [s.factor for s in states] == [
        1,
        0.5,
        0.25,
        0.25,
        0.25,
        0.25,
    ]
    assert np.array_equal(states[0].weights, states[2].weights)
    assert len(state.rollbacks) == 2 and state.rollbacks[0].startswith(
        "epoch 2: the loss became nan; back to its beginning"
    )
    clean = fit_network(net(), Squared(), rows(), replace(PLAN, schedule=Constant(0.01)))
    assert state.losses[0] == clean.losses[0] and np.isfinite(state.weights).all()


def test_it_gives_up_with_the_last_good_weights():
    network, states = net(), []
    plan = replace(PLAN, schedule=Poisoned({9: 100}))
    state = fit_network(network, Squared(), rows(), plan, observe=states.append)
    assert len(state.rollbacks) == 10 and "10 times with half the rate each" in state.ended
    assert np.array_equal(network.weights, states[0].weights) and state.epoch == 1


@pytest.mark.parametrize("n", [1, 3, 8, 9])
def test_batches_larger_than_the_rows_are_all_rows(n):
    state = fit_network(net(), Squared(), rows(n), Plan(SGD(), Cosine(0.01, 10), epochs=3, batch=8))
    assert state.epoch == 3 and np.isfinite(state.losses).all()
