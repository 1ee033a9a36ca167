"""The same net as a problem: right values and gradients, one by one and together, and every optimizer trains it."""

import cloudpickle
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import thalweg as tw
from thalweg.errors import IncompatibleProblem, InvalidData, InvalidProblem, InvalidSettings
from thalweg.optimizers import AdamW, HeavyBall
from thalweg.problem import Candidates, Need, evaluate
from thalweg.training.losses import Huber
from thalweg.training.torch.problem import mean_loss
from thalweg.training.torch.problem.module_problem import ModuleProblem

ROWS = 60
BOTH = Need.VALUE | Need.GRADIENT


def data(inputs=3):
    random = np.random.default_rng(0)
    X = random.normal(size=(ROWS, inputs))
    return X, (X[:, 0] * X[:, 1] > 0).astype(int)


def perceptron(inputs=3, outputs=2, dtype=torch.float64, last=()):
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(inputs, 5), nn.Tanh(), nn.Linear(5, outputs), *last).to(dtype)


def told(problem, rows, slot=None):
    """Evaluate rows with their gradients, as the loop does."""
    candidates = Candidates.at(problem.columns, np.array(rows), slot)
    result = evaluate(problem, candidates, BOTH)
    assert result.complete.all(), result.errors
    return result.value[:, 0], result.gradient[:, 0]


def by_hand(module, loss, X, y):
    """Value and flat gradient by the plain loop's loss.backward(), on the module itself."""
    module.zero_grad()
    value = loss(module(X), y)
    value.backward()
    return value.item(), torch.cat([weight.grad.flatten() for weight in module.parameters()]).double().numpy()


@pytest.mark.parametrize(("dtype", "close"), [(torch.float64, 1e-12), (torch.float32, 2e-6)], ids=["double", "single"])
def test_value_and_gradient_are_those_of_the_plain_loss(dtype, close):
    X, y = data()
    module = perceptron(dtype=dtype)
    net = ModuleProblem(module, nn.CrossEntropyLoss(), X, y)
    values, gradients = told(net.problem, [net.initial])
    value, gradient = by_hand(module, nn.CrossEntropyLoss(), torch.tensor(X, dtype=dtype), torch.tensor(y))
    assert values.dtype == gradients.dtype == np.float64
    assert values[0] == pytest.approx(value, rel=close)
    assert gradients[0] == pytest.approx(gradient, abs=close)
    assert evaluate(net.problem, Candidates.at(net.problem.columns, net.initial[None])).value[0, 0] == values[0]


def test_the_gradient_agrees_with_differences_of_the_value():
    X, y = data()
    net = ModuleProblem(perceptron(), nn.CrossEntropyLoss(), X, y)
    x = net.initial + 0.1
    assert tw.check_gradient(net.problem, x=x).unsure == ()


@pytest.mark.parametrize("memory", [2**24, 20_000, 1], ids=["all at once", "in chunks", "one by one"])
def test_a_population_is_worth_what_its_members_are(memory, monkeypatch):
    monkeypatch.setattr(mean_loss, "MEMORY", memory)
    mapped = []
    monkeypatch.setattr(mean_loss, "vmap", lambda f, chunk_size: mapped.append(chunk_size) or torch.func.vmap(f))
    X, y = data()
    module = perceptron()
    net = ModuleProblem(module, nn.CrossEntropyLoss(), X, y)
    rows = net.initial + np.random.default_rng(1).normal(size=(7, len(net.initial)))
    values, gradients = told(net.problem, rows)
    for row, value, gradient in zip(rows, values, gradients, strict=True):
        expected = by_hand(net.module(row), nn.CrossEntropyLoss(), torch.tensor(X), torch.tensor(y))
        assert value == pytest.approx(expected[0], rel=1e-12)
        assert gradient == pytest.approx(expected[1], abs=1e-12)
    assert evaluate(net.problem, Candidates.at(net.problem.columns, rows)).value[:, 0] == pytest.approx(
        values, rel=1e-12
    )
    chunk = mapped[-1]
    assert {2**24: chunk > 7, 20_000: 1 < chunk < 7, 1: chunk == 2}[memory]  # of 2: the trial, whether it can be done
    assert (len(mapped) > 2) == (memory > 1)


class Reader(nn.Module):
    """A recurrent net, whose one operation takes no batch of weights."""

    def __init__(self):
        super().__init__()
        self.read, self.out = nn.LSTM(3, 4, batch_first=True), nn.Linear(4, 2)

    def forward(self, x):
        return self.out(self.read(x)[0][:, -1])


def test_a_module_that_cannot_be_mapped_is_computed_one_by_one():
    torch.manual_seed(0)
    X, y = torch.randn(6, 5, 3), torch.tensor([0, 1] * 3)
    net = ModuleProblem(Reader(), nn.CrossEntropyLoss(), X, y)
    rows = net.initial + np.array([[0.0], [0.1]])
    values, gradients = told(net.problem, rows)
    for row, value, gradient in zip(rows, values, gradients, strict=True):
        expected = by_hand(net.module(row), nn.CrossEntropyLoss(), X, y)
        assert value == pytest.approx(expected[0], rel=1e-6)
        assert gradient == pytest.approx(expected[1], abs=1e-6)


def test_minibatches_partition_the_rows():
    X, y = data()
    net = ModuleProblem(perceptron(), nn.CrossEntropyLoss(), X, y, batch_size=25, seed=3)
    whole = ModuleProblem(perceptron(), nn.CrossEntropyLoss(), X, y)
    batches = net.problem.minibatches
    assert [len(batches.at(k)[0]) for k in range(3)] == [25, 25, 10] and batches.seed == 3
    rows = np.tile(net.initial, (3, 1))
    values, gradients = told(net.problem, rows, np.arange(3))
    for k in range(3):
        value, gradient = by_hand(perceptron(), nn.CrossEntropyLoss(), *batches.at(k))
        assert values[k] == pytest.approx(value, rel=1e-12) and gradients[k] == pytest.approx(gradient, abs=1e-12)
    value, gradient = told(whole.problem, rows[:1])
    assert np.dot(batches.shares, values) == pytest.approx(value[0], rel=1e-12)
    assert np.array(batches.shares) @ gradients == pytest.approx(gradient[0], abs=1e-12)


METHODS = {
    "L-BFGS": (tw.LBFGS(), {}),
    "BFGS": (tw.BFGS(), {}),
    "Newton-CG": (tw.NewtonCG(), {}),
    "automatic": ("auto", {}),
    "gradient descent": (tw.GradientDescent(), {}),
    "heavy ball": (tw.GradientDescent(0.1, HeavyBall()), {}),
    "SGD": (tw.GradientDescent(0.2), {"batch_size": 20}),
    "AdamW": (tw.GradientDescent(0.03, AdamW()), {"batch_size": 20}),
    "AdamW, race of rates": (tw.GradientDescent(rule=AdamW()), {"batch_size": 20}),
    "SVRG": (tw.SVRG(), {"batch_size": 20}),
    "SAGA": (tw.SAGA(), {"batch_size": 20}),
    "simplex": (tw.NelderMead(), {"radius": 3.0}),
    "particle swarm": (tw.ParticleSwarm(), {"radius": 3.0}),
    "genetic algorithm": (tw.GeneticAlgorithm(), {"radius": 3.0}),
    "random search": (tw.RandomSearch(), {"radius": 3.0}),
}


@pytest.mark.parametrize("name", METHODS)
def test_every_optimizer_trains_it(name):
    optimizer, settings = METHODS[name]
    evaluations = 4000 if "radius" in settings and name != "simplex" else 600
    X, y = data()
    whole = ModuleProblem(perceptron(dtype=torch.float32), nn.CrossEntropyLoss(), X, y)
    net = ModuleProblem(perceptron(dtype=torch.float32), nn.CrossEntropyLoss(), X, y, **settings)
    result = tw.minimize(net.problem, optimizer=optimizer, initial=[net.initial], evaluations=evaluations, seed=0)
    found = result.recommended if "batch_size" in settings else result.best.params
    (before, after), _ = told(whole.problem, [net.initial, found])
    assert before > 0.7
    assert after < {"random search": 0.65, "simplex": 0.65}.get(name, 0.5)


def test_populations_need_a_radius_and_the_module_lies_in_its_middle():
    X, y = data()
    with pytest.raises(IncompatibleProblem, match="finite bounds"):
        tw.minimize(
            ModuleProblem(perceptron(), nn.CrossEntropyLoss(), X, y).problem, optimizer=tw.ParticleSwarm(), trials=9
        )
    net = ModuleProblem(perceptron(), nn.CrossEntropyLoss(), X, y, radius=2)
    columns = net.problem.columns
    assert columns.neutral == pytest.approx(net.initial) and columns.high - columns.low == pytest.approx(4)


def test_the_module_is_not_touched_and_copies_predict_what_was_measured():
    X, y = data()
    module = perceptron(last=[nn.Dropout(0.5)])
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    net = ModuleProblem(module, nn.CrossEntropyLoss(), X, y)
    result = tw.minimize(net.problem, optimizer=tw.LBFGS(), initial=[net.initial], evaluations=30)
    trained = net.module(result.best.params)
    assert functional.cross_entropy(trained(torch.tensor(X)), torch.tensor(y)).item() == pytest.approx(
        result.best.value
    )
    assert module.training and not trained.training  # no dropout
    assert all(weight.grad is None for weight in module.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())
    with torch.no_grad():
        module[0].weight.zero_()
        trained[0].weight.zero_()
    assert (
        told(net.problem, [net.initial])[0]
        == told(ModuleProblem(perceptron(), nn.CrossEntropyLoss(), X, y).problem, [net.initial])[0]
    )


class Tied(nn.Module):
    """Weights used twice, and others that are frozen."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.out = nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 2)
        self.second.weight = self.first.weight
        self.out.requires_grad_(False)

    def forward(self, x):
        return self.out(torch.tanh(self.second(torch.tanh(self.first(x)))))


def test_tied_weights_count_once_and_frozen_ones_not():
    X, y = data()
    torch.manual_seed(2)
    module = Tied().double()
    net = ModuleProblem(module, nn.CrossEntropyLoss(), X, y)
    assert len(net.initial) == 9 + 3 + 3
    x = net.initial + 0.1
    assert tw.check_gradient(net.problem, x=x).unsure == ()
    moved = net.module(x)
    assert moved.second.weight is moved.first.weight
    assert torch.equal(moved.first.weight, module.first.weight + 0.1)
    assert torch.equal(moved.out.weight, module.out.weight)
    assert functional.cross_entropy(moved(torch.tensor(X)), torch.tensor(y)).item() == pytest.approx(
        told(net.problem, [x])[0][0]
    )


def test_losses_one_a_row_are_averaged_and_those_of_linear_models_serve():
    X, _ = data()
    y = X[:, :1] * 3
    plain = ModuleProblem(perceptron(outputs=1), nn.HuberLoss(delta=0.5), X, y)
    for loss in (
        nn.HuberLoss(delta=0.5, reduction="none"),
        lambda o, t: functional.huber_loss(o, t, delta=0.5, reduction="none")[:, 0],
    ):
        if isinstance(loss, nn.Module):
            with pytest.raises(InvalidProblem, match=r"the loss has the shape \(60, 1\)"):
                ModuleProblem(perceptron(outputs=1), loss, X, y)
        else:
            net = ModuleProblem(perceptron(outputs=1), loss, X, y)
            assert told(net.problem, [net.initial])[0] == pytest.approx(told(plain.problem, [net.initial])[0])
    net = ModuleProblem(perceptron(outputs=1), Huber(0.5), X, y[:, 0])
    rows = [net.initial, net.initial + 0.2]
    assert told(net.problem, rows)[0] == pytest.approx(told(plain.problem, rows)[0])
    assert told(net.problem, rows)[1] == pytest.approx(told(plain.problem, rows)[1])


def test_a_problem_travels_to_other_processes():
    X, y = data()
    net = ModuleProblem(perceptron(), nn.CrossEntropyLoss(), X, y, batch_size=20)
    there = cloudpickle.loads(cloudpickle.dumps(net.problem))
    assert np.array_equal(told(there, [net.initial], [4])[1], told(net.problem, [net.initial], [4])[1])


def test_running_statistics_are_refused_or_kept():
    X, y = data()
    module = perceptron(last=[nn.BatchNorm1d(2)]).double()
    with pytest.raises(InvalidProblem, match=r"BatchNorm1d '3' learns running statistics .* LayerNorm"):
        ModuleProblem(module, nn.CrossEntropyLoss(), X, y)
    module(torch.tensor(X))
    net = ModuleProblem(module.eval(), nn.CrossEntropyLoss(), X, y)
    expected = functional.cross_entropy(module(torch.tensor(X)), torch.tensor(y)).item()
    assert told(net.problem, [net.initial, net.initial])[0] == pytest.approx(expected)
    assert torch.equal(net.module(net.initial)[3].running_mean, module[3].running_mean)


def square(output, target):
    return (output - target).square()


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"y": data()[1][:-1]}, InvalidData, "X has 60 rows and y 59"),
        ({"X": data()[0][:, :2]}, InvalidProblem, r"X of shape \(60, 2\) and y of shape \(60,\) cannot be computed: mat1"),
        ({"y": data()[1] + 1}, InvalidProblem, "Target 2 is out of bounds"),
        ({"y": ["yes"] * ROWS}, InvalidData, "y holds <U3: expected numbers; encode"),
        ({"X": np.zeros((0, 3)), "y": np.zeros(0)}, InvalidData, r"X has the shape \(0, 3\): expected at least one row"),
        ({"loss": nn.MSELoss(), "y": data()[0][:, 0]}, InvalidProblem, r"y of shape \(60,\) .*: Using a target size"),
        ({"loss": square, "y": data()[0][:, :2]}, InvalidProblem, r"the loss has the shape \(60, 2\), of outputs \(60, 2\)"),
        ({"loss": lambda o, t: torch.tensor(1.0)}, InvalidProblem, "does not depend on the module's weights"),
        ({"loss": nn.CrossEntropyLoss}, InvalidSettings, "with its parentheses"),
        ({"module": nn.Sequential(nn.Tanh())}, InvalidProblem, "nothing to train"),
        ({"module": "net"}, InvalidProblem, "expected a torch.nn.Module"),
        ({"radius": 0}, InvalidSettings, "radius=0: expected a positive number"),
        ({"batch_size": 61}, InvalidProblem, "a minibatch of 61 rows: expected 1 to 60"),
    ],
    ids=[
        "lengths", "inputs", "labels", "texts", "empty", "column", "matrix", "constant", "class", "bare", "no module",
        "radius", "batch",
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_in_words(change, error, words):
    X, y = data()
    given = {"module": perceptron(), "loss": nn.CrossEntropyLoss(), "X": X, "y": y} | change
    with pytest.raises(error, match=words):
        ModuleProblem(**given)


def test_weights_of_another_net_are_refused():
    net = ModuleProblem(perceptron(), nn.CrossEntropyLoss(), *data())
    with pytest.raises(InvalidData, match=r"got weights of shape \(3,\), expected \(32,\)"):
        net.module([1, 2, 3])
