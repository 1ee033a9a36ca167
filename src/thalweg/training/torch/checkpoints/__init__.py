"""What a training has reached: all of it that changes, its last good copy, and the file that keeps it."""

from thalweg.training.torch.checkpoints.last_good import LastGood
from thalweg.training.torch.checkpoints.state import Training

__all__ = ["LastGood", "Training"]
