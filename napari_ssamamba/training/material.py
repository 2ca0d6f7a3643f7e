"""What a network learns from, read from the scene: patches of labels and, where taught, lessons."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_ssamamba.data.patches import PatchTable, read_patches
from napari_ssamamba.training.lessons import Lessons, School, read_lessons, taught

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray
    from torch import Tensor

    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.standardise import Standardiser
    from napari_ssamamba.events import Progress
    from napari_ssamamba.model.config import ModelConfig
    from napari_ssamamba.training.config import TrainingConfig
    from napari_ssamamba.training.coordinates import Coordinates


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """Patches of labelled pixels, then those of the lessons, and the training that suits them.

    Attributes
    ----------
    patches : PatchTable
    labelled : int
        Number of the labelled pixels.
    lessons : Lessons or None
    model : ModelConfig
        Of a network that reads the table: its bands are the coordinates.
    config : TrainingConfig
    """

    patches: PatchTable
    labelled: int
    lessons: Lessons | None
    model: ModelConfig
    config: TrainingConfig

    @property
    def coordinates(self) -> Coordinates | None:
        """Those of the table, where it does not hold bands."""
        return None if self.lessons is None else self.lessons.coordinates

    def on(self, device: torch.device) -> tuple[Tensor, Tensor, School | None]:
        """Return the table, the labelled pixels' rows of it, and the lessons, on the device."""
        table = torch.from_numpy(self.patches.table).to(device)
        index = torch.from_numpy(self.patches.index).to(device)
        n, lessons = self.labelled, self.lessons
        return table, index[:n], None if lessons is None else School(lessons, index[n:])


def read_material(
    cube: Cube,
    pixels: NDArray[np.int32],
    model: ModelConfig,
    standardiser: Standardiser,
    config: TrainingConfig,
) -> Generator[Progress, None, Material]:
    """Read patches for a network of the scene's bands; the training's lessons, too, if any.

    Parameters
    ----------
    cube : Cube
    pixels : ndarray of int32, shape (n, 2)
        Labelled pixels: row and column.
    model : ModelConfig
    standardiser : Standardiser
    config : TrainingConfig
    """
    lessons = None
    if config.mixture == "mixed" and config.lessons:
        lessons = yield from read_lessons(cube, model, standardiser, config)
    if lessons is None:
        patches = yield from read_patches(cube, pixels, model.patch_size, standardiser)
        return Material(patches, len(pixels), None, model, config)
    patches = yield from lessons.coordinates.read_patches(
        cube, np.concatenate((pixels, lessons.pixels)), model.patch_size, standardiser
    )
    learned = replace(model, bands=lessons.coordinates.count)
    return Material(patches, len(pixels), lessons, learned, taught(config, model))
