"""Suspect labels: those that a classifier contradicts which has not learned from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.classes import UNLABELLED, ClassTable
from napari_ssamamba.data.cube import has_measurement
from napari_ssamamba.data.patches import read_spectra
from napari_ssamamba.errors import LabelsError
from napari_ssamamba.events import Progress

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.labels import LabelMap
    from napari_ssamamba.model.config import ModelConfig, Preset
    from napari_ssamamba.prediction.mixer import Members
    from napari_ssamamba.training.config import TrainingConfig

MOST_CHECKED = 1000
"""Labels of a class that are checked; of more, so many are drawn."""


@dataclass(frozen=True, slots=True, eq=False)
class OutOfFold:
    """What is said of labelled pixels by a classifier that has not learned from them.

    Attributes
    ----------
    pixels : ndarray of int32, shape (n, 2)
        Row and column.
    ids : ndarray of uint16, shape (n,)
        Their labels.
    predicted : ndarray of uint16, shape (n,)
        Class ids; 0 for the only label of its class, which nothing is known of without it.
    confidence : ndarray of float32, shape (n,)
        Probability of that class.
    label_probability : ndarray of float32, shape (n,)
        Of the label's class.
    of : int
        Labelled pixels, checked or not.
    classes : ClassTable
    members : {"mixed", "network", "expert"}
        Who was asked.
    network_share : float
        How much the network counted beside the expert, 0 to 1.
    """

    pixels: NDArray[np.int32]
    ids: NDArray[np.uint16]
    predicted: NDArray[np.uint16]
    confidence: NDArray[np.float32]
    label_probability: NDArray[np.float32]
    of: int
    classes: ClassTable
    members: Members
    network_share: float

    def suspects(self) -> NDArray[np.intp]:
        """Return which labels are contradicted, the most confident contradiction first."""
        found = np.flatnonzero((self.predicted != UNLABELLED) & (self.predicted != self.ids))
        return found[np.argsort(-self.confidence[found], kind="stable")]

    def as_map(self, shape: tuple[int, int]) -> tuple[NDArray[np.uint16], NDArray[np.float32]]:
        """Return class ids and confidence over the scene; 0 and NaN where nothing was checked.

        Parameters
        ----------
        shape : tuple of int
            Rows and columns of the scene.
        """
        ids, confidence = np.zeros(shape, np.uint16), np.full(shape, np.nan, np.float32)
        ids[tuple(self.pixels.T)] = self.predicted
        confidence[tuple(self.pixels.T)] = self.confidence
        return ids, confidence


def check_out_of_fold(
    cube: Cube,
    labels: LabelMap,
    model: Preset | ModelConfig,
    config: TrainingConfig,
    members: Members = "mixed",
    device: str = "auto",
) -> Generator[Progress, None, OutOfFold]:
    """Let a classifier say of each label what it is, that has learned only from others.

    Labels that lie together are left out together, see `spatial_folds`: the spectral expert is
    fitted five times, the network trained five times, with fewer steps than for a map and taught
    by an expert that has learned from no other labels. Both are mixed by weights that the same
    labels choose.

    Parameters
    ----------
    cube : Cube
    labels : LabelMap
    model : {"compact", "standard"} or ModelConfig
        Of the network; its patches shrink as in a training, see `fitting_patch`.
    config : TrainingConfig
        Its seed is that of the folds, and of the draw where a class has more than `MOST_CHECKED`
        labels.
    members : {"mixed", "network", "expert"}
        Who is asked; the expert alone takes seconds.
    device : str
        Of the network, see `choose_device`.

    Yields
    ------
    Progress
        `Notice` where the memory ran out.

    Raises
    ------
    LabelsError
        Where fewer than two classes have measured labels, or none has two.
    SettingError
        Where there is no such device or preset.
    DeviceMemoryError
        Where the network does not fit its memory.
    """
    from napari_ssamamba.expert.calibration import log_softmax
    from napari_ssamamba.expert.fit import fit_expert
    from napari_ssamamba.training.held_out import read_and_score_held_out
    from napari_ssamamba.training.mixing import fitting_patch, mix_held_out
    from napari_ssamamba.training.preparation import fit_standardiser, fitted_model

    yield Progress(text="Reading labelled pixels")
    drawn, of = _draw(labels, np.random.default_rng(config.seed))
    pixels = drawn[has_measurement(read_spectra(cube, drawn))]
    ids = labels.ids[tuple(pixels.T)]
    present, targets, counts = np.unique(ids, return_inverse=True, return_counts=True)
    targets = targets.astype(np.int64)
    if present.size < 2 or counts.max() < 2:
        raise LabelsError(
            f"Classes with measured labels: {present.size}; labels of the largest: "
            f"{counts.max(initial=0)}. Checking labels by the others needs two classes, one with "
            "two labels or more."
        )
    standardiser = yield from fit_standardiser(cube, pixels, config)
    # asked about nothing, the expert still teaches the network, and fits its patches to the scene
    fitted = yield from fit_expert(cube, pixels, targets, present.size, standardiser, config.seed)
    said, share = fitted.held_out, float(members == "network")
    if members != "expert":
        form = fitted_model(model, cube, present.size)
        scores = yield from read_and_score_held_out(
            cube,
            pixels,
            targets,
            fitted.fold,
            fitted.without,
            fitting_patch(form, fitted) if config.follow_scene else form,
            standardiser,
            config,
            device,
        )
        said = log_softmax(scores)
        if members == "mixed":
            said, record = mix_held_out(fitted, scores, targets)
            share = record.network_share
    probability = np.exp(said)
    best, each = probability.argmax(axis=1), np.arange(len(pixels))
    return OutOfFold(
        pixels,
        ids,
        np.where(counts[targets] > 1, present[best], UNLABELLED).astype(np.uint16),
        probability[each, best].astype(np.float32),
        probability[each, targets].astype(np.float32),
        of,
        labels.classes,
        members,
        share,
    )


def _draw(labels: LabelMap, rng: np.random.Generator) -> tuple[NDArray[np.int32], int]:
    """Draw labels of every class, in the scene's order; return how many there are too."""
    pixels = np.argwhere(labels.ids != UNLABELLED).astype(np.int32)
    ids = labels.ids[tuple(pixels.T)]
    drawn = [np.empty(0, np.intp)]
    for i in np.unique(ids):
        drawn.append(rng.permutation(np.flatnonzero(ids == i))[:MOST_CHECKED])
    return pixels[np.sort(np.concatenate(drawn))], len(pixels)
