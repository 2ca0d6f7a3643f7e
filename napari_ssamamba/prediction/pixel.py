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
    from napari_ssamamba.data.tiles import Tile


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

    def read(self, cube: Cube, row: int, column: int) -> Tile | None:
        """Read a pixel with all around it that the map looks at; None where it was not measured.

        Raises
        ------
        SettingError
            Where the pixel is not in the scene.
        """
        window = check_region(Window(row, row + 1, column, column + 1), cube)
        checkpoint = self._checkpoint
        tile = read_tile(
            cube, window, self._mixer.margin, checkpoint.standardiser, checkpoint.band_indices
        )
        return tile if tile.measured[0, 0] else None

    def classify(self, tile: Tile) -> Generator[Progress, None, NDArray[np.float32]]:
        """Classify a pixel that was read.

        Returns
        -------
        ndarray of float32, shape (classes,)
            In the order of the checkpoint's classes.
        """
        mixer, pace = self._mixer, Pace(1)
        pace.text = "Reading the probabilities of a pixel"
        if mixer.uses_network:
            narrow = tile.with_margin(self._checkpoint.model.patch_size // 2)
            probabilities, _ = yield from self._classifier.classify(narrow, pace)
        else:
            probabilities = mixer.unclassified(tile)
        mixed = yield from mixer.mix(tile, probabilities, pace)
        return np.asarray(mixed[0, 0])

    def probabilities(
        self, cube: Cube, row: int, column: int
    ) -> Generator[Progress, None, NDArray[np.float32] | None]:
        """Read and classify a pixel; None where it was not measured."""
        tile = self.read(cube, row, column)
        return None if tile is None else (yield from self.classify(tile))
