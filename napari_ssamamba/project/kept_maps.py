"""Maps, kept while they are computed, with their models: a crash takes the last seconds alone.

Each map has a `MapFolder` of its own in that of its scene, which holds the model, too.
"""

from __future__ import annotations

import math
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from napari_ssamamba.data.classes import ClassTable, LandClass
from napari_ssamamba.errors import FileFormatError
from napari_ssamamba.prediction.mosaic import bytes_a_pixel
from napari_ssamamba.project.checkpoints import load_checkpoint, save_checkpoint
from napari_ssamamba.project.headers import read_header
from napari_ssamamba.project.map_folder import HEADER, REMEDY, FolderHeader, Layer, MapFolder
from napari_ssamamba.project.user_data import BEGUN_PATTERN, Kept, folder_of, latest_first
from napari_ssamamba.training.config import Mixture  # noqa: TC001 (pydantic reads it)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube

KIND = "maps"
"""Of what is kept, see `folder_of`."""

MAPS_A_SCENE = 3
"""Maps of a scene that are kept; the oldest go."""

MOST_BYTES = 8 * 2**30
"""What all kept maps take together, but for those in use; the oldest go."""

MODEL = "model.safetensors"

VERSION = 2


class MapHeader(FolderHeader):
    """What a kept map says of itself.

    Attributes
    ----------
    rows, columns : int
    classes : tuple of LandClass
    members : {"mixed", "network"}
        What makes it.
    complete, outdated : bool
        As of `ShownMap`.
    attention : bool
        Whether the maps of the attention are kept with it; since version 2.
    """

    format: Literal["napari-ssamamba map"] = "napari-ssamamba map"
    version: int = VERSION
    rows: int
    columns: int
    classes: tuple[LandClass, ...]
    members: Mixture
    complete: bool
    outdated: bool
    attention: bool = False


@dataclass(frozen=True, slots=True)
class KeptMap(Kept):
    """A map that was made at some time, in a folder.

    Attributes
    ----------
    header : MapHeader
    """

    header: MapHeader

    @property
    def begun(self) -> str:
        """When the map was begun, see `new_begun`."""
        return self.path.name

    @property
    def told_shortly(self) -> str:
        """How far it is, e.g. ``63 % mapped``, and whether it is outdated."""
        header = self.header
        share = math.floor(100 * header.mapped / (header.rows * header.columns))
        said = "complete" if header.complete else f"{share} % mapped"
        return said + (", outdated" if header.outdated else "")

    @property
    def told(self) -> str:
        """E.g. ``63 % mapped, 5 classes, with attention maps``."""
        attention = ", with attention maps" if self.header.attention else ""
        return f"{self.told_shortly}, {len(self.header.classes)} classes{attention}"


def kept_maps(cube: Cube, root: Path) -> list[KeptMap]:
    """List the maps that are kept of a scene, those changed last first; damaged ones are left out.

    Parameters
    ----------
    cube : Cube
    root : Path
        See `data_folder`.
    """
    return _sorted(folder_of(cube, root, KIND).glob("*"))


def begin_map(
    cube: Cube, root: Path, begun: str, checkpoint: Checkpoint, layers: Sequence[Layer] = ()
) -> MapFolder:
    """Make the folder of a map, with its model; nothing appears before all is there.

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
    layers : sequence of Layer
        See `layers_of`.

    Raises
    ------
    OSError
        As `MapFolder.begin`.
    """
    shape = cube.rows, cube.columns
    folder = MapFolder(folder_of(cube, root, KIND) / begun, layers)
    folder.begin(shape)
    try:
        save_checkpoint(checkpoint, folder.path / MODEL)
    except OSError:
        folder.remove()
        raise
    return folder


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
        header = kept.header
        total += bytes_a_pixel(header.attention) * header.rows * header.columns
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
