"""The smallest kernel, which tells whether Triton works: launching it takes a C compiler, too."""

from __future__ import annotations

import torch
import triton
import triton.language as tl


@triton.jit
def one_kernel(out):
    """Write a 1."""
    tl.store(out, 1.0)


def run_one(device: torch.device) -> bool:
    """Compile the kernel for a device, and tell whether it gives what it should there."""
    out = torch.zeros(1, device=device)
    with torch.cuda.device_of(out):
        one_kernel[(1,)](out)
    return float(out) == 1
