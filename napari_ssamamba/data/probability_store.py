"""The probabilities of all classes on disk, written as they are computed: HDF5, in chunks."""

from __future__ import annotations

import json
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_ssamamba.data.atomic import written_whole
from napari_ssamamba.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import FileIO
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_ssamamba.data.classes import ClassTable
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.tiles import Window

SUFFIXES = (".h5", ".hdf5")

DATASET = "probabilities"

CHUNK = 32
"""Rows and columns of a chunk, which holds all classes: the side of a tile on a CPU."""


class ProbabilityStore:
    """An open file that takes probabilities part by part; see `open_store`.

    Parameters
    ----------
    dataset : h5py.Dataset
        Of shape (rows, columns, classes).

    Attributes
    ----------
    name : str
    depth : int
        Number of classes.
    dtype : dtype
    """

    def __init__(self, dataset: Any, disk: _Disk) -> None:
        self._dataset = dataset
        self._disk = disk
        self.name = DATASET
        self.depth: int = dataset.shape[2]
        self.dtype: np.dtype[np.floating] = dataset.dtype

    def write(self, window: Window, values: NDArray[np.floating]) -> None:
        """Write a part, shape (rows, columns, classes), NaN where nothing was measured.

        Raises
        ------
        OSError
            Where the disk refuses it, or refused a part before.
        """
        self._dataset[window.rows, window.columns] = values
        self._disk.check()

    def read(self, window: Window) -> NDArray[np.floating]:
        """Read a part, shape (rows, columns, classes), NaN where nothing was written.

        Raises
        ------
        OSError
            Where the disk refused a part before: what it refused is not what would be read.
        """
        self._disk.check()
        values: NDArray[np.floating] = self._dataset[window.rows, window.columns]
        self._disk.check()
        return values


class _Disk:
    """A file for HDF5, which crashes the program where a disk takes no more.

    The first refusal is kept and not told to HDF5, which goes on as if all was well; `check`
    raises it.

    Parameters
    ----------
    file : FileIO
        Without a buffer, whose refusals would come with a later call.
    path : Path
        What the user calls it.
    """

    def __init__(self, file: FileIO, path: Path) -> None:
        self._path = path
        self._refused: OSError | None = None
        self.readinto = partial(_read_all, file)
        self.read, self.seek, self.tell = file.read, file.seek, file.tell
        self.write = self._taken(partial(_write_all, file))
        self.truncate = self._taken(file.truncate)
        self.flush = self._taken(file.flush)

    def _taken(self, change: Callable[..., Any]) -> Callable[..., Any]:
        def take(*arguments: Any) -> Any:
            try:
                return change(*arguments)
            except OSError as error:
                self._refused = self._refused or error
                return None

        return take

    def check(self) -> None:
        """Raise what the disk refused."""
        if (error := self._refused) is not None:
            raise OSError(error.errno, error.strerror, str(self._path))


def _read_all(file: FileIO, buffer: Any) -> int:
    """Fill a buffer of bytes, but for what lies behind the file's end; return how many came."""
    left = memoryview(buffer)
    while count := file.readinto(left):
        left = left[count:]
    return len(buffer) - len(left)


def _write_all(file: FileIO, data: Any) -> None:
    """Write all of a buffer of bytes, which a file of no buffer may take in parts."""
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]


@contextmanager
def open_store(
    path: Path, classes: ClassTable, cube: Cube, dtype: Literal["float16", "float32"] = "float16"
) -> Iterator[ProbabilityStore]:
    """Write a store of a scene's probabilities; it appears once the block ends without an error.

    The dataset ``probabilities`` has the shape (rows, columns, classes), NaN where nothing was
    written. Its attributes: ``class_ids`` and ``class_names`` in the order of the last axis,
    ``classes`` (a JSON list of {id, name, color}), ``scene``, ``synthetic``, and where the scene
    has a position ``crs`` and ``transform`` (six numbers, GDAL's order).

    Parameters
    ----------
    path : Path
        Ends in one of `SUFFIXES`.
    classes : ClassTable
        Of the model's outputs, in their order.
    cube : Cube
        The scene, for its size and position.
    dtype : {"float16", "float32"}
        float16 keeps probabilities to 0.0005.

    Raises
    ------
    SettingError
        For another suffix.
    OSError
        Where the disk does not take all of it.
    """
    import h5py

    if path.suffix.lower() not in SUFFIXES:
        raise SettingError("file name", path.name, f"end it in {' or '.join(SUFFIXES)}.")
    shape = cube.rows, cube.columns, len(classes)
    with (
        written_whole(path.parent) as folder,
        (folder / path.name).open("w+b", buffering=0) as raw,
        _checked(_Disk(raw, path)) as disk,
        h5py.File(disk, "w") as file,
    ):
        dataset = file.create_dataset(
            DATASET,
            shape,
            dtype,
            chunks=(min(CHUNK, cube.rows), min(CHUNK, cube.columns), len(classes)),
            fillvalue=np.nan,
            shuffle=True,
            compression="gzip",
            compression_opts=1,
        )
        table = [{"id": c.id, "name": c.name, "color": c.color} for c in classes]
        dataset.attrs["class_ids"] = np.asarray(classes.ids, np.uint16)
        dataset.attrs["class_names"] = list(classes.names)
        dataset.attrs["classes"] = json.dumps(table, ensure_ascii=False)
        dataset.attrs["scene"] = cube.name
        dataset.attrs["synthetic"] = cube.synthetic
        if cube.crs is not None:
            dataset.attrs["crs"] = cube.crs
        if cube.transform is not None:
            dataset.attrs["transform"] = np.asarray(cube.transform, np.float64)
        yield ProbabilityStore(dataset, disk)


@contextmanager
def _checked(disk: _Disk) -> Iterator[_Disk]:
    """Raise what the disk refused until the end, such as what HDF5 writes when it closes."""
    yield disk
    disk.check()
