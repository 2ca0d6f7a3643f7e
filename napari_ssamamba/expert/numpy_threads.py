"""numpy's matrix products on one thread: where they are narrow, or take turns with the network's.

Products of some thousand rows with a column a class take several times as long on two threads as on
one. And numpy and PyTorch bring a pool of threads each: those of numpy's OpenBLAS go on spinning
for some 20 ms after a product, on the cores that the network computes on next.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def numpy_on_one_thread() -> Iterator[None]:
    """Limit numpy's products in the block; where two threads are in one, the first decides."""
    with _pools().limit(limits=1, user_api="blas"):
        yield


@cache
def _pools() -> Any:
    """Find the pools that there are, which takes a millisecond."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
