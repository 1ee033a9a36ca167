"""Which solver for which model, and why: loss × penalty × data, checked before anything runs."""

import numpy as np

from thalweg.errors import IncompatibleProblem, InvalidSettings
from thalweg.training.losses import Squared
from thalweg.training.objective import LinearObjective
from thalweg.training.solvers.coordinate import Coordinate
from thalweg.training.solvers.exact import Exact
from thalweg.training.solvers.gradient_descent import GradientDescent
from thalweg.training.solvers.interior_point import InteriorPoint
from thalweg.training.solvers.lbfgs import LBFGS
from thalweg.training.solvers.newton import Newton
from thalweg.training.solvers.saga import SAGA
from thalweg.training.solvers.sgd import SGD
from thalweg.training.solvers.solver import Solver

__all__ = ["SOLVERS", "choose_solver", "named_solver"]

SOLVERS: dict[str, type[Solver]] = {
    "exact": Exact,
    "newton": Newton,
    "lbfgs": LBFGS,
    "coordinate": Coordinate,
    "interior_point": InteriorPoint,
    "saga": SAGA,
    "sgd": SGD,
    "gradient_descent": GradientDescent,
}

FEW_PARAMETERS = 1_000  # up to here a Hessian is worth its n·p² multiplications


def choose_solver(objective: LinearObjective) -> tuple[Solver, str]:
    """Choose a solver from n, d, sparsity, loss and penalty, and say why.

    ====================================================  ================
    the first of these that holds                         takes
    ====================================================  ================
    a penalty with kinks (L1, elastic net, group, ≥ 0)    coordinate
    such a penalty, several predictors (multinomial)      gradient_descent
    a loss with kinks (quantile, hinge), few columns      interior_point
    such a loss, many columns                             sgd
    least squares, few columns                            exact
    few parameters                                        newton
    many parameters                                       lbfgs
    ====================================================  ================

    A solver that refuses the objective is passed over. Few parameters are up to 1,000 times one predictor, or K times as
    many fewer for K of them, since each pair of predictors has a Hessian of its own.
    """
    rows, p = objective.rows, int(np.prod(objective.shape))
    shape = f"{rows.n:,} {'sparse ' if rows.sparse else ''}rows of {rows.d:,} columns"
    few = p * objective.predictors <= FEW_PARAMETERS
    loss, penalty = type(objective.loss).__name__, type(objective.penalty).__name__
    candidates: list[tuple[bool, Solver, str]] = [
        (not objective.penalty.smooth, Coordinate(), f"the penalty {penalty} leaves few coefficients to work on"),
        (
            not objective.penalty.smooth,
            GradientDescent(),
            f"the penalty {penalty} has kinks, and the loss {loss} {objective.predictors} predictors",
        ),
        (not objective.loss.smooth and few, InteriorPoint(), f"the loss {loss} has kinks, and the columns are few"),
        (
            not objective.loss.smooth,
            SGD(),
            f"the loss {loss} has kinks, and so has the penalty or {rows.d:,} columns are many",
        ),
        (isinstance(objective.loss, Squared) and few, Exact(), f"least squares of {shape} need one pass"),
        (few, Newton(), f"{p:,} parameters are few enough for second derivatives"),
        (True, LBFGS(), f"{shape} are too many parameters for second derivatives"),
    ]
    for holds, solver, reason in candidates:
        if holds and not solver.refusal(objective):
            return solver, reason
    raise IncompatibleProblem(f"no solver serves the loss {loss} with the penalty {penalty}; choose another of the two")


def named_solver(solver: str | Solver, objective: LinearObjective) -> tuple[Solver, str]:
    """Give the solver that a user named, after asking whether it can.

    Raises:
        InvalidSettings: There is no solver of that name.
        IncompatibleProblem: It does not serve this loss, penalty or data; says why, and which does.
    """
    if isinstance(solver, str) and solver == "auto":
        return choose_solver(objective)
    made = SOLVERS[solver]() if isinstance(solver, str) and solver in SOLVERS else solver
    if not isinstance(made, Solver):
        raise InvalidSettings(f"solver={solver!r}: expected 'auto', one of {', '.join(SOLVERS)}, or a Solver")
    refusal = made.refusal(objective)
    if refusal:
        instead = type(choose_solver(objective)[0]).__name__
        raise IncompatibleProblem(
            f"the solver {type(made).__name__} cannot do this: {refusal}; take {instead}, or 'auto'"
        )
    return made, "named by the user"
