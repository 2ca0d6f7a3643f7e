"""Where the network runs."""

from __future__ import annotations

import importlib.util
import os
import shutil
import warnings
from functools import cache

import torch

from napari_ssamamba.errors import SettingError

WORKSPACE = ":1024:1"
"""Memory that cuBLAS works in: 1 MiB, the least that it does not warn of. Without it, Hopper GPUs
keep 32 MiB for each stream and thread, together more than a training's activations, and are at most
a twentieth faster for it."""


BUILDS = "https://pytorch.org/get-started"


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
        return _thrifty(torch.device("cuda")) if torch.cuda.is_available() else torch.device("cpu")
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
            return _thrifty(torch.device(name))
        if not count and is_cpu_build():
            raise SettingError(
                "device",
                name,
                f"the installed PyTorch {torch.__version__} is built for CPUs alone; choose cpu or "
                f"auto, or install a build for your GPU, see {BUILDS}.",
            )
        found = f"{count} CUDA GPUs" if count else "no CUDA GPU"
        raise SettingError("device", name, f"PyTorch finds {found} here; choose cpu or auto.")
    raise SettingError("device", name, "choose auto, cpu, cuda, cuda:<number> or mps.")


def is_cpu_build() -> bool:
    """Tell whether PyTorch was built without support for any GPU of NVIDIA's or AMD's.

    The one that pip finds for Windows is.
    """
    return torch.version.cuda is None and torch.version.hip is None


def gpu_left_out() -> str | None:
    """Tell the user where an NVIDIA GPU stands idle, as PyTorch was built for CPUs alone."""
    if not is_cpu_build() or shutil.which("nvidia-smi") is None:
        return None
    return (
        "The CPU is used: there is an NVIDIA driver, but the installed PyTorch "
        f"{torch.__version__} is built for CPUs alone. For a build that uses the GPU see {BUILDS}; "
        "or choose the device cpu."
    )


def _thrifty(gpu: torch.device) -> torch.device:
    """Return an NVIDIA GPU on which little memory is kept aside, unless the user has it otherwise.

    No effect where this process has multiplied matrices on one before.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", WORKSPACE)
    return gpu


def is_out_of_memory(error: RuntimeError) -> bool:
    """Tell whether PyTorch raised because the device or the machine has too little memory."""
    text = str(error)
    return (
        isinstance(error, torch.OutOfMemoryError)
        or "not enough memory" in text  # the CPU's allocator
        or "out of memory" in text
    )


def has_fast_bfloat16(device: torch.device) -> bool:
    """Tell whether a device multiplies bfloat16 matrices with instructions of its own."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return False


def compiles_kernels(device: torch.device) -> bool:
    """Tell whether Triton is installed and compiles for a device: NVIDIA's since Ampere.

    It is tried once. Where it fails, as without a C compiler, a warning says what that costs.
    """
    return (
        device.type == "cuda"
        and torch.version.cuda is not None
        and torch.cuda.get_device_capability(device) >= (8, 0)
        and importlib.util.find_spec("triton") is not None
        and _tried(torch.cuda.current_device() if device.index is None else device.index)
    )


@cache
def _tried(index: int) -> bool:
    """Tell whether Triton gives a right result on an NVIDIA GPU; warn where it does not."""
    try:
        from napari_ssamamba.model.fused.trial import run_one

        found = "its result is wrong" if not run_one(torch.device("cuda", index)) else ""
    except Exception as error:  # whatever a compiler, a driver or a broken installation raises
        found = str(error).strip().split("\n")[0] or type(error).__name__
    if found:
        warnings.warn(
            f"Triton cannot be used on this GPU ({found}): maps and trainings run without its "
            "kernels, and take several times as long. It needs a C compiler, such as gcc, and "
            "Python's headers.",
            stacklevel=2,
        )
    return not found


def padded(count: int) -> int:
    """Return the side of the tiles in which Triton's kernels hold so many rows: a power of two."""
    return max(16, 1 << (count - 1).bit_length())


def pinned(values: torch.Tensor) -> torch.Tensor:
    """Return a copy of a CPU's tensor in memory that the system does not move."""
    return torch.empty(values.shape, dtype=values.dtype, pin_memory=True).copy_(values)


def upload(values: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Bring a tensor from the CPU to a device, without waiting for what a CUDA device is doing.

    A copy from memory that the system may move waits until the device has nothing left to do.
    """
    if device.type != "cuda":
        return values.to(device)
    return pinned(values).to(device, non_blocking=True)


class Arriving:
    """Values on their way from a device to the CPU.

    On an NVIDIA GPU the copy waits for what the GPU was asked for before, and whoever asks for the
    values for nothing later.

    Parameters
    ----------
    values : Tensor
    """

    def __init__(self, values: torch.Tensor) -> None:
        self._values, self._copied = values, None
        if values.device.type == "cuda":
            self._values = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
            self._values.copy_(values, non_blocking=True)
            self._copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._copied.record()

    def get(self) -> torch.Tensor:
        """Return the values, on the CPU."""
        if self._copied is not None:
            self._copied.synchronize()
        return self._values

    def __float__(self) -> float:
        return float(self.get())
