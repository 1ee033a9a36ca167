"""Update rules as optimizers of PyTorch."""

from thalweg.training.torch.steppers.stepper import Stepper, stepper_of

__all__ = ["Stepper", "stepper_of"]
