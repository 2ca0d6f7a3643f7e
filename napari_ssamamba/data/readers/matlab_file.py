"""What a ``.mat`` file holds, and its variables read when they are first indexed."""

from __future__ import annotations

import struct
import threading
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_ssamamba.errors import FileFormatError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
MAT5_HEADER_BYTES = 128
MAX_DEFLATE_RATIO = 1032
"""No deflated stream grows by more than this."""

_NUMERIC = {
    "double", "single", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64",
    "logical",
}  # fmt: skip
_DAMAGED = "Copy it again from its source; it may be damaged or truncated."


@dataclass(frozen=True, slots=True)
class Variable:
    """A numeric array in a ``.mat`` file.

    Attributes
    ----------
    name : str
    shape : tuple of int
        As MATLAB sees it; as stored, for a plain HDF5 file.
    kind : str
        Its numeric class, for the user.
    """

    name: str
    shape: tuple[int, ...]
    kind: str

    @property
    def text(self) -> str:
        """Name, shape and class, e.g. ``"Y: 198 × 10000 double"``."""
        return f"{self.name}: {' × '.join(str(n) for n in self.shape)} {self.kind}"


class LazyArray:
    """An array that is read whole, and kept, when it is first indexed: a `RawCube`.

    MATLAB 5 files are compressed streams; there is no part of a variable that can be read alone.

    Parameters
    ----------
    shape : tuple of int
        Known without reading.
    load : callable
        Reads the array; it is called once, in whichever thread asks first.
    """

    def __init__(self, shape: tuple[int, ...], load: Callable[[], NDArray[Any]]) -> None:
        self.shape = shape
        self._load = load
        self._lock = threading.Lock()
        self._array: NDArray[Any] | None = None

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type as stored, which only reading tells."""
        return self._values().dtype

    def __getitem__(self, key: Any, /) -> Any:
        """Read what the slices select."""
        return self._values()[key]

    def _values(self) -> NDArray[Any]:
        with self._lock:
            if self._array is None:
                self._array = self._load()
            return self._array


class TransposedDataset:
    """An HDF5 dataset read with its axes in another order: a `RawCube`.

    Parameters
    ----------
    dataset : h5py.Dataset
        h5py serialises what several threads read.
    order : tuple of int
        Stored axes of rows, columns and bands.
    """

    def __init__(self, dataset: Any, order: tuple[int, ...]) -> None:
        self._dataset = dataset
        self._order = order
        self.shape = tuple(int(dataset.shape[axis]) for axis in order)
        self.dtype: np.dtype[Any] = dataset.dtype

    def __getitem__(self, key: tuple[slice, slice, slice], /) -> NDArray[Any]:
        """Read the block that the three slices select."""
        stored = [slice(None)] * 3
        for axis, part in zip(self._order, key, strict=True):
            stored[axis] = part
        return np.transpose(self._dataset[tuple(stored)], self._order)


def is_hdf5(path: Path) -> bool:
    """Tell whether a file is HDF5, with MATLAB's 512 bytes before it or without."""
    with path.open("rb") as file:
        start = file.read(8)
        file.seek(512)
        return HDF5_MAGIC in (start, file.read(8))


def list_variables(path: Path) -> tuple[Variable, ...]:
    """List the numeric arrays of a ``.mat`` file, by its index alone.

    Raises
    ------
    FileFormatError
        Where the file is truncated, damaged or promises more than it can hold.
    """
    return _list_hdf5(path) if is_hdf5(path) else _list_mat5(path)


def load_variable(path: Path, name: str) -> NDArray[Any]:
    """Read a variable whole, in the data type it is stored in, axes as MATLAB sees them.

    Raises
    ------
    FileFormatError
        Where it is damaged or complex.
    """
    if is_hdf5(path):
        file = open_hdf5(path)
        values = np.asarray(file[name][()])
        return values.T if axes_reversed(file) else values
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        values = loadmat(path, variable_names=[name])[name]
    except (MatReadError, ValueError, TypeError, OSError, KeyError, zlib.error) as error:
        raise FileFormatError(path, f"{name} cannot be read ({error})", _DAMAGED) from error
    if values.dtype.kind not in "biuf":
        raise FileFormatError(
            path, f"{name} holds values of type {values.dtype}", "Save real numbers."
        )
    return np.asarray(values)


def open_hdf5(path: Path) -> Any:
    """Open an HDF5 file for reading.

    Raises
    ------
    FileFormatError
        Where it is truncated or damaged.
    """
    import h5py

    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise FileFormatError(path, f"it cannot be opened ({error})", _DAMAGED) from error


def axes_reversed(file: Any) -> bool:
    """Tell whether MATLAB wrote an HDF5 file, which turns the order of all axes round."""
    return file.userblock_size >= MAT5_HEADER_BYTES or any(
        "MATLAB_class" in item.attrs for item in file.values()
    )


def _list_hdf5(path: Path) -> tuple[Variable, ...]:
    import h5py

    found = []
    with open_hdf5(path) as file:
        turned = axes_reversed(file)
        for name, item in file.items():
            if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "biuf":
                continue
            kind = item.attrs.get("MATLAB_class", b"").decode() or item.dtype.name
            if kind in ("char", "cell") or "MATLAB_empty" in item.attrs:
                continue
            shape = tuple(int(n) for n in item.shape)
            found.append(Variable(name, shape[::-1] if turned else shape, kind))
    return tuple(found)


def _list_mat5(path: Path) -> tuple[Variable, ...]:
    from scipy.io import whosmat
    from scipy.io.matlab import MatReadError

    size = path.stat().st_size
    _check_elements(path, size)
    try:
        listed = whosmat(path)
    except (MatReadError, ValueError, TypeError, OSError, KeyError, zlib.error) as error:
        raise FileFormatError(path, f"its index cannot be read ({error})", _DAMAGED) from error
    found = []
    for name, dimensions, kind in listed:
        shape = tuple(int(n) for n in dimensions)
        if kind not in _NUMERIC:
            continue
        values = 1
        for n in shape:
            values *= n
        if values > MAX_DEFLATE_RATIO * size or min(shape, default=1) < 0:
            raise FileFormatError(
                path,
                f"its variable {name} claims {' × '.join(map(str, shape))} values, more than "
                f"{size:,} bytes can hold",
                _DAMAGED,
            )
        found.append(Variable(name, shape, kind))
    return tuple(found)


def _check_elements(path: Path, size: int) -> None:
    """Follow the file's elements, each a type and a length, to see whether all are there."""
    with path.open("rb") as file:
        start = file.read(MAT5_HEADER_BYTES)
        order = {b"IM": "<", b"MI": ">"}.get(start[126:128])
        if order is None:
            raise FileFormatError(
                path, "it is not a MATLAB 5 or 7.3 file", "Save it again with MATLAB's 'save'."
            )
        position = MAT5_HEADER_BYTES
        while position < size:
            file.seek(position)
            tag = file.read(8)
            length = struct.unpack(order + "II", tag)[1] if len(tag) == 8 else 8
            position += 8 + length
        if position != size:
            raise FileFormatError(
                path, f"it has {size:,} bytes where its parts claim {position:,}", _DAMAGED
            )
