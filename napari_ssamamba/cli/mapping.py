"""The map of a command, which goes on where the same command was cut short."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from napari_ssamamba.cli.report import follow, telling_what_is_kept
from napari_ssamamba.cli.unpacking import unpack_scene
from napari_ssamamba.project.user_data import data_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Unpack

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.prediction.class_map import ClassMap
    from napari_ssamamba.prediction.plan import MapSettings


SMALL_PART = 0.1
"""Of a scene; a map of less is read from its compressed files."""


@contextmanager
def mapped(
    cube: Cube,
    checkpoint: Checkpoint,
    model: Path,
    probabilities: Path | None = None,
    **settings: Unpack[MapSettings],
) -> Iterator[ClassMap]:
    """Map a scene, and keep the map until the block has written what it makes of it.

    Parameters
    ----------
    cube : Cube
    checkpoint : Checkpoint
    model : Path
        The file that it was read from.
    probabilities : Path, optional
        Where those of all classes are written.
    **settings
        See `MapSettings`.
    """
    from napari_ssamamba.project.unfinished_maps import UnfinishedMap

    prepare(cube, checkpoint, settings)
    work = UnfinishedMap(cube, checkpoint, model, data_folder(), settings, probabilities)
    with work as unfinished, telling_what_is_kept(unfinished):
        yield follow(unfinished.run())


def prepare(cube: Cube, checkpoint: Checkpoint, settings: MapSettings) -> None:
    """Check a map's settings, and let it be made from a copy of a compressed scene.

    Small parts of one are read from its files. Where a GPU stands idle the user is told.

    Raises
    ------
    BandsError, SettingError
        As `plan_map`: no map would follow.
    """
    from napari_ssamamba.model.device import gpu_left_out
    from napari_ssamamba.prediction.plan import plan_map

    part = plan_map(cube, checkpoint, **settings).region
    device = settings.get("device", "auto")
    if device == "auto" and (left_out := gpu_left_out()):
        typer.echo(left_out, err=True)
    if math.prod(part.shape) > SMALL_PART * cube.rows * cube.columns:
        unpack_scene(cube, device)
