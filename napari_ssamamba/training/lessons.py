"""What the spectral expert teaches the network: unlabelled pixels of the scene.

Few labels train an expert that looks at single spectra and averages, not a network. But the expert
can say of any pixel of the scene how likely each class is there, and the network learns that beside
the labels (Hinton et al., Distilling the Knowledge in a Neural Network, 2015): one pixel in eight
that it sees is a label, the others are lessons. So it sees thousands of patches as the scene has
them, and finds what in them agrees with the expert and with the labels.

A lesson tells of the labels that its expert has learned. Who asks a network about labels held out
therefore has it taught by the members that did not learn them either, `FittedExpert.without`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn.functional import one_hot

from napari_ssamamba.events import Progress, retold
from napari_ssamamba.expert.asking import ask
from napari_ssamamba.expert.surroundings import read_own
from napari_ssamamba.training.coordinates import COUNT, Coordinates, scene_coordinates
from napari_ssamamba.training.learner import Samples
from napari_ssamamba.training.optimisation import class_weights

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray
    from torch import Tensor

    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.standardise import Standardiser
    from napari_ssamamba.expert.spectral_expert import SpectralExpert
    from napari_ssamamba.model.config import ModelConfig
    from napari_ssamamba.training.config import TrainingConfig

LABELLED = 1 / 8
"""Share of labels among the patches that are learned from. With a half the network alone loses 2.5
points of overall accuracy on EnMAP's draws by seeds 10 to 13: it learns few labels by heart."""

STRIPS = 100
"""Rows of the scene that lessons come from, in few reads; clusters of them teach less."""

RUN = 256
"""Columns of such a row."""

MOST_VALUES = 8_000_000
"""Of the lessons' patches in memory, about: 32 MB."""

QUICK_PATCH = 3
"""Side of the largest patches that are learned in `TrainingConfig.max_steps`; larger ones, whose
steps take longer, in half of it."""

FASTER = 2.0
"""Factor on the learning rate: thousands of lessons are not learned by heart. EnMAP's draws by
seeds 10 to 12, overall accuracy of the network alone below the expert's: 0.1 points with it and
1200 steps; in 800 steps 1.2 with 3, and 1.5 without."""


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """Unlabelled pixels of the scene, and the coordinates in which they are learned.

    Attributes
    ----------
    cube : Cube
    standardiser : Standardiser
    pixels : ndarray of int32, shape (m, 2)
        Row and column.
    coordinates : Coordinates
    """

    cube: Cube
    standardiser: Standardiser
    pixels: NDArray[np.int32]
    coordinates: Coordinates

    def said_by(self, expert: SpectralExpert) -> Generator[Progress, None, NDArray[np.float32]]:
        """Return the expert's probabilities, (m, classes); pauses now and then."""
        said = yield from ask(self.cube, self.pixels, self.standardiser, expert)
        return np.asarray(np.exp(said), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class School:
    """Lessons whose patches lie on the device, in one table with the labelled ones.

    Attributes
    ----------
    lessons : Lessons
    index : Tensor of int, shape (m, P²)
        Rows of the table.
    """

    lessons: Lessons
    index: Tensor

    def samples(
        self, labelled: Samples, expert: SpectralExpert, config: TrainingConfig
    ) -> Generator[Progress, None, Samples]:
        """Return what a network learns from: labels, and what the expert says of the lessons."""
        said = yield from self.lessons.said_by(expert)
        targets = labelled.targets
        lessons = torch.from_numpy(said).to(targets.device)
        often = torch.ones(len(targets), dtype=torch.float64)
        if config.sampling == "balanced":
            often = class_weights(targets.cpu())
        of_lesson = torch.full((len(said),), (1 - LABELLED) / len(said), dtype=torch.float64)
        return Samples(
            torch.cat((labelled.index, self.index)),
            torch.cat((one_hot(targets, expert.classes).to(torch.float32), lessons)),
            torch.cat((LABELLED * often / often.sum(), of_lesson)),
        )


def read_lessons(
    cube: Cube, model: ModelConfig, standardiser: Standardiser, config: TrainingConfig
) -> Generator[Progress, None, Lessons | None]:
    """Draw measured pixels of the scene, as many as are asked for and fit the memory.

    Returns
    -------
    Lessons or None
        None where fewer than two were found or asked for.
    """
    patch = model.patch_size**2 * min(model.bands, COUNT)
    number = min(config.lessons, MOST_VALUES // patch)
    pixels = scattered_pixels(cube.rows, cube.columns, number, np.random.default_rng(config.seed))
    reading = Progress(text="Reading pixels of the scene for the network to learn")
    spectra = yield from retold(read_own(cube, pixels, standardiser), lambda _: reading)
    measured = spectra.any(axis=1)
    if measured.sum() < 2:
        return None
    return Lessons(cube, standardiser, pixels[measured], scene_coordinates(spectra[measured]))


def scattered_pixels(
    rows: int, columns: int, number: int, rng: np.random.Generator
) -> NDArray[np.int32]:
    """Draw pixels all over the scene, in runs of a row, (number or fewer, 2)."""
    strips = min(rows, STRIPS)
    run = min(columns, RUN)
    each = min(run, -(-number // strips))
    found = []
    for row in rng.choice(rows, strips, replace=False):
        start = int(rng.integers(columns - run + 1))
        chosen = start + rng.choice(run, each, replace=False)
        found.append(np.stack((np.full(each, row), chosen), axis=1))
    return np.concatenate(found).astype(np.int32)[:number]


def taught(config: TrainingConfig, model: ModelConfig) -> TrainingConfig:
    """Return the configuration of a training with lessons: labels do not decide its length."""
    steps = config.max_steps
    if steps is not None and model.patch_size > QUICK_PATCH:
        steps = max(1, steps // 2)
    return replace(
        config, min_steps=steps, max_steps=steps, learning_rate=FASTER * config.learning_rate
    )
