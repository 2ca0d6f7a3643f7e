"""Streams of an NVIDIA GPU besides the default one.

Each is made once a process: cuBLAS keeps memory for every stream that it has worked on, 32 MiB on
some GPUs, until the process ends.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
Result = TypeVar("Result")


@cache
def side_stream(device: torch.device, number: int = 0) -> torch.cuda.Stream:
    """Return a device's side stream of that number, the same each time.

    Parameters
    ----------
    device : torch.device
        An NVIDIA GPU, with its index: that of a tensor there.
    number : int
        0: recorded work; 1: what is done beside it.
    """
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]


@contextmanager
def on_stream(stream: torch.cuda.Stream) -> Iterator[None]:
    """Work on a stream: after all that the present one was asked for, and before what follows."""
    caller = torch.cuda.current_stream(stream.device)
    stream.wait_stream(caller)
    with torch.cuda.stream(stream):
        yield
    caller.wait_stream(stream)


def side_by_side(
    first: Callable[[], Result], second: Callable[[], Result], device: torch.device
) -> tuple[Result, Result]:
    """Return the results of two computations that do not need each other.

    Where a CUDA graph is recorded it will run them at the same time: the one takes what the other
    leaves idle of the GPU.
    """
    if device.type != "cuda" or not torch.cuda.is_current_stream_capturing():
        return first(), second()
    main, side = torch.cuda.current_stream(device), side_stream(device, 1)
    side.wait_stream(main)
    one = first()
    with torch.cuda.stream(side):
        other = second()
    main.wait_stream(side)
    return one, other
