"""What the training loop calls: preparation, checks, evaluation, the ends of epochs, trouble."""

from thalweg.training.torch.loop.preparation import Prepared, prepare

__all__ = ["Prepared", "prepare"]
