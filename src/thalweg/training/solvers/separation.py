"""Classes that a linear predictor separates: without a penalty their best coefficients are infinite."""

from thalweg.training.objective import LinearObjective

__all__ = ["advice", "certain", "unheld"]

SEPARATED = 1e-7  # a mean loss of classes below this: every row is predicted with certainty


def unheld(objective: LinearObjective) -> bool:
    """Tell whether these are classes, and nothing holds the coefficients back."""
    return objective.loss.classes and not objective.ridge


def certain(objective: LinearObjective, value: float) -> bool:
    """Tell whether every row is predicted with certainty at this F, and nothing holds the coefficients back."""
    return unheld(objective) and value < SEPARATED


def advice(where: str = "") -> str:
    """Say what separable classes mean, and what to do."""
    return (
        f"the classes are separable{where}: without a penalty the best coefficients are infinite; give a penalty such as "
        "L2, or leave out the column that gives the class away"
    )
