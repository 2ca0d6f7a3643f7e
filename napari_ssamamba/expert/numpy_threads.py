"""numpy's matrix products on one thread: where they are narrow, or take turns with the network's.

Products of some thousand rows with a column a class take several times as long on two threads as on
one. And numpy and PyTorch bring a pool of threads each: those of numpy's OpenBLAS go on spinning
for some 20 ms after a product, on the cores that the network computes on next.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from napari_ssamamba.shared import Shared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def numpy_on_one_thread() -> Iterator[None]:
    """Limit numpy's products in the block.

    The limit is the whole process's: it lasts until no thread is in such a block any more.
    """
    # The inner limit is for libraries that count threads for each calling thread by itself, as
    # those do that are built with OpenMP; to the others it says what they have been told.
    with _everywhere.held(None), _pools().limit(limits=1, user_api="blas"):
        yield


@contextmanager
def _limited(_: list[None]) -> Iterator[Callable[[list[None]], None]]:
    """Limit the pools that the process shares."""
    # threadpoolctl may let only the thread that limited a pool set it back, as long as that lives:
    # the first thread in may be at other work by then. So a thread of its own does both.
    with ThreadPoolExecutor(1) as keeper:
        limit = keeper.submit(
            lambda: _pools().limit(limits=1, user_api="blas").__enter__()
        ).result()
        try:
            yield lambda _: None
        finally:
            keeper.submit(limit.__exit__, None, None, None).result()


_everywhere = Shared(_limited)


@cache
def _pools() -> Any:
    """Find the pools that there are, which takes a millisecond."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
