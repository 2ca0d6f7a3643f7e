"""Streams of an NVIDIA GPU besides the default one, and recording on them.

Each is made once a process: cuBLAS keeps memory for every stream that it has worked on, 32 MiB on
some GPUs, until the process ends. So threads share them, and take turns where they record.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from threading import RLock
from typing import TYPE_CHECKING, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Result = TypeVar("Result")

_turn = RLock()
"""Of the thread that warms up or records, or that waits for all of the GPU."""


@cache
def side_stream(device: torch.device, number: int = 0) -> torch.cuda.Stream:
    """Return a device's side stream of that number, the same each time.

    Parameters
    ----------
    device : torch.device
        An NVIDIA GPU, with its index: that of a tensor there.
    number : int
        0: what is recorded, see `recording`; 1: what is done beside it.
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


@contextmanager
def recording(device: torch.device) -> Iterator[None]:
    """Work on a device's stream for recording, one thread of the process at a time.

    For the runs that warm up, and for `record` after them. What another thread asked of that stream
    meanwhile would be recorded too; and torch records for one at a time, after it has waited for
    all of the GPU, which would break off another's recording. Recorded work is replayed outside.

    Parameters
    ----------
    device : torch.device
        See `side_stream`.
    """
    with _turn, on_stream(side_stream(device)):
        yield


def record(
    work: Callable[[], Result],
    device: torch.device,
    graph: torch.cuda.CUDAGraph,
    beside: torch.cuda.CUDAGraph | None = None,
) -> Result:
    """Record work into a graph, without doing it; returns the result that a replay fills.

    Parameters
    ----------
    work : callable
        Does not wait for the device.
    device : torch.device
        See `side_stream`.
    graph : CUDAGraph
        An empty one.
    beside : CUDAGraph, optional
        Shares its memory; the two never run at the same time.

    Raises
    ------
    RuntimeError
        Where a driver refuses, or the memory runs out.
    """
    # By default, "global", whatever another thread asked for that is not recorded, such as memory
    # for an ordinary step, would be an error there and break off the recording.
    mode = "thread_local"
    pool = None if beside is None else beside.pool()
    with _turn:
        stream = side_stream(device)
        with torch.cuda.graph(graph, pool=pool, stream=stream, capture_error_mode=mode):
            return work()


def return_reserves() -> None:
    """Give back the memory of NVIDIA GPUs that torch keeps for later, while nothing is recorded."""
    with _turn:
        torch.cuda.empty_cache()


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
