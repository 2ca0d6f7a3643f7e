"""Painted labels, kept while they are painted: a crash takes the last seconds alone.

Each scene has a folder in the user's data folder, and each time that it was painted on a file
there: a GeoTIFF class raster, which other programs read, too. Its name tells when the painting
began and what it holds, so that listing them opens none.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from napari_ssamamba.data.classes import UNLABELLED, ClassTable
from napari_ssamamba.data.labels import LabelMap, present_ids
from napari_ssamamba.data.reference import read_labels
from napari_ssamamba.data.writers import write_labels
from napari_ssamamba.project.user_data import BEGUN_PATTERN, Kept, folder_of, latest_first

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from napari_ssamamba.data.cube import Cube

KIND = "labels"
"""Of what is kept, see `folder_of`."""

FILES_A_SCENE = 5
"""Paintings of a scene that are kept; the oldest go."""

NAME = re.compile(rf"({BEGUN_PATTERN})_(\d+)px_(\d+)classes\.tif")


@dataclass(frozen=True, slots=True)
class KeptLabels(Kept):
    """Labels that were painted at some time, in a file.

    Attributes
    ----------
    begun : str
        When the painting began, which tells it from others of the scene.
    pixels, classes : int
        Labelled pixels, and the classes that have some.
    """

    begun: str
    pixels: int
    classes: int

    @property
    def told(self) -> str:
        """E.g. ``512 pixels, 3 classes``."""
        pixels = "1 pixel" if self.pixels == 1 else f"{self.pixels:,} pixels"
        return f"{pixels}, " + ("1 class" if self.classes == 1 else f"{self.classes} classes")

    @property
    def told_shortly(self) -> str:
        """E.g. ``512 px``."""
        return f"{self.pixels:,} px"


def kept_labels(cube: Cube, root: Path) -> list[KeptLabels]:
    """List the labels that are kept of a scene, those changed last first.

    Parameters
    ----------
    cube : Cube
    root : Path
        See `data_folder`.
    """
    folder, found = folder_of(cube, root, KIND), []
    for path in folder.glob("*.tif"):
        if told := NAME.fullmatch(path.name):
            begun, pixels, classes = told.groups()
            with suppress(FileNotFoundError):  # another window may have replaced it
                changed = datetime.fromtimestamp(path.stat().st_mtime)
                found.append(KeptLabels(path, changed, begun, int(pixels), int(classes)))
    return latest_first(found)


def keep_labels(
    labels: LabelMap, cube: Cube, root: Path, begun: str, used: Collection[Path] = ()
) -> bool:
    """Write labels in the place of those of the same painting; where none are left, remove these.

    Parameters
    ----------
    labels : LabelMap
        Ids that are not in its table get a class of their own.
    cube : Cube
        Their scene.
    root : Path
        See `data_folder`.
    begun : str
        See `new_begun`.
    used : collection of Path
        Files that stay, though they are the oldest.

    Returns
    -------
    bool
        Whether there is a file of them now.

    Raises
    ------
    OSError
        Where the folder cannot be written into, or its disk is full; what was kept stays.
    """
    ids = labels.ids.copy()  # it may be painted on meanwhile
    whole = LabelMap(ids, _with_all(ids, labels.classes))
    counts = whole.counts()
    pixels, classes = sum(counts.values()), sum(n > 0 for n in counts.values())
    path = folder_of(cube, root, KIND) / f"{begun}_{pixels}px_{classes}classes.tif"
    before = [kept.path for kept in kept_labels(cube, root) if kept.begun == begun]
    if pixels:
        write_labels(path, whole, cube=cube)
        before = [other for other in before if other != path]
    oldest = [kept.path for kept in kept_labels(cube, root)[FILES_A_SCENE:]]
    for gone in (*before, *(path for path in oldest if path not in used)):
        gone.unlink(missing_ok=True)
    return pixels > 0


def read_kept(kept: KeptLabels, cube: Cube) -> LabelMap:
    """Read labels that were kept.

    Raises
    ------
    FileFormatError, LabelsError
        As `napari_ssamamba.data.reference.read_labels`.
    """
    return read_labels(kept.path, cube)


def _with_all(ids: NDArray[np.uint16], classes: ClassTable) -> ClassTable:
    """Return the class table with a class for each id that was painted without one."""
    for id in sorted(present_ids(ids) - {UNLABELLED, *classes.ids}):
        classes = classes.add(f"Class {id}", id=id)
    return classes
