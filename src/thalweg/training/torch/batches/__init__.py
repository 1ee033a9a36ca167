"""Data as batches on a device, from any place of any epoch; and the random states that belong to it."""

from thalweg.training.torch.batches.batches import Batch, Batches, batches_of

__all__ = ["Batch", "Batches", "batches_of"]
