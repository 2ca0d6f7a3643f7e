"""The coordinates in which a taught network learns: the scene's principal components, scaled.

Neighbouring bands say nearly the same, and what tells classes apart hides in their differences:
in standardised bands, gradient descent sees it last. In scaled components it is there at once. The
network's first layer is linear in the bands, so that once trained its weights are carried back to
them, and nothing but the training knows of the coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_ssamamba.data.patches import PatchTable, read_patches
from napari_ssamamba.expert.components import principal_components

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.standardise import Standardiser
    from napari_ssamamba.events import Progress

COUNT = 64
"""Components at most. Draws of EnMAP and of Houston's stand-in by seeds 10 and 11: 30 lose 1 point
on the latter, all of them up to 1 on the former."""

AT_ONCE = 256
"""Patches that are read in bands at once: 13 MB of 7 x 7 pixels and 256 bands."""

FIRST = "projection.conv_pixel.weight"
"""The weights that read spectra, (d/2, bands, 1, 1)."""


@dataclass(frozen=True, slots=True, eq=False)
class Coordinates:
    """A linear map of standardised spectra.

    Attributes
    ----------
    axes : ndarray of float64, shape (bands, r)
        Spectra, (n, bands), times these are what the network learns from, about 1 in size. Zero
        stays zero, which stands for what lies beyond the scene's border.
    """

    axes: NDArray[np.float64]

    @property
    def count(self) -> int:
        """How many there are, r."""
        return int(self.axes.shape[1])

    def entered(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Carry a network's weights from bands to coordinates.

        What the weights say of directions beyond the coordinates is lost.
        """
        back = np.asarray(np.linalg.pinv(self.axes), np.float64)  # (r, bands)
        return self._changed(weights, back.T)

    def left(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Carry them back: the network says the same of spectra as it did of their coordinates."""
        return self._changed(weights, self.axes.T)

    def _changed(
        self, weights: Mapping[str, Tensor], change: NDArray[np.float64]
    ) -> dict[str, Tensor]:
        first = weights[FIRST][:, :, 0, 0].double() @ torch.from_numpy(change.copy())
        return {**weights, FIRST: first[:, :, None, None].to(weights[FIRST].dtype)}

    def read_patches(
        self, cube: Cube, pixels: NDArray[np.int32], patch_size: int, standardiser: Standardiser
    ) -> Generator[Progress, None, PatchTable]:
        """Read patches as `data.patches.read_patches` does, but keep their coordinates alone."""
        tables, index = [], np.empty((len(pixels), patch_size**2), np.int32)
        rows = 0
        # neighbours together, so that the parts share few pixels
        order = np.lexsort((pixels[:, 1], pixels[:, 0] // patch_size))
        for start in range(0, len(pixels), AT_ONCE):
            part = order[start : start + AT_ONCE]
            patches = yield from read_patches(cube, pixels[part], patch_size, standardiser)
            tables.append((patches.table @ self.axes).astype(np.float32))
            index[part] = patches.index + rows
            rows += len(patches.table)
        return PatchTable(np.concatenate(tables), index)


def scene_coordinates(sample: NDArray[np.float32]) -> Coordinates:
    """Compute the coordinates of standardised spectra of the scene, (n, bands)."""
    spectra = sample.astype(np.float64)
    axes = principal_components(spectra, COUNT).axes
    size = float(np.sqrt(np.mean((spectra @ axes) ** 2)))
    return Coordinates(axes / max(size, 1e-12))
