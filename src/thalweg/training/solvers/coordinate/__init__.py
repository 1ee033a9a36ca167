"""Newton's method on the coordinates that a penalty with kinks leaves free."""

from thalweg.training.solvers.coordinate.coordinate import Coordinate

__all__ = ["Coordinate"]
