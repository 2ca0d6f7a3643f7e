"""What changed between two maps of a scene: pixels fixed, broken, and changed elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.classes import MAX_CLASS_ID, UNLABELLED

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
    both = (before != UNLABELLED) & (after != UNLABELLED)
    counts = both & (truth != UNLABELLED)
    changed = both & (before != after)
    fixed = counts & changed & (after == truth)
    broken = counts & changed & (before == truth)
    pixels = np.zeros(before.shape, np.uint16)
    pixels[changed] = ELSEWHERE
    pixels[fixed], pixels[broken] = FIXED, BROKEN

    def by_class(ids: NDArray[np.uint16]) -> NDArray[np.int64]:
        return np.bincount(ids, minlength=MAX_CLASS_ID + 1)

    held = by_class(before[both]) + by_class(after[both]) + by_class(truth[counts])
    ids = np.flatnonzero(held)
    return MapChanges(
        pixels=pixels,
        counted=int(counts.sum()),
        fixed=int(fixed.sum()),
        broken=int(broken.sum()),
        still_wrong=int((counts & (before != truth) & (after != truth)).sum()),
        changed=int(changed.sum()),
        mapped=int(both.sum()),
        class_ids=tuple(ids.tolist()),
        class_fixed=by_class(truth[fixed])[ids],
        class_broken=by_class(truth[broken])[ids],
        class_became=by_class(after[changed])[ids],
        class_left=by_class(before[changed])[ids],
    )
