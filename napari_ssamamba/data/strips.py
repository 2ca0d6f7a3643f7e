"""Arrays of a scene's size, gone through in strips, so that what is made of them stays small."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

VALUES_AT_ONCE = 2**22
"""Of an array, in a strip."""


def strips(values: NDArray[Any], *others: NDArray[Any]) -> Iterator[tuple[NDArray[Any], ...]]:
    """Cut arrays of the same shape along their first axis.

    Parameters
    ----------
    values, *others : ndarray
        Those of `VALUES_AT_ONCE` or less come as they are.

    Yields
    ------
    tuple of ndarray
        Views of each.
    """
    length = len(values)
    at_once = max(1, VALUES_AT_ONCE * length // max(values.size, 1))
    for first in range(0, length, at_once):
        yield tuple(a[first : first + at_once] for a in (values, *others))
