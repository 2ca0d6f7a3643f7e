"""numpy's matrix products on one thread, and rows on all threads.

Products of some thousand rows with a column a class take several times as long on two threads as on
one. And numpy and PyTorch bring a pool of threads each: those of numpy's OpenBLAS go on spinning
for some 20 ms after a product, on the cores that the network computes on next. So rows are parted
among threads instead, which compute all of their part, products or not, and sleep afterwards.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_ssamamba.shared import Shared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

LEAST_ROWS = 128
"""In a part: what a thread costs in any case, as the centers of a kernel laid out anew, is then a
small share."""


def on_all_threads(
    work: Callable[..., NDArray[np.float64]], *rows: NDArray[Any]
) -> NDArray[np.float64]:
    """Do the same to parts of the rows at the same time, on as many threads as numpy has.

    Parameters
    ----------
    work : callable
        Takes arrays and returns one, all of the same number of rows.
    rows : ndarray, shape (n, ...)

    Returns
    -------
    ndarray of float64, shape (n, ...)
        What `work` returns, joined; on another number of threads equal to rounding.
    """
    count = min(_threads(), len(rows[0]) // LEAST_ROWS)
    if count < 2:
        return work(*rows)

    def alone(part: list[NDArray[Any]]) -> NDArray[np.float64]:
        with numpy_on_one_thread():
            return work(*part)

    split = [np.array_split(array, count) for array in rows]
    first, *others = (list(part) for part in zip(*split, strict=True))
    with numpy_on_one_thread():
        begun = [_helpers().submit(alone, part) for part in others]
        found = [work(*first)]
    return np.concatenate(found + [part.result() for part in begun])


@contextmanager
def numpy_on_one_thread() -> Iterator[None]:
    """Limit numpy's products in the block.

    The limit is the whole process's: it lasts until no thread is in such a block any more.
    """
    # The inner limit is for libraries that count threads for each calling thread by itself, as
    # those do that are built with OpenMP; to the others it says what they have been told.
    _threads()  # to be asked before
    with _everywhere.held(None), _pools().limit(limits=1):
        yield


@contextmanager
def _limited(_: list[None]) -> Iterator[Callable[[list[None]], None]]:
    """Limit the pools that the process shares."""
    # threadpoolctl may let only the thread that limited a pool set it back, as long as that lives:
    # the first thread in may be at other work by then. So a thread of its own does both.
    with ThreadPoolExecutor(1) as keeper:
        limit = keeper.submit(lambda: _pools().limit(limits=1).__enter__()).result()
        try:
            yield lambda _: None
        finally:
            keeper.submit(limit.__exit__, None, None, None).result()


_everywhere = Shared(_limited)


@cache
def _helpers() -> ThreadPoolExecutor:
    """Return threads that wait for parts; the one that hands them out does one itself."""
    return ThreadPoolExecutor(_threads() - 1, thread_name_prefix="numpy-rows")


@cache
def _threads() -> int:
    """Return how many threads numpy has while nobody limits it."""
    return max((pool.num_threads for pool in _pools().lib_controllers), default=1)


@cache
def _pools() -> Any:
    """Find the pools that there are, which takes a millisecond."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")
