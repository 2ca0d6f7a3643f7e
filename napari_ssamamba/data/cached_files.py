"""Files made from a scene's own ones that can be made again, in the user's cache folder."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from typing import TYPE_CHECKING

from napari_ssamamba.data.mapped_file import MappedFile

if TYPE_CHECKING:
    from pathlib import Path

    from napari_ssamamba.data.cube import Cube


def name_of(cube: Cube, made: object) -> str:
    """Name what is made of a scene: from its files as they are now, how they are read, and what.

    Parameters
    ----------
    cube : Cube
        Read from files.
    made : object
        Of plain values.
    """
    files = [(str(p.resolve()), p.stat().st_size, p.stat().st_mtime_ns) for p in cube.paths]
    raw = cube.raw
    where = (raw.offset, raw.strides) if isinstance(raw, MappedFile) else cube.interleave
    read_as = (cube.name, cube.shape, raw.dtype.str, where, made)
    return hashlib.sha256(json.dumps([files, read_as]).encode()).hexdigest()[:32] + ".npy"


def remove_oldest(folder: Path, most: int) -> None:
    """Remove the files that were not used for longest, until the others take `most` bytes.

    The one used last stays in any case, and what another program holds open, where the system does
    not let it go.
    """
    known = sorted(folder.glob("*.npy"), key=lambda p: p.stat().st_mtime_ns, reverse=True)
    kept = 0
    for path in known:
        kept += path.stat().st_size
        if kept > most and path is not known[0]:
            with suppress(OSError):
                path.unlink()
