"""Axis orders that the user states, where a file does not tell its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_ssamamba.data.band_lists import stated_bands
from napari_ssamamba.errors import AmbiguousFileError, Choice, FileFormatError, SettingError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_ssamamba.data.band_lists import StatedWavelengths

AXES = ("rows", "columns", "bands")
MOST_BANDS = 1000
"""A third axis longer than this is hardly one of bands."""

USUAL_BANDS = 450
"""Imaging spectrometers have up to about so many bands; an axis of more is likelier of pixels."""

FEWEST_BANDS = 32
"""A first axis shorter than this is hardly one of a hyperspectral scene's bands, unless the image
that it leaves is squarer by much."""

MUCH_SQUARER = 1.5
"""How many times longer one image is than another, for its shape, that it is doubted."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How the axes of a stored array are to be read.

    Attributes
    ----------
    axes : tuple of str
        Names of the stored axes in their order: a permutation of ``rows``, ``columns`` and
        ``bands``, or ``bands`` and ``pixels`` for a matrix.
    rows, columns : int
        Size of the image whose pixels a matrix lists; 0 for three axes.
    column_major : bool
        Whether a matrix lists its pixels column by column, as MATLAB does, or row by row.
    """

    axes: tuple[str, ...]
    rows: int = 0
    columns: int = 0
    column_major: bool = True

    @property
    def order(self) -> tuple[int, ...]:
        """Stored axes of rows, columns and bands, for `numpy.transpose`."""
        return tuple(self.axes.index(name) for name in AXES)

    def cube_shape(self, stored: Sequence[int]) -> tuple[int, int, int]:
        """Rows, columns and bands of a stored array of that shape."""
        if len(self.axes) == 2:
            return self.rows, self.columns, stored[self.axes.index("bands")]
        rows, columns, bands = (stored[axis] for axis in self.order)
        return rows, columns, bands

    def view(self, stored: NDArray[Any]) -> NDArray[Any]:
        """Turn a stored array into ``(row, column, band)`` without copying it."""
        if len(self.axes) == 3:
            return np.transpose(stored, self.order)
        matrix = stored if self.axes[0] == "pixels" else stored.T
        if self.column_major:
            image = matrix.reshape(self.columns, self.rows, -1)
            return image.transpose(1, 0, 2)
        return matrix.reshape(self.rows, self.columns, -1)


AS_STORED = Layout(AXES)


def parse_layout(text: str, path: Path, stored: Sequence[int]) -> Layout:
    """Read a layout as the user states it.

    Parameters
    ----------
    text : str
        Names of the axes as stored, e.g. ``"bands,rows,columns"``; for a matrix the size of the
        image too, e.g. ``"bands,pixels,rows=100,columns=80,order=F"``, where order F lists the
        pixels column by column (as MATLAB does, the default) and C row by row.
    path : Path
        The file, for messages.
    stored : sequence of int
        Shape of the stored array.

    Raises
    ------
    SettingError
        For a text that states no layout.
    FileFormatError
        For a layout that does not fit the stored array.
    """
    words = [word.strip().casefold() for word in text.split(",")]
    axes = tuple(word for word in words if "=" not in word)
    sizes = dict(word.split("=", 1) for word in words if "=" in word)
    if sorted(axes) == sorted(AXES) and not sizes:
        layout = Layout(axes)
    else:
        try:
            order = sizes.pop("order", "f")
            layout = Layout(axes, int(sizes.pop("rows")), int(sizes.pop("columns")), order == "f")
            if sizes or order not in ("c", "f") or sorted(axes) != ["bands", "pixels"]:
                raise ValueError(text)
        except (KeyError, ValueError) as error:
            raise SettingError(
                "layout",
                text,
                "name the axes in their order, e.g. 'bands,rows,columns', or for a matrix "
                "'bands,pixels,rows=100,columns=80,order=F'.",
            ) from error
    if len(axes) != len(stored):
        raise FileFormatError(
            path,
            f"it holds {_times(stored)}, {len(stored)} axes where the layout {text!r} names "
            f"{len(axes)}",
            "State a layout that fits.",
        )
    if len(axes) == 2 and layout.rows * layout.columns != stored[axes.index("pixels")]:
        raise FileFormatError(
            path,
            f"it lists {stored[axes.index('pixels')]} pixels, which are not the "
            f"{layout.rows} rows × {layout.columns} columns of the layout",
            "State the rows and columns of the image.",
        )
    return layout


def default_layout(
    path: Path, stored: Sequence[int], wavelengths: StatedWavelengths = None
) -> Layout:
    """Take three axes as rows, columns and bands, unless that is less likely than bands first.

    Band centres tell, where one axis alone has as many entries. Size alone cannot: the last axis
    may be the longest (83 × 86 × 204 is as it should be). What tells then is that images are
    rather square, and that spectrometers have no more than some hundred bands. So it is asked

    - when the last axis has more than `MOST_BANDS`, or more than `USUAL_BANDS` and another has no
      more than these;
    - when the first axis has no more than `USUAL_BANDS`, and the last two make an image squarer
      than the first two by `MUCH_SQUARER`;
    - when they make a squarer one at all, the last axis is not the shortest, and the first has at
      least `FEWEST_BANDS`.

    Parameters
    ----------
    path : Path
        The file; a list of band centres may lie beside it.
    stored : sequence of int
        Shape of the stored array, three axes.
    wavelengths : Path or sequence of float, optional
        Band centres as the user states them; see `stated_bands`.

    Raises
    ------
    AmbiguousFileError
        With the layouts that it may have.
    """
    told = layout_of_centres(path, stored, wavelengths)
    if told is not None:
        return told
    first, second, third = stored
    elongation = max(first, second) / min(first, second)
    otherwise = max(second, third) / min(second, third)
    squarer = otherwise < elongation and third >= min(first, second)
    much_squarer = elongation >= MUCH_SQUARER * otherwise
    if (
        third > MOST_BANDS
        or (third > USUAL_BANDS and any(1 < n <= USUAL_BANDS for n in (first, second)))
        or (much_squarer and 1 < first <= USUAL_BANDS)
        or (squarer and first >= FEWEST_BANDS)
    ):
        raise ask_layout(path, stored)
    return AS_STORED


def layout_of_centres(
    path: Path, stored: Sequence[int], wavelengths: StatedWavelengths
) -> Layout | None:
    """Take as bands the one axis that has as many entries as there are band centres.

    Parameters
    ----------
    path, stored, wavelengths
        As for `default_layout`.

    Returns
    -------
    Layout or None
        None where no centres are known, or where they fit none or several of the axes.
    """
    fitting = []
    for axis, size in enumerate(stored):
        try:
            if stated_bands(path, wavelengths, size) is not None:
                fitting.append(axis)
        except (SettingError, FileFormatError):
            continue  # centres that fit no axis are refused when the bands are known
    if len(fitting) != 1:
        return None
    axes = ["rows", "columns"]
    axes.insert(fitting[0], "bands")
    return Layout(tuple(axes))


def ask_layout(
    path: Path, stored: Sequence[int], sizes: Sequence[tuple[int, int]] = ()
) -> AmbiguousFileError:
    """Make the question which axis is which.

    Parameters
    ----------
    path : Path
    stored : sequence of int
        Shape of the stored array, two or three axes.
    sizes : sequence of (int, int)
        For a matrix: rows and columns that the image may have, the likeliest first.
    """
    if len(stored) == 3:
        found = f"it holds {_times(stored)} values, and which axis is the bands is not told"
        texts = ["rows,columns,bands", "bands,rows,columns", "rows,bands,columns"]
        named = [(t, f"{t}: {_times(stored)}") for t in texts]
    else:
        found = f"it holds a matrix of {_times(stored)}, pixels in a list"
        named = []
        for bands_axis in np.argsort(stored, kind="stable"):
            axes = "bands,pixels" if bands_axis == 0 else "pixels,bands"
            pixels = stored[1 - int(bands_axis)]
            for rows, columns in sizes or _near_squares(pixels):
                if rows * columns == pixels:
                    named += [
                        (
                            f"{axes},rows={rows},columns={columns},order={order}",
                            f"{stored[bands_axis]} bands, {rows} rows × {columns} columns, {how}",
                        )
                        for order, how in (("F", "column by column"), ("C", "row by row"))
                    ]
    choices = tuple(Choice("layout", value, text) for value, text in named)
    example = choices[0].value if choices else "bands,pixels,rows=…,columns=…,order=F"
    return AmbiguousFileError(path, found, f"State the layout, e.g. '{example}'.", choices)


def _near_squares(pixels: int) -> list[tuple[int, int]]:
    """List the squarest image of so many pixels, upright and lying; none squarer than 1 : 20."""
    root = int(np.sqrt(pixels))
    for side in range(root, 0, -1):
        if pixels % side == 0:
            other = pixels // side
            return [] if other > 20 * side else list(dict.fromkeys([(side, other), (other, side)]))
    return []


def _times(shape: Sequence[int]) -> str:
    return " × ".join(str(n) for n in shape)
