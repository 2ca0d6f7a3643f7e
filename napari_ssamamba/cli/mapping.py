"""The map of a command, which goes on where the same command was cut short."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from napari_ssamamba.cli.report import follow
from napari_ssamamba.cli.unpacking import unpack_scene
from napari_ssamamba.project.user_data import data_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Unpack

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.tiles import Window
    from napari_ssamamba.prediction.class_map import ClassMap
    from napari_ssamamba.prediction.predictor import MapSettings


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

    unpack_for_map(cube, checkpoint, settings.get("region"))
    work = UnfinishedMap(cube, checkpoint, model, data_folder(), settings, probabilities)
    with work as unfinished:
        try:
            yield follow(unfinished.run())
        except BaseException:
            if unfinished.mapped:
                typer.echo(
                    f"{unfinished.mapped:,} pixels of the map are kept; the same command goes on "
                    "from there.",
                    err=True,
                )
            raise


def unpack_for_map(cube: Cube, checkpoint: Checkpoint, region: Window | None) -> None:
    """Let a map be made from a copy of a compressed scene, but for a small part of it.

    Raises
    ------
    BandsError
        Where the scene has not the bands of the model: no map would follow.
    SettingError
        Nor for a region that is not in the scene.
    """
    from napari_ssamamba.data.tiles import check_region

    checkpoint.check_bands(cube)
    part = check_region(region, cube)
    if math.prod(part.shape) > SMALL_PART * cube.rows * cube.columns:
        unpack_scene(cube)
