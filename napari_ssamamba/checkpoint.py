"""A trained classifier and all that is needed to use it again.

It joins the network (which knows nothing of scenes) and the scene's bands and classes (which know
nothing of networks); training makes it, prediction uses it, the project writes and reads it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.wavelengths import nearest_bands
from napari_ssamamba.errors import BandsError, OtherBandsError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from napari_ssamamba.data.classes import ClassTable
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.standardise import Standardiser
    from napari_ssamamba.expert.spectral_expert import SpectralExpert
    from napari_ssamamba.model.config import ModelConfig


@dataclass(frozen=True, slots=True)
class MixtureRecord:
    """How much network and spectral expert count in the map, and what that was decided on.

    The map's log-probabilities are the weighted sum of both. Scores are of labelled pixels by
    networks and experts that did not learn from them.

    Attributes
    ----------
    network_weight, expert_weight : float
        0 or more; they need not add up to 1.
    network_oa, expert_oa, mixed_oa : float
        Held-out overall accuracy, percent; that of the mixture is of the pixels that chose its
        two weights.
    network_log_loss, expert_log_loss, mixed_log_loss : float
        Held-out mean of −log p(true class).
    n : int
        Pixels that were held out.
    how : str
        In words, for reports.
    """

    network_weight: float
    expert_weight: float
    network_oa: float
    expert_oa: float
    mixed_oa: float
    network_log_loss: float
    expert_log_loss: float
    mixed_log_loss: float
    n: int
    how: str

    @property
    def network_share(self) -> float:
        """Share of the network in the weights, 0 to 1."""
        return self.network_weight / ((self.network_weight + self.expert_weight) or 1.0)

    def summary(self) -> str:
        """Say in one line how good each one is and how much it counts."""
        return (
            f"OA on {self.n:,} labels held out: "
            f"network {self.network_oa:.1f} % (weight {self.network_share:.2f}), "
            f"spectral expert {self.expert_oa:.1f} % (weight {1 - self.network_share:.2f}), "
            f"mixed {self.mixed_oa:.1f} %; with a shorter training in the network's place"
        )


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """How one epoch went.

    Attributes
    ----------
    epoch : int
        Counted from 1.
    loss : float
        Mean cross-entropy over the epoch's batches.
    validation_loss, validation_accuracy : float or None
        Cross-entropy and overall accuracy (percent); None without validation pixels.
    """

    epoch: int
    loss: float
    validation_loss: float | None
    validation_accuracy: float | None


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
    mixture : MixtureRecord or None
        None where the network stands alone.
    history : tuple of EpochRecord
        The epochs of the network's training; empty in files of before these were kept.
    fingerprint : str or None
        The scene's, see `Cube`.
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
    mixture: MixtureRecord | None = None
    history: tuple[EpochRecord, ...] = ()
    fingerprint: str | None = None


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
    training_ids : ndarray of int32, shape (n,), or None
        Classes that the training pixels were learned as; None in files of before these were kept.
    scene_bands : int or None
        Where the bands were `matched` to other scenes: how many these have.
    expert : SpectralExpert or None
        What is mixed with the network, see `TrainingRecord.mixture`; over the same bands and
        classes.
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
    expert: SpectralExpert | None = None
    scene_bands: int | None = None
    training_ids: NDArray[np.int32] | None = None

    def check_bands(self, cube: Cube) -> None:
        """Refuse a scene whose bands are not those trained on, or matched to.

        Raises
        ------
        OtherBandsError
            With the difference: number of bands, or the first wavelength that differs by more
            than 1 nm.
        """
        expected = self.record.scene_shape[2] if self.scene_bands is None else self.scene_bands
        if cube.bands != expected:
            raise self._other_bands(
                cube,
                f"{cube.name} has {cube.bands} bands, the model was trained on {expected} "
                f"({self.record.scene})",
            )
        if self.wavelengths is None or cube.wavelengths is None:
            return
        found = cube.wavelengths[self.band_indices]
        differing = np.flatnonzero(np.abs(found - self.wavelengths) > 1.0)
        if self.scene_bands is not None:
            nearest, _ = nearest_bands(self.wavelengths, cube.wavelengths, cube.fwhm)
            differing = np.flatnonzero(nearest != self.band_indices)
        if differing.size:
            first = int(differing[0])
            raise self._other_bands(
                cube,
                f"{cube.name}: {differing.size} of {found.size} band centres differ from those "
                f"trained on; the first is band {int(self.band_indices[first]) + 1}: "
                f"{found[first]:.1f} nm instead of {self.wavelengths[first]:.1f} nm",
            )

    def is_of(self, cube: Cube) -> bool:
        """Tell whether a scene may be the one that was trained on.

        Another one has other rows or columns, or both another name and other values: a file that
        was renamed, or converted, is the same scene.
        """
        record = self.record
        if record.scene_shape[:2] != cube.shape[:2]:
            return False
        known = record.fingerprint is not None and cube.fingerprint is not None
        return record.scene == cube.name or not known or record.fingerprint == cube.fingerprint

    def seen_pixels(self, cube: Cube) -> NDArray[np.int32]:
        """Return the pixels of a scene that were trained or validated on, shape (n, 2)."""
        if not self.is_of(cube):
            return np.empty((0, 2), np.int32)
        return np.concatenate((self.training_pixels, self.validation_pixels))

    def learned_labels(self) -> NDArray[np.uint16] | None:
        """Return the labels that were trained on, shape (rows, columns); None where not kept.

        The shape is that of the scene of the training; 0 where a pixel was not trained on.
        """
        if self.training_ids is None:
            return None
        ids = np.zeros(self.record.scene_shape[:2], np.uint16)
        ids[tuple(self.training_pixels.T)] = self.training_ids
        return ids

    def matched(self, cube: Cube) -> Checkpoint:
        """Return the model for scenes with a cube's bands: each read from the nearest one.

        Raises
        ------
        BandsError
            Where one of both has no wavelengths, or no band lies within half a band's width of
            one that was trained on.
        """
        if self.wavelengths is None or cube.wavelengths is None:
            which = cube.name if cube.wavelengths is None else "the model"
            raise BandsError(
                f"Bands cannot be matched: {which} has no wavelengths. Use a scene with the bands "
                "trained on, or train on this one."
            )
        nearest, fits = nearest_bands(self.wavelengths, cube.wavelengths, cube.fwhm)
        if not fits.all():
            first = int(np.flatnonzero(~fits)[0])
            raise BandsError(
                f"Bands cannot be matched: {cube.name} has none within half a band's width of "
                f"{int((~fits).sum())} of the {fits.size} bands trained on; the first is at "
                f"{self.wavelengths[first]:.1f} nm, the nearest at "
                f"{cube.wavelengths[nearest[first]]:.1f} nm. Train on this scene."
            )
        return replace(self, band_indices=nearest, scene_bands=cube.bands)

    def _other_bands(self, cube: Cube, difference: str) -> OtherBandsError:
        can_match = False
        if self.wavelengths is not None and cube.wavelengths is not None:
            _, fits = nearest_bands(self.wavelengths, cube.wavelengths, cube.fwhm)
            can_match = bool(fits.all())
        remedy = "match them by wavelength, " if can_match else ""
        return OtherBandsError(
            f"{difference}. Use a scene with the same bands in the same order, {remedy}or train on "
            "this one.",
            can_match=can_match,
        )
