"""A trained classifier and all that is needed to use it again.

It joins the network (which knows nothing of scenes) and the scene's bands and classes (which know
nothing of networks); training makes it, prediction uses it, the project writes and reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.errors import BandsError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from napari_ssamamba.data.classes import ClassTable
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.standardise import Standardiser
    from napari_ssamamba.model.config import ModelConfig


@dataclass(frozen=True, slots=True)
class TrainingRecord:
    """How a checkpoint came to be, for reports and for checking maps against references.

    Attributes
    ----------
    scene : str
        Name of the scene.
    scene_shape : tuple of int
        Its rows, columns and bands.
    synthetic : bool
        Whether the scene was made by a program.
    protocol, split, standardisation, device : str
        How it was trained, in words.
    seed, epochs : int
        `epochs` counts those that were run.
    seconds : float
        Wall time of the training.
    n_train, n_validation : int
        Pixels.
    validation_oa : float or None
        Overall accuracy of the kept weights on the validation pixels, percent.
    """

    scene: str
    scene_shape: tuple[int, int, int]
    synthetic: bool
    protocol: str
    split: str
    standardisation: str
    device: str
    seed: int
    epochs: int
    seconds: float
    n_train: int
    n_validation: int
    validation_oa: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """A trained network with its standardiser, bands and classes.

    Attributes
    ----------
    weights : dict of Tensor
        The network's ``state_dict``, on the CPU.
    model : ModelConfig
        The network's configuration; its number of outputs is that of `classes`.
    standardiser : Standardiser
        Over the bands in `band_indices`.
    band_indices : ndarray of int64, shape (k,)
        Bands of the scene that the network reads, in this order.
    wavelengths : ndarray of float64, shape (k,), or None
        Their centres in nm.
    classes : ClassTable
        In the order of the network's outputs: output j stands for ``classes.ids[j]``.
    training_pixels, validation_pixels : ndarray of int32, shape (n, 2)
        Row and column of the pixels that were learned from.
    record : TrainingRecord
    """

    weights: dict[str, Tensor]
    model: ModelConfig
    standardiser: Standardiser
    band_indices: NDArray[np.int64]
    wavelengths: NDArray[np.float64] | None
    classes: ClassTable
    training_pixels: NDArray[np.int32]
    validation_pixels: NDArray[np.int32]
    record: TrainingRecord

    def check_bands(self, cube: Cube) -> None:
        """Refuse a scene whose bands are not those trained on.

        Raises
        ------
        BandsError
            With the difference: number of bands, or the first wavelength that differs by more
            than 1 nm.
        """
        expected = self.record.scene_shape[2]
        if cube.bands != expected:
            raise BandsError(
                f"{cube.name} has {cube.bands} bands, the model was trained on {expected} "
                f"({self.record.scene}). Use a scene with the same bands, or train on this one."
            )
        if self.wavelengths is None or cube.wavelengths is None:
            return
        found = cube.wavelengths[self.band_indices]
        differing = np.flatnonzero(np.abs(found - self.wavelengths) > 1.0)
        if differing.size:
            first = int(differing[0])
            raise BandsError(
                f"{cube.name}: {differing.size} of {found.size} band centres differ from those "
                f"trained on; the first is band {int(self.band_indices[first]) + 1}: "
                f"{found[first]:.1f} nm instead of {self.wavelengths[first]:.1f} nm. Use a scene "
                "with the same bands in the same order, or train on this one."
            )
