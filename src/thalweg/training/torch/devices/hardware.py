"""Where a module is computed, and how precisely."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import nn

from thalweg.errors import IncompatibleProblem, InvalidSettings
from thalweg.training.torch.settings import Hardware

__all__ = ["autocast", "device_of", "loss_scaler", "moved"]


def device_of(hardware: Hardware, local_rank: int = 0) -> torch.device:
    """Give the device; ``"auto"`` is the GPU of this process where there is one, else the CPU.

    Raises:
        InvalidSettings: PyTorch knows no such device, or it is not here.

    Example:
        >>> device_of(Hardware(device="cpu"))
        device(type='cpu')
    """
    name = hardware.device
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        if device.type == "cuda" and device.index is None:
            device = torch.device("cuda", local_rank)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InvalidSettings(
            f"Hardware: device={hardware.device!r} is not here: {str(error).splitlines()[0]}"
        ) from error
    return device


def moved(module: nn.Module, device: torch.device) -> nn.Module:
    """Bring a module to the device, in place.

    Raises:
        IncompatibleProblem: It lies on several devices, which may be on purpose.
    """
    places = sorted({str(tensor.device) for tensor in (*module.parameters(), *module.buffers())})
    if len(places) > 1:
        raise IncompatibleProblem(
            f"the module lies on several devices ({', '.join(places)}), expected one: bring it there by "
            f"module.to({places[0]!r})"
        )
    return module.to(device)


def autocast(hardware: Hardware, device: torch.device) -> AbstractContextManager[Any]:
    """Give the context in which output and loss are computed; it can be entered again and again."""
    if hardware.precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16 if hardware.precision == "bfloat16" else torch.float16)


def loss_scaler(hardware: Hardware, device: torch.device) -> torch.amp.GradScaler | None:
    """Give what keeps gradients within the range of float16; other precisions need none."""
    return torch.amp.GradScaler(device.type) if hardware.precision == "float16" else None
