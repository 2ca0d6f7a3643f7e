"""In which order a scene is mapped: where the user looks first, coarse before fine.

Coarse to fine by lattices: of stride s, the pixels whose row and column are multiples of s. A
lattice holds those of multiples of its stride, so that nothing is computed twice: each pass takes
what it adds. What the passes read and ask the expert about again, only where the user looks, makes
a pixel cost more than row by row; `ssamamba benchmark --scene` says how much.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import count, takewhile
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.tiles import Window, check_tile_size

if TYPE_CHECKING:
    from numpy.typing import NDArray

FIRST_PIXELS = 200
"""At most so many stand for the view at first: a fraction of a second's work for a small network
on a CPU, whatever the size of the scene."""

FINEST = 4
"""Least stride of a coarse pass."""

FINER = 4
"""Factor between the strides of passes. With 2, and passes down to the stride 2, a pixel of a view
of 128 × 128 costs 24 % more than row by row where the expert counts support, with 4 10 % (median of
five runs; preset compact, 132 bands, 2 cores)."""

SCATTERED = 8
"""Least stride from which pixels are read one by one, see `scattered_from`."""

LITTLE_MORE = 1.7
"""The side of what is read around such a pixel, in strides, at most."""

SCATTERED_AT_ONCE = 4, 16
"""Rows and columns of the lattice in a unit of such pixels: enough that what a unit costs in any
case is shared by many, few rows so that a file whose bands lie apart is touched in few places."""

READ_AT_ONCE = 2 * 16 * 13**2
"""Pixels that are read for a unit of them, about, at most: 6 MB with 256 bands. Where more lies
around each, as for an expert that counts support, it has fewer rows."""

TOO_FEW = 16
"""Fewer of them cost nearly as much as a whole unit. A view that has moved uncovers a few at a time
and will need those beyond them next: their unit is then done beyond what is seen, too."""

LARGEST_COARSE = 64
"""Side of the units between these and tiles, which hold as many pixels of the lattice as a tile
has: a unit of few costs nearly as much. With what is around them they are 6 MB with 256 bands."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the user sees.

    Attributes
    ----------
    view : Window
        Part of the scene.
    pixels : float
        Of the scene, along one of the screen's: finer lattices show nothing more.
    """

    view: Window
    pixels: float = 1.0


class Focus:
    """Where the user looks. Any thread may set it; a mapping reads it before each tile.

    Attributes
    ----------
    seen : Seen or None
        Replaced as a whole, never changed; None where nothing of the scene is in view.
    """

    def __init__(self, seen: Seen | None = None) -> None:
        self.seen = seen


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """What is read and computed at once.

    Attributes
    ----------
    window : Window
        Begins at a pixel of the lattice.
    stride : int
        Of the lattice.
    new : ndarray of bool, shape (lattice rows, lattice columns)
        Pixels of the lattice in the window that nobody has computed.
    scattered : bool
        Whether these are read one by one, not the window.
    """

    window: Window
    stride: int
    new: NDArray[np.bool_]
    scattered: bool

    @property
    def lattice(self) -> tuple[slice, slice]:
        """Rows and columns of the lattice's pixels in the scene."""
        return lattice(self.window, self.stride)

    @property
    def pixels(self) -> NDArray[np.int64]:
        """Rows and columns of the new ones, shape (n, 2)."""
        origin = self.window.row0, self.window.column0
        return np.asarray(np.argwhere(self.new) * self.stride + origin)


def lattice(window: Window, stride: int) -> tuple[slice, slice]:
    """Return every `stride`-th row and column of a window."""
    return (
        slice(window.row0, window.row1, stride),
        slice(window.column0, window.column1, stride),
    )


def scattered_from(margin: int) -> int:
    """Return the stride from which pixels are read one by one.

    A pixel with so many on each side is then little more than the stride's square, and soon much
    less.
    """
    stride = SCATTERED
    while 2 * margin + 1 > LITTLE_MORE * stride:
        stride *= 2
    return stride


class Order:
    """Hands out what is to be done next.

    Parameters
    ----------
    region : Window
    tile_size : int
        Side of a tile in pixels.
    taken : ndarray of bool, shape (rows, columns)
        Of the scene: pixels that need not be done. What is handed out is marked in it.
    focus : Focus, optional
        Without it tiles come row by row.
    margin : int
        Pixels that are read on each side of what is wanted.
    tiles_again : bool
        Whether coarse passes may read whole tiles, of which a finer pass then reads all again. Not
        where reading is the larger part of the cost; the coarsest passes read pixel by pixel.

    Raises
    ------
    SettingError
        Where `tile_size` is less than 1.
    """

    def __init__(
        self,
        region: Window,
        tile_size: int,
        taken: NDArray[np.bool_],
        focus: Focus | None = None,
        *,
        margin: int = 0,
        tiles_again: bool = True,
    ) -> None:
        check_tile_size(tile_size)
        self._region = region
        self._tile_size = tile_size
        self._taken = taken
        self._focus = focus
        self._first_seen = self.seen
        self._scattered = scattered_from(margin)
        rows, columns = SCATTERED_AT_ONCE
        most = READ_AT_ONCE // (columns * (2 * margin + 1) ** 2)
        self._at_once = max(1, min(rows, most)), columns
        self._finest = FINEST if tiles_again else self._scattered
        self._open: dict[int, NDArray[np.bool_]] = {}  # by stride: which units may have work left

    @property
    def seen(self) -> Seen | None:
        """What the user sees now."""
        return None if self._focus is None else self._focus.seen

    def take(self) -> Unit | None:
        """Return what is to be done next, None where all is done or handed out."""
        seen = self.seen
        view = None if seen is None else _common(seen.view, self._region)
        if seen is not None and view is not None:
            for stride in self._strides(view, seen.pixels):
                if (unit := self._nearest(stride, view, view)) is not None:
                    return unit
        return self._nearest(1, self._region, view)

    def give_back(self, unit: Unit) -> None:
        """Take back what was handed out and not done."""
        self._taken[unit.lattice] &= ~unit.new
        height, width = self._shape(unit.stride)
        row = (unit.window.row0 - self._region.row0) // height
        column = (unit.window.column0 - self._region.column0) // width
        self._open[unit.stride][row, column] = True

    def _strides(self, view: Window, pixels: float) -> list[int]:
        """Return the strides for a view, from coarse to fine."""
        first = 1
        while math.prod(-(-n // first) for n in view.shape) > FIRST_PIXELS:
            first *= 2
        finest = max(self._finest, 2 ** math.floor(math.log2(max(pixels, 1.0))))
        if first < finest:
            return [1]
        between = takewhile(lambda s: s < first, (finest * FINER**n for n in count()))
        return [1, *between, first][::-1]

    def _shape(self, stride: int) -> tuple[int, int]:
        """Return rows and columns of a unit."""
        if stride >= self._scattered:
            return stride * self._at_once[0], stride * self._at_once[1]
        side = max(self._tile_size, min(self._tile_size * stride, LARGEST_COARSE))
        return side, side

    def _nearest(self, stride: int, within: Window, centre_of: Window | None) -> Unit | None:
        """Return the unit with work left that is nearest to a window's centre.

        Parameters
        ----------
        stride : int
        within : Window
            Units that have pixels in it come into question.
        centre_of : Window or None
            None takes them row by row.
        """
        region, (height, width) = self._region, self._shape(stride)
        if stride not in self._open:
            units = -(-region.shape[0] // height), -(-region.shape[1] // width)
            self._open[stride] = np.ones(units, bool)
        rows = np.arange(
            (within.row0 - region.row0) // height, -(-(within.row1 - region.row0) // height)
        )
        columns = np.arange(
            (within.column0 - region.column0) // width,
            -(-(within.column1 - region.column0) // width),
        )
        here = np.ix_(rows, columns)
        distance = np.arange(rows.size * columns.size, dtype=float).reshape(rows.size, columns.size)
        if centre_of is not None:
            row = (centre_of.row0 + centre_of.row1) / 2 - region.row0
            column = (centre_of.column0 + centre_of.column1) / 2 - region.column0
            distance = np.hypot(
                ((rows + 0.5) * height - row)[:, None], (columns + 0.5) * width - column
            )
        distance[~self._open[stride][here]] = np.inf
        for place in np.argsort(distance, axis=None):
            if not np.isfinite(distance.flat[place]):
                break
            i, j = np.unravel_index(place, distance.shape)
            if (unit := self._unit(stride, int(rows[i]), int(columns[j]), within)) is not None:
                return unit
        return None

    def _unit(self, stride: int, row: int, column: int, within: Window) -> Unit | None:
        """Hand out a unit of the grid; None where nothing of it is left to do.

        Pixels that are read one by one are left for later where they stand for nothing in
        `within`: a unit of them may be much larger than what is seen from near.
        """
        region, (height, width) = self._region, self._shape(stride)
        row0, column0 = region.row0 + row * height, region.column0 + column * width
        whole = part = Window(row0, row0 + height, column0, column0 + width)
        if stride >= self._scattered:
            part = Window(
                max(row0, within.row0 - stride),
                min(whole.row1, within.row1 + stride),
                max(column0, within.column0 - stride),
                min(whole.column1, within.column1 + stride),
            )
        unit = self._left(stride, part)
        moved = self.seen is not self._first_seen
        if unit is not None and part != whole and moved and unit.new.sum() < TOO_FEW:
            part = whole
            unit = self._left(stride, part)
        self._open[stride][row, column] = part != whole
        if unit is not None:
            self._taken[unit.lattice] = True
        return unit

    def _left(self, stride: int, part: Window) -> Unit | None:
        """Return what is left to do of a lattice in a part of the scene; None for nothing."""
        window = Window(
            -(-part.row0 // stride) * stride,
            min(part.row1, self._region.row1),
            -(-part.column0 // stride) * stride,
            min(part.column1, self._region.column1),
        )
        if min(window.shape) <= 0:
            return None
        new = ~self._taken[lattice(window, stride)]
        return Unit(window, stride, new, stride >= self._scattered) if new.any() else None


def _common(a: Window, b: Window) -> Window | None:
    """Return what two windows have in common, None for nothing."""
    common = Window(
        max(a.row0, b.row0),
        min(a.row1, b.row1),
        max(a.column0, b.column0),
        min(a.column1, b.column1),
    )
    return common if min(common.shape) > 0 else None
