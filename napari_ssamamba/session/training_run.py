"""From painted labels to a training: some are held out to validate."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

    import numpy as np
    from numpy.typing import NDArray

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.classes import ClassTable
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.events import Progress
    from napari_ssamamba.session.values import TrainingSettings


def train_on_labels(
    cube: Cube, ids: NDArray[np.uint16], classes: ClassTable, settings: TrainingSettings
) -> Generator[Progress, None, Checkpoint]:
    """Hold some labels out, train on the others; `ids` has shape (rows, columns)."""
    from napari_ssamamba.data.split import hold_out_validation
    from napari_ssamamba.training.trainer import train

    config = settings.config
    split = hold_out_validation(ids, config.validation_fraction, config.seed)
    return (yield from train(cube, split, classes, settings.preset, config, settings.device))
