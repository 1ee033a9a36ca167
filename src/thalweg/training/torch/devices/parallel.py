"""One process, or several that train the same weights, each on its share of the rows.

S. Li et al., "PyTorch Distributed: experiences on accelerating data parallel training", VLDB 2020.
"""

import atexit
import os
from typing import Any, TypeVar, final

import torch
import torch.distributed as distributed
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from thalweg.training.torch.devices.hardware import device_of
from thalweg.training.torch.settings import Hardware

__all__ = ["Processes", "joined"]

T = TypeVar("T")


def joined(hardware: Hardware) -> "Processes":
    """Join the other processes: those of a group that stands, or those that ``torchrun`` has started; else be alone.

    A group that is made stands until the process ends, for the next training in it.

    Example:
        >>> processes = joined(Hardware(device="cpu"))
        >>> processes.rank, processes.world
        (0, 1)
    """
    device = device_of(hardware, int(os.environ.get("LOCAL_RANK", "0")))
    started = "RANK" in os.environ and int(os.environ.get("WORLD_SIZE", "1")) > 1
    standing = distributed.is_available() and distributed.is_initialized()
    if not (standing or started):
        return Processes(0, 1, device)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    if not standing:
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
        atexit.register(_leave)
    return Processes(distributed.get_rank(), distributed.get_world_size(), device)


def _leave() -> None:
    if distributed.is_initialized():
        distributed.destroy_process_group()


@final
class Processes:
    """What the processes do together; of one process, nothing.

    Attributes:
        rank: The number of this one, from 0.
        world: How many there are.
        device: Of this one.
    """

    def __init__(self, rank: int, world: int, device: torch.device) -> None:
        """Know oneself."""
        self.rank, self.world, self.device = rank, world, device

    def wrapped(self, module: nn.Module, all_used: bool) -> nn.Module:
        """Let the backward pass average the gradients of all processes, which begin with the weights of the first."""
        if self.world == 1:
            return module
        places = [self.device] if self.device.type == "cuda" else None
        return DistributedDataParallel(module, device_ids=places, find_unused_parameters=not all_used)

    def scaled(self, loss: Tensor, mass: float | Tensor) -> Tensor:
        """Scale this process's mean loss so that the average of all is the mean over all rows: by W mᵣ / Σ m."""
        if self.world == 1:
            return loss
        whole = self.total(torch.as_tensor(mass, dtype=torch.float32, device=self.device))
        return loss * (mass * self.world / whole.clamp(min=torch.finfo(torch.float32).tiny))

    def total(self, values: Tensor) -> Tensor:
        """Add up the values of all processes."""
        if self.world == 1:
            return values
        everywhere = values.to(self.device, copy=True)
        distributed.all_reduce(everywhere)
        return everywhere.to(values.device)

    def same(self, value: T) -> T:
        """Give all processes the value of the first."""
        if self.world == 1:
            return value
        values: list[Any] = [value]
        distributed.broadcast_object_list(values, src=0)
        return values[0]  # type: ignore[no-any-return]

    def gathered(self, value: T) -> list[T]:
        """Give the first process the values of all, the others nothing."""
        if self.world == 1:
            return [value]
        values: list[Any] | None = [None] * self.world if self.rank == 0 else None
        distributed.gather_object(value, values, dst=0)
        return values or []

    def share_buffers(self, module: nn.Module) -> None:
        """Give all processes the buffers of the first: each has normalized its own rows."""
        if self.world > 1:
            for buffer in module.buffers():
                distributed.broadcast(buffer, src=0)
