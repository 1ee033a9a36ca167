"""Networks for tables, by our own backpropagation: whole batches, in NumPy."""

from thalweg.training.network.backpropagation import Batch, learn, mean_loss
from thalweg.training.network.network import Network

__all__ = ["Batch", "Network", "learn", "mean_loss"]
