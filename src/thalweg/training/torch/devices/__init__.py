"""Where a module is computed, and by how many processes."""

from thalweg.training.torch.devices.hardware import device_of
from thalweg.training.torch.devices.parallel import Processes, joined

__all__ = ["Processes", "device_of", "joined"]
