"""What changed between two maps of a scene: pixels fixed, broken, and changed elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.classes import MAX_CLASS_ID, UNLABELLED
from napari_ssamamba.data.strips import strips

if TYPE_CHECKING:
    from numpy.typing import NDArray

FIXED, BROKEN, ELSEWHERE = 1, 2, 3
"""Values in `MapChanges.pixels`: wrong before and right now, right before and wrong now, and all
others whose class changed."""


@dataclass(frozen=True, slots=True, eq=False)
class MapChanges:
    """Two maps beside each other and beside one truth.

    Attributes
    ----------
    pixels : ndarray of uint16, shape (rows, columns)
        `FIXED`, `BROKEN` or `ELSEWHERE`; 0 where nothing changed.
    counted : int
        Pixels of the truth that fixed and broken are counted on.
    fixed, broken, still_wrong : int
        Of these.
    changed : int
        Pixels of another class than before, all over the scene.
    mapped : int
        Pixels that both maps have a class for.
    class_ids : tuple of int
        Classes that either map or the truth holds.
    class_fixed, class_broken : ndarray of int64, shape (classes,)
        By the class of the truth.
    class_became, class_left : ndarray of int64, shape (classes,)
        Pixels all over the scene that are of the class now and were not, and that were and are not.
    """

    pixels: NDArray[np.uint16]
    counted: int
    fixed: int
    broken: int
    still_wrong: int
    changed: int
    mapped: int
    class_ids: tuple[int, ...]
    class_fixed: NDArray[np.int64]
    class_broken: NDArray[np.int64]
    class_became: NDArray[np.int64]
    class_left: NDArray[np.int64]


def compare_maps(
    before: NDArray[np.uint16], after: NDArray[np.uint16], truth: NDArray[np.uint16]
) -> MapChanges:
    """Compare two maps, wherever both have a class.

    Parameters
    ----------
    before, after : ndarray of uint16, shape (rows, columns)
        Class ids.
    truth : ndarray of uint16, shape (rows, columns)
        Class ids; 0 where a pixel does not count.
    """
    pixels = np.zeros(before.shape, np.uint16)
    held, fixed, broken, became, left = np.zeros((5, MAX_CLASS_ID + 1), np.int64)
    counted = still_wrong = mapped = 0
    for was, now, true, change in strips(before, after, truth, pixels):
        both = (was != UNLABELLED) & (now != UNLABELLED)
        counts = both & (true != UNLABELLED)
        changed = both & (was != now)
        right_now, right_before = counts & changed & (now == true), counts & changed & (was == true)
        change[changed] = ELSEWHERE
        change[right_now], change[right_before] = FIXED, BROKEN
        held += _by_class(was[both]) + _by_class(now[both]) + _by_class(true[counts])
        fixed += _by_class(true[right_now])
        broken += _by_class(true[right_before])
        became += _by_class(now[changed])
        left += _by_class(was[changed])
        counted += int(counts.sum())
        still_wrong += int((counts & (was != true) & (now != true)).sum())
        mapped += int(both.sum())
    ids = np.flatnonzero(held)
    return MapChanges(
        pixels=pixels,
        counted=counted,
        fixed=int(fixed.sum()),
        broken=int(broken.sum()),
        still_wrong=still_wrong,
        changed=int(became.sum()),
        mapped=mapped,
        class_ids=tuple(ids.tolist()),
        class_fixed=fixed[ids],
        class_broken=broken[ids],
        class_became=became[ids],
        class_left=left[ids],
    )


def _by_class(ids: NDArray[np.uint16]) -> NDArray[np.int64]:
    return np.bincount(ids, minlength=MAX_CLASS_ID + 1)
