"""The hyperspectral cube: lazy, read-only, ``(row, column, band)``."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

import numpy as np

from napari_ssamamba.data.mapped_file import MappedFile
from napari_ssamamba.data.nodata import is_measured
from napari_ssamamba.errors import BandsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

GeoTransform: TypeAlias = tuple[float, float, float, float, float, float]
"""Six numbers in GDAL's order: x origin, x per column, x per row, y origin, y per column, y per
row; the origin is the outer corner of the first pixel."""

FEW_BANDS = 3
"""So many bands that lie far apart are read one by one."""

LARGEST_BOX = 64 * 2**20
"""Bytes of a file that `Cube.read_pixels` goes through at most for pixels far apart at once."""

PIXEL_BLOCK = 64
"""Side of the squares by which `Cube.read_pixels` groups pixels."""

STRIP_ROWS = 16
"""Rows, at least, by which it groups them in a `BlockFile`: of whole strips, of most."""


@runtime_checkable
class RawCube(Protocol):
    """What a reader hands over: an array-like that reads from its file when it is indexed.

    Indexing takes a tuple of three slices ``(rows, columns, bands)`` with step 1 or more and
    returns a numpy array of three axes in the file's own data type, values as stored. It may be
    called from several threads at once. A `numpy.ndarray` is one, a `MappedFile` another.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows, columns, bands."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type of the stored values."""

    def __getitem__(self, key: Any, /) -> Any:
        """Read the block that the three slices select."""


@runtime_checkable
class BlockFile(RawCube, Protocol):
    """A `RawCube` in a file of which whole blocks are decoded, whatever is wanted of them.

    Attributes
    ----------
    blocks : tuple of int
        Rows and columns of a block.
    compressed : bool
    copy : MappedFile or None
        The same values, from which any part is read at once, see `take_copy`.
    """

    blocks: tuple[int, int]
    compressed: bool
    copy: MappedFile | None

    def read(self, rows: slice, columns: slice, bands: range | NDArray[np.intp]) -> NDArray[Any]:
        """Read a part of any bands, in any order, as `RawCube` does."""

    def touched_bytes(self, rows: range, columns: range, bands: range | NDArray[np.intp]) -> int:
        """Estimate how much a read decodes."""

    def take_copy(self, copy: MappedFile) -> None:
        """Set `copy`, and let go of what was decoded of the file itself."""


FINGERPRINT = (5, 5, 3)
"""Rows, columns and bands that a fingerprint is made of, spread over the scene."""


@dataclass(frozen=True, slots=True, eq=False)
class Cube:
    """A hyperspectral scene, read from its file block by block.

    Attributes
    ----------
    name : str
        What to call the scene, e.g. the file's stem.
    raw : RawCube
        Stored values, ``(rows, columns, bands)``.
    wavelengths : ndarray of float64, shape (bands,), or None
        Band centres in nm, in the file's band order, which need not be ascending.
    fwhm : ndarray of float64, shape (bands,), or None
        Full width at half maximum in nm.
    good_bands : ndarray of bool, shape (bands,)
        Bands that are used; the others are shown, but neither trained on nor plotted.
    nodata : float or None
        Stored value that means "no measurement".
    scale, offset : ndarray of float64, shape (bands,), or None
        Physical value = stored value × scale + offset.
    crs : str or None
        Coordinate reference system, ``"EPSG:32633"`` where it has a code, else WKT.
    transform : tuple of six float, or None
        GDAL order, see `GeoTransform`.
    interleave : str
        ``"bsq"``, ``"bil"`` or ``"bip"``: how the values lie in the file.
    paths : tuple of Path
        The files it is read from.
    synthetic : bool
        True for scenes made by a program; shown wherever a figure computed on it is.
    fingerprint : str or None
        What tells it from others of its size, see `with_fingerprint`; of a MATLAB 5 file, of
        which a single value cannot be read, a digest of bytes. None where no file was read.
    """

    name: str
    raw: RawCube
    wavelengths: NDArray[np.float64] | None = None
    fwhm: NDArray[np.float64] | None = None
    good_bands: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, bool))
    nodata: float | None = None
    scale: NDArray[np.float64] | None = None
    offset: NDArray[np.float64] | None = None
    crs: str | None = None
    transform: GeoTransform | None = None
    interleave: str = "bip"
    paths: tuple[Path, ...] = ()
    synthetic: bool = False
    fingerprint: str | None = None

    def __post_init__(self) -> None:
        if len(self.raw.shape) != 3 or min(self.raw.shape) < 1:
            raise BandsError(
                f"{self.name}: a cube has rows, columns and bands, this has shape {self.raw.shape}."
            )
        if self.good_bands.size == 0:
            object.__setattr__(self, "good_bands", np.ones(self.bands, bool))
        for name in ("wavelengths", "fwhm", "good_bands", "scale", "offset"):
            values = getattr(self, name)
            if values is not None and values.shape != (self.bands,):
                raise BandsError(
                    f"{self.name}: {values.size} values of {name} for {self.bands} bands. "
                    "Give one value a band."
                )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Rows, columns, bands."""
        rows, columns, bands = self.raw.shape
        return rows, columns, bands

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.raw.shape[0]

    @property
    def columns(self) -> int:
        """Number of columns."""
        return self.raw.shape[1]

    @property
    def bands(self) -> int:
        """Number of bands, used or not."""
        return self.raw.shape[2]

    @property
    def good_indices(self) -> NDArray[np.intp]:
        """Indices of the bands that are used, in the file's order."""
        return np.flatnonzero(self.good_bands)

    def read(
        self, rows: slice, columns: slice, bands: ArrayLike | slice | None = None
    ) -> NDArray[np.float32]:
        """Read a block in physical units.

        Parameters
        ----------
        rows, columns : slice
            Within the scene; a step reads every n-th pixel.
        bands : slice or sequence of int, optional
            Which bands, by default the good ones.

        Returns
        -------
        ndarray of float32, shape (rows, columns, bands)
            Missing values are NaN.
        """
        if isinstance(bands, slice):
            index = np.arange(self.bands)[bands]
        else:
            index = self.good_indices if bands is None else np.asarray(bands, np.intp)
        if index.size == 0:
            raise BandsError(f"{self.name}: no band is switched on. Switch on at least one band.")
        stored = self._stored(rows, columns, index)
        return self._physical(stored, index)

    @property
    def _file(self) -> RawCube:
        """What is read: the copy of a compressed file, as long as there is one."""
        raw = self.raw
        if isinstance(raw, BlockFile) and raw.copy is not None and raw.copy.path.exists():
            return raw.copy
        return raw

    def _stored(self, rows: slice, columns: slice, index: NDArray[np.intp]) -> NDArray[Any]:
        """Read some bands as they are stored."""
        raw = self._file
        if isinstance(raw, MappedFile | BlockFile):
            return raw.read(rows, columns, index)
        span = slice(int(index.min()), int(index.max()) + 1)
        if index.size <= FEW_BANDS and index.size < span.stop - span.start:
            # one by one, not with all that lie between
            one_by_one = [raw[rows, columns, slice(int(b), int(b) + 1)] for b in index]
            return np.concatenate(one_by_one, axis=-1)
        stored = np.asarray(raw[rows, columns, span])
        if index.size != stored.shape[-1] or (np.diff(index) != 1).any():
            stored = stored[..., index - span.start]
        return stored

    def _physical(self, stored: NDArray[Any], index: NDArray[np.intp]) -> NDArray[np.float32]:
        """Turn stored values of some bands, the last axis, into physical ones."""
        with np.errstate(over="ignore"):  # what float32 cannot hold is missing, see below
            block = stored.astype(np.float32)
        missing = ~(is_measured(stored, self.nodata) & np.isfinite(block))
        if self.scale is not None:
            block *= self.scale[index].astype(np.float32)
        if self.offset is not None:
            block += self.offset[index].astype(np.float32)
        block[missing] = np.nan
        return block

    def read_pixels(
        self, rows: ArrayLike, columns: ArrayLike, bands: NDArray[np.intp] | None = None
    ) -> NDArray[np.float32]:
        """Read single pixels.

        From a file that is not mapped, the pixels' bounding box in each square of `PIXEL_BLOCK`
        (or each block of a `BlockFile`) that holds any is read, or that of all of them, where this
        goes through less of the file.

        Parameters
        ----------
        rows, columns : sequence of int, length n
            In any order; negative ones count from the end.
        bands : ndarray of int, shape (m,), optional
            Which bands, by default all.

        Returns
        -------
        ndarray of float32, shape (n, m)
            Missing values are NaN.
        """
        r = np.arange(self.rows)[np.ravel(np.asarray(rows, np.intp))]
        c = np.arange(self.columns)[np.ravel(np.asarray(columns, np.intp))]
        every = np.arange(self.bands) if bands is None else bands
        spectra = np.empty((r.size, every.size), np.float32)
        raw = self._file
        if isinstance(raw, np.ndarray):
            return self._physical(raw[r[:, None], c[:, None], every], every)
        if isinstance(raw, MappedFile):
            return self._physical(raw.read_pixels(r, c, every), every)
        high = wide = PIXEL_BLOCK
        if isinstance(raw, BlockFile):
            high, wide = max(STRIP_ROWS, raw.blocks[0]), max(wide, raw.blocks[1])
        blocks = (r // high) * (self.columns // wide + 1) + c // wide
        by_block = np.argsort(blocks, kind="stable")
        groups = np.split(by_block, np.flatnonzero(np.diff(blocks[by_block])) + 1)
        groups = [members for members in groups if members.size]
        boxes = [_bounding_box(r[members], c[members]) for members in groups]
        if len(groups) > 1:
            whole = _bounding_box(r, c)
            touched = self.touched_bytes(*whole, every)
            apart = sum(self.touched_bytes(*box, every) for box in boxes)
            if touched <= min(apart, LARGEST_BOX):
                groups, boxes = [np.arange(r.size)], [whole]
        for members, (inside, across) in zip(groups, boxes, strict=True):
            stored = self._stored(
                slice(inside.start, inside.stop),
                slice(across.start, across.stop),
                every,
            )
            found = stored[r[members] - inside.start, c[members] - across.start]
            spectra[members] = self._physical(found, every)
        return spectra

    def touched_bytes(
        self, rows: range, columns: range, bands: range | NDArray[np.intp] = range(1)
    ) -> int:
        """Estimate how much of its files a read goes through.

        Where bands lie side by side (``"bip"``), one costs as much as all; nothing is read from a
        scene in memory.

        Parameters
        ----------
        rows, columns : range
            Within the scene.
        bands : range or ndarray of int, shape (n,)
        """
        raw = self._file
        if isinstance(raw, np.ndarray):
            return 0
        if isinstance(raw, MappedFile | BlockFile):
            return raw.touched_bytes(rows, columns, bands)
        read = self.bands if self.interleave == "bip" else len(bands)
        return len(rows) * len(columns) * read * self.raw.dtype.itemsize

    def with_good_bands(self, good_bands: ArrayLike) -> Cube:
        """Return the same scene with other bands switched on."""
        return replace(self, good_bands=np.asarray(good_bands, bool))

    def with_wavelengths(self, wavelengths: Sequence[float] | NDArray[np.float64] | None) -> Cube:
        """Return the same scene with other band centres, in nm."""
        values = None if wavelengths is None else np.asarray(wavelengths, np.float64)
        return replace(self, wavelengths=values)


def with_fingerprint(cube: Cube) -> Cube:
    """Return a scene with what tells it from others of its size: a digest of a few values."""
    rows, columns, bands = (
        np.linspace(0, size - 1, count).astype(np.intp)
        for size, count in zip(cube.shape, FINGERPRINT, strict=True)
    )
    values = [cube.read(_one(r), _one(c), np.unique(bands)) for r in rows for c in columns]
    digest = hashlib.sha256(np.nan_to_num(np.concatenate(values)).tobytes()).hexdigest()
    return replace(cube, fingerprint=digest)


def _one(index: int) -> slice:
    return slice(int(index), int(index) + 1)


def _bounding_box(rows: NDArray[np.intp], columns: NDArray[np.intp]) -> tuple[range, range]:
    """Return the rows and columns that hold some pixels."""
    return (
        range(int(rows.min()), int(rows.max()) + 1),
        range(int(columns.min()), int(columns.max()) + 1),
    )


def has_measurement(block: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell which pixels of a block were measured.

    A pixel counts as nodata when more than half of its bands are missing; single missing bands
    (dead detector elements) do not cost the pixel.

    Parameters
    ----------
    block : ndarray of float32, shape (..., bands)
        As `Cube.read` returns it.

    Returns
    -------
    ndarray of bool, shape (...)
    """
    missing = np.isnan(block).sum(axis=-1)
    return np.asarray(2 * missing <= block.shape[-1])
