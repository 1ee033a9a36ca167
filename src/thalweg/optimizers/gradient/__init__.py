"""Methods that follow gradients."""

from thalweg.optimizers.gradient.gradient_descent import DescentState, GradientDescent

__all__ = ["DescentState", "GradientDescent"]
