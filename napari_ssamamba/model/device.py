"""Where the network runs."""

from __future__ import annotations

import torch

from napari_ssamamba.errors import SettingError


def choose_device(name: str = "auto") -> torch.device:
    """Return the device of that name.

    Parameters
    ----------
    name : str
        ``"auto"`` (the CUDA GPU if there is one, else the CPU), ``"cpu"``, ``"cuda"``,
        ``"cuda:1"`` …, or ``"mps"``, Apple's GPU.

    Raises
    ------
    SettingError
        Where there is no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind, _, number = name.partition(":")
    if name == "cpu":
        return torch.device("cpu")
    if name == "mps":
        if torch.backends.mps.is_available():
            return torch.device("mps")
        raise SettingError("device", name, "this machine has no Apple GPU; choose cpu or auto.")
    if kind == "cuda" and (not number or number.isdecimal()):
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if int(number or 0) < count:
            return torch.device(name)
        found = f"{count} CUDA GPUs" if count else "no CUDA GPU"
        raise SettingError("device", name, f"PyTorch finds {found} here; choose cpu or auto.")
    raise SettingError("device", name, "choose auto, cpu, cuda, cuda:<number> or mps.")


def is_out_of_memory(error: RuntimeError) -> bool:
    """Tell whether PyTorch raised because the device or the machine has too little memory."""
    text = str(error)
    return (
        isinstance(error, torch.OutOfMemoryError)
        or "not enough memory" in text  # the CPU's allocator
        or "out of memory" in text
    )
