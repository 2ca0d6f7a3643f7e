"""One pixel's class probabilities, as the map has them, without mapping what is around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.tiles import Window, check_region, read_tile
from napari_ssamamba.events import Pace, Progress
from napari_ssamamba.model.device import choose_device
from napari_ssamamba.prediction.classifier import TileClassifier
from napari_ssamamba.prediction.mixer import Members, Mixer

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube


class PixelClassifier:
    """A model that stays loaded while pixel after pixel is asked about.

    Parameters
    ----------
    checkpoint : Checkpoint
    members : {"mixed", "network", "expert"}
    device : str
        See `choose_device`.
    """

    def __init__(self, checkpoint: Checkpoint, members: Members, device: str = "cpu") -> None:
        self._checkpoint = checkpoint
        self._mixer = Mixer(checkpoint, members)
        self._classifier = TileClassifier(checkpoint, choose_device(device), 1, attention=False)

    def probabilities(
        self, cube: Cube, row: int, column: int
    ) -> Generator[Progress, None, NDArray[np.float32] | None]:
        """Classify a pixel.

        Returns
        -------
        ndarray of float32, shape (classes,), or None
            In the order of the checkpoint's classes; None for a pixel that was not measured.

        Raises
        ------
        SettingError
            Where the pixel is not in the scene.
        """
        window = check_region(Window(row, row + 1, column, column + 1), cube)
        checkpoint, mixer, pace = self._checkpoint, self._mixer, Pace(1)
        pace.text = "Reading the probabilities of a pixel"
        tile = read_tile(
            cube, window, mixer.margin, checkpoint.standardiser, checkpoint.band_indices
        )
        if not tile.measured[0, 0]:
            return None
        if mixer.uses_network:
            narrow = tile.with_margin(checkpoint.model.patch_size // 2)
            probabilities, _ = yield from self._classifier.classify(narrow, pace)
        else:
            probabilities = mixer.unclassified(tile)
        mixed = yield from mixer.mix(tile, probabilities, pace)
        return np.asarray(mixed[0, 0])
