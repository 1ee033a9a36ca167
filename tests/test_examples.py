"""The examples are run, and end with what they promise."""

import re
import runpy
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def numbers(text, after):
    """Give the numbers of the line that begins so."""
    (line,) = (line for line in text.splitlines() if line.startswith(after))
    return [float(number) for number in re.findall(r"-?\d+\.\d+", line)]


def test_a_line_by_gradient_descent(capsys):
    runpy.run_path(str(EXAMPLES / "line_by_gradient_descent.py"), run_name="__main__")
    text = capsys.readouterr().out
    losses = [numbers(text, f"step {step:3d}")[0] for step in (0, 1, 2, 5, 10, 20)]
    assert (np.diff(losses) < 0).all()
    found, exact = numbers(text, "gradient descent"), numbers(text, "exact")
    assert found[:2] == pytest.approx(exact, abs=2e-6)
    assert exact == pytest.approx([2, 1], abs=0.05)


def test_the_loss_falls_at_every_step():
    """The claim of the example, on its own data, step by step and not only where it prints."""
    import thalweg as tw

    random = np.random.default_rng(0)
    x = random.uniform(-1, 1, size=100)
    y = 2 * x + 1 + random.normal(scale=0.1, size=100)
    result = tw.minimize(
        lambda theta: np.mean((theta[0] * x + theta[1] - y) ** 2),
        tw.Box(dim=2),
        gradient=lambda theta: (
            2 * np.array([np.mean((theta[0] * x + theta[1] - y) * x), np.mean(theta[0] * x + theta[1] - y)])
        ),
        optimizer=tw.GradientDescent(learning_rate=0.3),
        evaluations=50,
    )
    losses = result.to_frame()["value"].to_numpy()
    assert len(losses) == 50 and (np.diff(losses) < 0).all()


def test_linear_regression_by_three_solvers(capsys, tmp_path):
    program = runpy.run_path(str(EXAMPLES / "linear_regression.py"))
    program["main"](str(tmp_path / "line.png"))
    text = capsys.readouterr().out
    exact, descent, stochastic = (numbers(text, solver) for solver in ("exact", "gradient_descent", "sgd"))
    assert descent == pytest.approx(exact, abs=2e-6)
    assert stochastic == pytest.approx(exact, abs=0.05)
    assert exact[0] == pytest.approx(4, abs=0.2) and exact[1] == pytest.approx(3, abs=0.2)
    assert exact[2] == pytest.approx(numbers(text, "the noise alone")[0], rel=0.05)
    assert (tmp_path / "line.png").read_bytes().startswith(b"\x89PNG")


def test_one_net_by_every_optimizer(capsys):
    runpy.run_path(str(EXAMPLES / "one_net_every_optimizer.py"), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()[1:]
    found = {re.split(r"  +", line)[0]: numbers("\n".join(lines), line[:28])[:2] for line in lines}
    assert len(found) == 10
    for name in ("L-BFGS", "Newton-CG", "gradient descent", "stochastic gradient descent", "AdamW", "particle swarm"):
        loss, accuracy = found[name]
        assert loss < 0.12 and accuracy > 0.93, name
    assert found["L-BFGS"][0] == min(loss for loss, _ in found.values())
    assert found["genetic algorithm"][0] < found["random search"][0] < found["Nelder-Mead"][0] < 0.65
