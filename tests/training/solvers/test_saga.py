import numpy as np
import pytest
from scipy.sparse import csr_array

from thalweg.training.losses import Huber, Logistic, Multinomial, Poisson, Squared
from thalweg.training.objective import LinearObjective
from thalweg.training.penalties import L1, L2, ElasticNet, GroupLasso, NonNegative
from thalweg.training.rows import rows_of
from thalweg.training.solvers.coordinate import Coordinate
from thalweg.training.solvers.newton import Newton
from thalweg.training.solvers.saga import SAGA

PENALTIES = [L1(), ElasticNet(l1_ratio=0.5), NonNegative(L1()), GroupLasso(groups=(0, 0, 1, 1, 2, 2, 3, 3)), L2()]


def problem(loss, penalty, sparse=False, weighted=False, scaled=True, dtype=float, strength=0.05):
    random = np.random.default_rng(0)
    X = random.normal(size=(200, 8)) * (random.random((200, 8)) < 0.4 if sparse else 1)
    eta = X @ [1, -1, 0, 0, 0.5, 0, 0, 0] + 0.3
    X[:, 3], X[:, 5] = 0, 2
    scales = 10 ** random.uniform(-2, 2, size=8)
    X = X if scaled else X * scales
    y = (random.random(200) < 1 / (1 + np.exp(-eta))) * 1.0 if loss.classes else eta + 0.3 * random.normal(size=200)
    weight = random.integers(0, 3, size=200).astype(dtype) if weighted else None
    X = X.astype(dtype)
    return LinearObjective(
        rows_of(csr_array(X) if sparse else X, y.astype(dtype), weight), loss, penalty, strength, True
    )


@pytest.mark.parametrize("penalty", PENALTIES, ids=lambda penalty: type(penalty).__name__)
@pytest.mark.parametrize("loss", [Squared(), Logistic(), Huber(delta=0.5)], ids=lambda loss: type(loss).__name__)
def test_it_ends_where_coordinate_ends(loss, penalty):
    for sparse, weighted in ((False, False), (True, True)):
        objective = problem(loss, penalty, sparse, weighted)
        best = Coordinate(tolerance=1e-12).solve(objective).value
        solution = SAGA(tolerance=1e-9, max_epochs=5000).solve(objective)
        assert solution.converged
        assert solution.value == pytest.approx(best, rel=1e-7)


def test_scales_of_the_columns_do_not_matter():
    same = SAGA(tolerance=1e-8).solve(problem(Logistic(), L2(), strength=0.0))
    scaled = SAGA(tolerance=1e-8).solve(problem(Logistic(), L2(), scaled=False, strength=0.0))
    assert scaled.iterations <= 1.5 * same.iterations + 4
    assert scaled.value == pytest.approx(same.value, rel=1e-6)


def test_several_classes():
    random = np.random.default_rng(0)
    X = random.normal(size=(150, 4))
    y = np.argmax(X[:, :3] + random.normal(size=(150, 3)), axis=1).astype(float)
    objective = LinearObjective(rows_of(X, y), Multinomial(), L2(), 0.05, True, 3)
    solution = SAGA(tolerance=1e-9).solve(objective)
    assert solution.value == pytest.approx(Newton(tolerance=1e-12).solve(objective).value, rel=1e-7)


def test_the_same_seed_gives_the_same_bits():
    objective = problem(Logistic(), L1())
    first, second, other = (SAGA(seed=seed).solve(objective).theta for seed in (1, 1, 2))
    assert (first == second).all()
    assert (first != other).any()


def test_single_precision():
    best = Coordinate(tolerance=1e-12).solve(problem(Logistic(), L1())).value
    assert SAGA().solve(problem(Logistic(), L1(), dtype=np.float32)).value == pytest.approx(best, rel=1e-5)


def test_it_says_when_the_epochs_are_spent():
    solution = SAGA(max_epochs=4).solve(problem(Logistic(), L1()))
    assert not solution.converged
    assert "epochs" in solution.warning


def test_it_refuses_what_has_no_bound_on_the_curvature():
    assert "bound" in SAGA().refusal(problem(Poisson(), L1()))
