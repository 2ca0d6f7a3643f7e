"""What a ``.mat`` file holds, and its variables read when they are first indexed."""

from __future__ import annotations

import threading
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_ssamamba.data.readers.matlab5_index import (
    DAMAGED,
    HEADER_BYTES,
    Variable,
    list_matlab5,
)
from napari_ssamamba.errors import FileFormatError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"


class LazyArray:
    """An array that is read whole, and kept, when it is first indexed: a `RawCube`.

    MATLAB 5 files are compressed streams; there is no part of a variable that can be read alone.

    Parameters
    ----------
    shape : tuple of int
    dtype : numpy dtype
        Both are known without reading.
    load : callable
        Reads the array; it is called once, in whichever thread asks first.
    """

    def __init__(
        self, shape: tuple[int, ...], dtype: np.dtype[Any], load: Callable[[], NDArray[Any]]
    ) -> None:
        self.shape = shape
        self.dtype = dtype
        self._load = load
        self._lock = threading.Lock()
        self._array: NDArray[Any] | None = None

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
        with _readable(Path(self._dataset.file.filename)):
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
    return _list_hdf5(path) if is_hdf5(path) else list_matlab5(path)


def load_variable(path: Path, name: str) -> NDArray[Any]:
    """Read a variable whole, in the data type it is stored in, axes as MATLAB sees them.

    Raises
    ------
    FileFormatError
        Where it is damaged.
    """
    if is_hdf5(path):
        with open_hdf5(path) as file, _readable(path):
            values = np.asarray(file[name][()])
            return values.T if axes_reversed(file) else values
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        values = loadmat(path, variable_names=[name])[name]
    except (MatReadError, ValueError, TypeError, OSError, KeyError, zlib.error) as error:
        raise FileFormatError(path, f"{name} cannot be read ({error})", DAMAGED) from error
    return np.asarray(values)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn what h5py raises in a damaged file into an error that names it."""
    try:
        yield
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise FileFormatError(path, f"it cannot be read ({error})", DAMAGED) from error


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
        raise FileFormatError(path, f"it cannot be opened ({error})", DAMAGED) from error


def axes_reversed(file: Any) -> bool:
    """Tell whether MATLAB wrote an HDF5 file, which turns the order of all axes round."""
    return file.userblock_size >= HEADER_BYTES or any(
        "MATLAB_class" in item.attrs for item in file.values()
    )


def _list_hdf5(path: Path) -> tuple[Variable, ...]:
    import h5py

    found = []
    with open_hdf5(path) as file, _readable(path):
        turned = axes_reversed(file)
        for name, item in file.items():
            if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "biuf":
                continue
            kind = item.attrs.get("MATLAB_class", b"").decode() or item.dtype.name
            if kind in ("char", "cell") or "MATLAB_empty" in item.attrs:
                continue
            shape = tuple(int(n) for n in item.shape)
            found.append(Variable(name, shape[::-1] if turned else shape, kind, item.dtype))
    return tuple(found)
