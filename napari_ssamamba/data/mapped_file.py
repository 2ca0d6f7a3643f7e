"""Large files of plain values, in memory only while a part of them is read."""

from __future__ import annotations

import itertools
import mmap
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Bands = range | NDArray[np.intp]
    Wanted = tuple[range, range, Bands]

PART_BYTES = 8 * 2**20
"""Most of a file that is in the process's memory at once. Pages of a mapped file stay there once
they are touched, so that mapping a whole scene would end with all of it resident."""

BANDS_BYTES = 32 * 2**20
"""The same for single pixels of bands that lie apart: in parts as small as the others there were as
many as bands, and between them other threads come in, each time for up to 5 ms."""

PAGES_AROUND = 2 * 2**20
"""What the system maps around a touched byte. Linux maps the pages it keeps as one whole (a large
folio) together, up to a huge page; older ones 64 KB (fault-around)."""

READ_AROUND = 64 * 2**10
"""What the system reads around a touched byte, roughly, where neighbours are not touched."""

SPARSE = 0.5
"""Pieces that are a smaller share of the stretch of the file from the first to the last are
announced, see `_announce`."""

PIXELS_ANNOUNCED = 1000
"""Of single pixels, so many at once."""

PROBES = 16
"""Places that are looked for in the system's cache: what is there need not be announced."""


class MappedFile:
    """Values of a file, mapped anew for each part that is read and released after it: a `RawCube`.

    Parameters
    ----------
    view : memmap or view of one, shape (rows, columns, bands)
        Tells the file, and where in it each value lies; it is not kept.

    Attributes
    ----------
    path : Path
    shape : tuple of int
        Rows, columns, bands.
    dtype : dtype
    offset : int
        Where the first value lies in the file, in bytes.
    strides : tuple of int
        Bytes from one row, column and band to the next.
    """

    def __init__(self, view: NDArray[Any]) -> None:
        whole: Any = view
        while isinstance(whole.base, np.ndarray):
            whole = whole.base
        self.path = Path(whole.filename)
        self.shape: tuple[int, int, int] = view.shape
        self.dtype = view.dtype
        self.strides = view.strides
        self.offset: int = whole.offset + view.ctypes.data - whole.ctypes.data
        # axes from the one along which values lie farthest apart to the nearest
        self._slowest_first = sorted(range(3), key=lambda axis: -view.strides[axis])

    def __getitem__(self, key: tuple[slice, slice, slice], /) -> NDArray[Any]:
        """Read the block that the three slices select, laid out in memory as in the file."""
        return self.read(key[0], key[1], range(self.shape[2])[key[2]])

    def read(self, rows: slice, columns: slice, bands: Bands) -> NDArray[Any]:
        """Read a block of any bands, going through the file once.

        Parameters
        ----------
        rows, columns : slice
        bands : range or ndarray of int, shape (n,)
            In any order; not negative.

        Returns
        -------
        ndarray, shape (rows, columns, n)
            Laid out in memory as in the file.
        """
        wanted = (range(self.shape[0])[rows], range(self.shape[1])[columns], bands)
        as_in_file = np.empty([len(wanted[axis]) for axis in self._slowest_first], self.dtype)
        block = as_in_file.transpose(np.argsort(self._slowest_first))
        if block.size:
            with self.path.open("rb") as file:
                self._announce(
                    file, [self._places(axis, wanted[axis]) for axis in self._slowest_first]
                )
                for part in self._parts(wanted, self._slowest_first):
                    there = tuple(
                        slice(w[p.start], w[p.stop - 1] + 1, w.step)
                        if isinstance(w, range)
                        else w[p]
                        for p, w in zip(part, wanted, strict=True)
                    )
                    block[tuple(part)] = self._mapped(file)[there]
        return block

    def read_pixels(
        self, rows: NDArray[np.intp], columns: NDArray[np.intp], bands: NDArray[np.intp]
    ) -> NDArray[Any]:
        """Read single pixels, going through the file once.

        Where bands lie far apart, each is read for all pixels before the next.

        Parameters
        ----------
        rows, columns : ndarray of int, shape (n,)
            In any order; not negative.
        bands : ndarray of int, shape (m,)

        Returns
        -------
        ndarray, shape (n, m)
        """
        by_place = np.lexsort((columns, rows))
        r, c = rows[by_place], columns[by_place]
        from_first = r * self.strides[0] + c * self.strides[1]
        blocks, places = from_first // PAGES_AROUND, np.sort(from_first)
        values = np.empty((r.size, bands.size), self.dtype)
        if not values.size:
            return values
        with self.path.open("rb") as file:
            if self._slowest_first[0] == 2:
                bands_first = np.empty(values.shape[::-1], self.dtype)
                one = (np.unique(blocks).size + 1) * PAGES_AROUND
                for some in _in_parts(np.arange(bands.size), one, BANDS_BYTES):
                    self._announce(file, [self._places(2, bands[some]), places])
                    bands_first[some] = self._mapped(file)[r, c, bands[some, None]]
                values[by_place] = bands_first.T
            else:
                for first in range(0, r.size, PIXELS_ANNOUNCED):
                    some_places = places[first : first + PIXELS_ANNOUNCED]
                    self._announce(file, [some_places, self._places(2, bands)])
                one = PAGES_AROUND + (self.shape[2] - 1) * self.strides[2]
                for some in _in_parts(blocks, one, PART_BYTES):
                    place = r[some, None], c[some, None], bands
                    values[by_place[some]] = self._mapped(file)[place]
        return values

    def touched_bytes(self, rows: range, columns: range, bands: Bands) -> int:
        """Estimate how much of the file a read goes through."""
        return self._touched((rows, columns, bands), self._slowest_first, READ_AROUND)

    def _mapped(self, file: BinaryIO) -> NDArray[Any]:
        """Map the file; what was touched leaves memory when the array goes."""
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return np.ndarray(
            self.shape, self.dtype, buffer=mapped, offset=self.offset, strides=self.strides
        )

    def _places(self, axis: int, wanted: range | NDArray[np.intp]) -> NDArray[np.intp]:
        """Return how far values lie from the first along an axis, in bytes, in order."""
        return np.sort(np.asarray(wanted)) * self.strides[axis]

    def _announce(self, file: BinaryIO, along: Sequence[NDArray[np.intp]]) -> None:
        """Tell the system what is about to be read: it fetches pieces that lie apart side by side.

        Of a file that is not in its cache, each would else be waited for in turn, when it is
        touched. What lies close together (`SPARSE`) it fetches ahead by itself, and keeps in larger
        pieces, which are mapped faster. Where systems cannot be told, or asked for their cache
        (macOS, Windows), nothing is announced.

        Parameters
        ----------
        file : binary file
        along : sequence of ndarray of int
            Places along axes, the slowest first, in order. All sums of one of each are read.
        """
        starts, length = np.array([self.offset]), self.dtype.itemsize
        for places in reversed(along):
            apart = int(np.diff(places).max(initial=0))
            if apart <= length + READ_AROUND:
                starts, length = starts + places[0], int(places[-1] - places[0]) + length
            else:
                starts = np.sort((places[:, None] + starts).ravel())
        cuts = np.flatnonzero(np.diff(starts) > length + READ_AROUND) + 1
        firsts = starts[np.r_[0, cuts]]
        lengths = starts[np.r_[cuts - 1, starts.size - 1]] + length - firsts
        sparse = lengths.sum() < SPARSE * (firsts[-1] + lengths[-1] - firsts[0])
        if sys.platform != "linux" or not sparse or _in_cache(file, firsts):
            return
        with suppress(OSError):  # it is advice: some file systems take none
            for place, size in zip(firsts.tolist(), lengths.tolist(), strict=True):
                os.posix_fadvise(file.fileno(), place, size, os.POSIX_FADV_WILLNEED)

    def _touched(self, wanted: Wanted, axes: Sequence[int], around: int) -> int:
        """Bytes that hold the wanted values, along some axes, the slowest first, and those around.

        Parameters
        ----------
        wanted : Wanted
        axes : sequence of int
        around : int
            Bytes that come with each run of values which lie close together.
        """
        touched = self.dtype.itemsize
        for axis in reversed(axes):
            apart = self.strides[axis] * _step(wanted[axis])
            near = touched if apart <= 2 * touched else touched + around
            touched = touched + (len(wanted[axis]) - 1) * min(near, apart)
        return touched

    def _parts(self, wanted: Wanted, axes: Sequence[int]) -> Iterator[list[slice]]:
        """Cut a block, along the slowest axes, into parts that touch `PART_BYTES` at most."""
        axis, faster = axes[0], axes[1:]
        one = self._touched(wanted, faster, PAGES_AROUND) + PAGES_AROUND
        at_once = max(1, PART_BYTES // min(one, self.strides[axis] * _step(wanted[axis])))
        for first in range(0, len(wanted[axis]), at_once):
            whole = [slice(0, len(w)) for w in wanted]
            cut_further = at_once == 1 and one > PART_BYTES and faster
            for part in self._parts(wanted, faster) if cut_further else [whole]:
                part[axis] = slice(first, min(first + at_once, len(wanted[axis])))
                yield part


def _in_cache(file: BinaryIO, starts: NDArray[np.intp]) -> bool:
    """Tell from some of the places whether they are in the system's cache; Linux alone knows."""
    if sys.platform != "linux":
        return False
    some = starts[np.linspace(0, starts.size - 1, min(starts.size, PROBES)).astype(int)]
    try:
        for place in some.tolist():
            os.preadv(file.fileno(), [bytearray(1)], place, os.RWF_NOWAIT)
    except OSError:  # it is not, or the file system cannot tell
        return False
    return True


def _in_parts(units: NDArray[Any], touched_by_one: int, most: int) -> Iterator[slice]:
    """Cut what is read into parts.

    Parameters
    ----------
    units : ndarray of int, shape (n,)
        Not falling. What is in the same unit is touched together.
    touched_by_one : int
        Bytes of a unit.
    most : int
        Bytes that a part of more than one unit may touch.
    """
    _, firsts = np.unique(units, return_index=True)
    at_once = max(1, most // max(1, touched_by_one))
    bounds = [*firsts[::at_once].tolist(), len(units)]
    for first, last in itertools.pairwise(bounds):
        yield slice(first, last)


def _step(values: range | NDArray[np.intp]) -> int:
    """How far neighbours lie apart, on average."""
    if isinstance(values, range):
        return values.step
    return max(1, int(np.ptp(values)) // max(1, len(values) - 1))
