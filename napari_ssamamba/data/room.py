"""Where arrays of a scene's size are held: in memory, or on disk where memory is short.

Those on disk have no name there: the system removes them with the last array that shows them, at
the latest when the process ends, however it ends.
"""

from __future__ import annotations

import math
import mmap
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_ssamamba.errors import RoomError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import DTypeLike, NDArray

Allocate = Callable[[tuple[int, ...], Any], "NDArray[Any]"]
"""Takes shape and dtype and returns an array of zeros, as `numpy.zeros` does."""

FOLDER = "maps"
"""In the user's cache folder."""


@dataclass(frozen=True, slots=True)
class Room:
    """How much memory arrays of a scene's size may take.

    Attributes
    ----------
    share : float
        Of the memory that is free when they are made; those that take more lie on disk.
    folder : Path or None
        Where; None for the user's cache folder.
    """

    share: float = 0.25
    folder: Path | None = None

    def arrays(self, needed: int) -> Allocate:
        """Return what makes arrays that take so many bytes together.

        Raises
        ------
        RoomError
            Where they are to lie on disk, which has not so many bytes left.
        """
        import psutil

        free: int = psutil.virtual_memory().available
        if needed <= self.share * free:
            return np.zeros
        from napari_ssamamba.data.downloads import cache_folder

        folder = cache_folder() / FOLDER if self.folder is None else self.folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            left = shutil.disk_usage(folder).free
        except OSError as error:
            raise _refused(folder, f"cannot be used ({error})", needed) from error
        if left < needed:
            raise _refused(folder, f"has {left / 1e9:.1f} GB left", needed)
        return partial(_on_disk, folder)


def leave_memory(values: NDArray[Any]) -> None:
    """Let what was touched of an array on disk leave the process's memory; it is read again.

    Nothing happens to arrays in memory, and where the system cannot be told.
    """
    held: Any = values
    while isinstance(held, np.ndarray):
        held = held.base
    if sys.platform != "win32" and isinstance(held, mmap.mmap):
        held.madvise(mmap.MADV_DONTNEED)


def _on_disk(folder: Path, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return zeros in a file without a name.

    Its bytes are taken at once where the system can do that: to find the disk full when a value is
    written would end the process.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            return np.asarray(np.memmap(file, dtype, "w+", shape=shape))
    except OSError as error:
        raise _refused(folder, f"cannot take them ({error})", size) from error


def _refused(folder: Path, found: str, needed: int) -> RoomError:
    return RoomError(
        f"There is too little memory for {needed / 1e9:.1f} GB of maps, and the folder for large "
        f"ones, {folder}, {found}. Make room there, or let maps take more memory in the "
        "preferences."
    )
