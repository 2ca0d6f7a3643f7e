"""Maps, kept while they are computed, with their models: a crash takes the last seconds alone.

Each map has a folder of its own in that of its scene: the model, each array of the `Mosaic` as
NumPy writes it, and a header. What changes is written into the arrays where it lies, levels last,
so that no pixel is ever taken for final whose numbers are not there; then comes the header.
"""

from __future__ import annotations

import errno
import math
import os
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from napari_ssamamba.data.atomic import written_whole
from napari_ssamamba.data.classes import ClassTable, LandClass
from napari_ssamamba.data.tiles import Window
from napari_ssamamba.errors import FileFormatError
from napari_ssamamba.events import Progress
from napari_ssamamba.prediction.mosaic import BYTES_A_PIXEL, FINAL, NUMBERS, UNKNOWN, Mosaic
from napari_ssamamba.project.checkpoints import load_checkpoint, save_checkpoint
from napari_ssamamba.project.headers import read_header
from napari_ssamamba.project.user_data import BEGUN_PATTERN, Kept, folder_of, latest_first
from napari_ssamamba.training.config import Mixture  # noqa: TC001 (pydantic reads it)

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube

KIND = "maps"
"""Of what is kept, see `folder_of`."""

MAPS_A_SCENE = 3
"""Maps of a scene that are kept; the oldest go."""

MOST_BYTES = 8 * 2**30
"""What all kept maps take together, but for those in use; the oldest go."""

HEADER, MODEL = "map.json", "model.safetensors"

VERSION = 1

ARRAYS = {"ids": np.uint16, **dict.fromkeys(NUMBERS, np.float32), "level": np.uint8}
"""Each in a file of its name; the order in which they are written."""

ROWS_AT_ONCE = 64

REMEDY = "Map the scene again."


class MapHeader(BaseModel):
    """What a kept map says of itself; unknown names are refused.

    Attributes
    ----------
    rows, columns : int
    classes : tuple of LandClass
    members : {"mixed", "network"}
        What makes it.
    complete, outdated : bool
        As of `ShownMap`.
    mapped : int
        Pixels that are final.
    """

    model_config = ConfigDict(extra="forbid")

    format: Literal["napari-ssamamba map"] = "napari-ssamamba map"
    version: int = VERSION
    rows: int
    columns: int
    classes: tuple[LandClass, ...]
    members: Mixture
    complete: bool
    outdated: bool
    mapped: int


@dataclass(frozen=True, slots=True)
class KeptMap(Kept):
    """A map that was made at some time, in a folder.

    Attributes
    ----------
    header : MapHeader
    """

    header: MapHeader

    @property
    def told_shortly(self) -> str:
        """How far it is, e.g. ``63 % mapped``, and whether it is outdated."""
        header = self.header
        share = math.floor(100 * header.mapped / (header.rows * header.columns))
        said = "complete" if header.complete else f"{share} % mapped"
        return said + (", outdated" if header.outdated else "")

    @property
    def told(self) -> str:
        """E.g. ``63 % mapped, 5 classes``."""
        return f"{self.told_shortly}, {len(self.header.classes)} classes"


def kept_maps(cube: Cube, root: Path) -> list[KeptMap]:
    """List the maps that are kept of a scene, those changed last first; damaged ones are left out.

    Parameters
    ----------
    cube : Cube
    root : Path
        See `data_folder`.
    """
    return _sorted(folder_of(cube, root, KIND).glob("*"))


class MapFolder:
    """The folder of a map that changes.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def begin(cls, cube: Cube, root: Path, begun: str, checkpoint: Checkpoint) -> MapFolder:
        """Make the folder, with the model and empty arrays; nothing appears before all is there.

        Parameters
        ----------
        cube : Cube
            The scene that is mapped.
        root : Path
            See `data_folder`.
        begun : str
            See `new_begun`.
        checkpoint : Checkpoint
            What makes the map.

        Raises
        ------
        OSError
            Where the folder cannot be written into, or its disk has too little room.
        """
        folder = folder_of(cube, root, KIND)
        folder.mkdir(parents=True, exist_ok=True)
        shape = cube.rows, cube.columns
        if shutil.disk_usage(folder).free < BYTES_A_PIXEL * math.prod(shape):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
        path = folder / begun
        try:
            cls._fill(path, shape, checkpoint)
        except OSError:
            shutil.rmtree(path, ignore_errors=True)
            raise
        return cls(path)

    @staticmethod
    def _fill(path: Path, shape: tuple[int, int], checkpoint: Checkpoint) -> None:
        save_checkpoint(checkpoint, path / MODEL)
        with written_whole(path) as temporary:
            for name, dtype in ARRAYS.items():
                with (temporary / f"{name}.npy").open("wb") as file:
                    described = {
                        "descr": np.lib.format.dtype_to_descr(np.dtype(dtype)),
                        "fortran_order": False,
                        "shape": shape,
                    }
                    np.lib.format.write_array_header_1_0(file, described)
                    file.truncate(file.tell() + math.prod(shape) * np.dtype(dtype).itemsize)

    def write(self, mosaic: Mosaic, changed: Iterable[Window], header: MapHeader) -> None:
        """Write what changed in a map, which may go on changing.

        Parameters
        ----------
        mosaic : Mosaic
        changed : iterable of Window
            Parts in which something may have changed.
        header : MapHeader
            Its `mapped` is counted here.

        Raises
        ------
        OSError
            Where not all of it could be written; what was kept stays readable.
        """
        parts = _parts(changed, mosaic.level.shape[0])
        levels = [mosaic.level[part.rows, part.columns].copy() for part in parts]  # see above
        for name in ("ids", *NUMBERS):
            values = getattr(mosaic, name)
            self._put(name, parts, [values[part.rows, part.columns] for part in parts])
        self._put("level", parts, levels)
        mapped = sum(int(np.count_nonzero(row == FINAL)) for row in mosaic.level)
        text = header.model_copy(update={"mapped": mapped}).model_dump_json()
        with written_whole(self.path) as temporary:
            (temporary / HEADER).write_text(text, encoding="utf-8")

    def remove(self) -> None:
        """Remove the map."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _put(self, name: str, parts: list[Window], values: list[NDArray[Any]]) -> None:
        """Write parts of an array into its file."""
        if not parts:
            return
        with (self.path / f"{name}.npy").open("rb+") as file:
            np.lib.format.read_magic(file)
            (_, columns), _, dtype = np.lib.format.read_array_header_1_0(file)
            start = file.tell()
            for part, block in zip(parts, values, strict=True):
                rows = np.ascontiguousarray(block)
                whole = part.columns == slice(0, columns)
                for n, row in enumerate([rows] if whole else rows):
                    place = (part.row0 + n) * columns + part.column0
                    file.seek(start + place * dtype.itemsize)
                    file.write(row.tobytes())
            file.flush()
            os.fsync(file.fileno())


def read_model(kept: KeptMap) -> Checkpoint:
    """Read the model of a kept map, its classes by the names that they have in the map.

    Raises
    ------
    FileFormatError
        As `load_checkpoint`.
    """
    checkpoint = load_checkpoint(kept.path / MODEL)
    names = ClassTable(kept.header.classes)
    return replace(checkpoint, classes=checkpoint.classes.named_as(names))


def read_map(kept: KeptMap, mosaic: Mosaic) -> Generator[Progress, None, None]:
    """Read the arrays of a kept map; of pixels that no tile had come for, nothing is known.

    Parameters
    ----------
    kept : KeptMap
    mosaic : Mosaic
        Filled in.

    Yields
    ------
    Progress
        In rows.

    Raises
    ------
    FileFormatError
        Where an array is missing, damaged or of another shape.
    """
    arrays = {name: _open(kept.path / f"{name}.npy", mosaic) for name in ARRAYS}
    rows = mosaic.level.shape[0]
    for first in range(0, rows, ROWS_AT_ONCE):
        here = slice(first, first + ROWS_AT_ONCE)
        for name, values in arrays.items():
            getattr(mosaic, name)[here] = values[here]
        unknown = mosaic.level[here] == UNKNOWN
        mosaic.ids[here][unknown] = 0
        for name in NUMBERS:
            getattr(mosaic, name)[here][unknown] = np.nan
        done = min(first + ROWS_AT_ONCE, rows)
        yield Progress(done=done, total=rows, text="Reading the map")


def remove_oldest(cube: Cube, root: Path, used: Collection[Path]) -> None:
    """Remove the oldest maps, so that no more are kept than should be.

    Parameters
    ----------
    cube : Cube
        Of whose maps there should be `MAPS_A_SCENE` at most; all together take `MOST_BYTES`.
    root : Path
        See `data_folder`.
    used : collection of Path
        Folders that stay in any case.
    """
    gone = kept_maps(cube, root)[MAPS_A_SCENE:]
    everything = [kept for kept in _sorted((root / KIND).glob("*/*")) if kept not in gone]
    total = 0
    for kept in everything:
        total += BYTES_A_PIXEL * kept.header.rows * kept.header.columns
        if total > MOST_BYTES:
            gone.append(kept)
    for kept in gone:
        if kept.path not in used:
            MapFolder(kept.path).remove()


def _sorted(paths: Iterable[Path]) -> list[KeptMap]:
    """Return the maps in folders, those changed last first."""
    found = []
    for path in paths:
        if re.fullmatch(BEGUN_PATTERN, path.name):
            with suppress(OSError, UnicodeError, FileFormatError):
                header = path / HEADER
                text = header.read_text(encoding="utf-8")
                changed = datetime.fromtimestamp(header.stat().st_mtime)
                found.append(
                    KeptMap(path, changed, read_header(header, text, MapHeader, VERSION, REMEDY))
                )
    return latest_first(found)


def _parts(changed: Iterable[Window], rows: int) -> list[Window]:
    """Join windows: no pixel comes twice, and what lies side by side is one part."""
    spans: dict[int, tuple[int, int]] = {}
    for window in changed:
        for block in range(window.row0 // ROWS_AT_ONCE, -(-window.row1 // ROWS_AT_ONCE)):
            first, last = spans.get(block, (window.column0, window.column1))
            spans[block] = min(first, window.column0), max(last, window.column1)
    return [
        Window(block * ROWS_AT_ONCE, min((block + 1) * ROWS_AT_ONCE, rows), *spans[block])
        for block in sorted(spans)
    ]


def _open(path: Path, mosaic: Mosaic) -> NDArray[Any]:
    """Open an array of a kept map without reading it."""
    wanted = mosaic.level.shape, np.dtype(ARRAYS[path.stem])
    try:
        values: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise FileFormatError(path, f"it cannot be read ({error})", REMEDY) from error
    if (values.shape, values.dtype) != wanted:
        found = f"{values.dtype} of shape {values.shape}, not {wanted[1]} of {wanted[0]}"
        raise FileFormatError(path, found, REMEDY)
    return values
