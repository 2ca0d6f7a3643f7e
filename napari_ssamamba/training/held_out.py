"""What networks say of labels that they have not learned: trained once for each fold left out."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_ssamamba.events import Notice, Progress, retold
from napari_ssamamba.model.device import choose_device
from napari_ssamamba.model.network import build_network, set_generator
from napari_ssamamba.training.learner import Learner, Samples
from napari_ssamamba.training.material import read_material
from napari_ssamamba.training.preparation import memory_may_lack

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.standardise import Standardiser
    from napari_ssamamba.expert.spectral_expert import SpectralExpert
    from napari_ssamamba.model.config import ModelConfig
    from napari_ssamamba.training.config import TrainingConfig
    from napari_ssamamba.training.lessons import School

MOST_STEPS = 200
"""Of a network that learns from labels alone, only to be asked about those left out."""

STEPS_TAUGHT = 100
"""Of one that is taught. In place of 200 they change the mixture's overall accuracy by -0.1 to 0.3
points, by none on average: two draws of the built-in scene, one of Houston's stand-in, seven of
EnMAP with 30 labels a class, four of Salinas-A with 10 and two of training tiles cut anew, by seeds
of 10 and more. Of labels of which a twentieth was made wrong they find the same in half to two
thirds of the time (Salinas-A with 10, seed 12; EnMAP with 30, 10 and 11; built-in, 10)."""

NOBODY: Mapping[int, SpectralExpert] = MappingProxyType({})

ASKING = "Asking networks about held-out labels"


def read_and_score_held_out(
    cube: Cube,
    pixels: NDArray[np.int32],
    targets: NDArray[np.int64],
    fold: NDArray[np.int64],
    teachers: Mapping[int, SpectralExpert],
    model: ModelConfig,
    standardiser: Standardiser,
    config: TrainingConfig,
    device: str = "auto",
) -> Generator[Progress, None, NDArray[np.float64]]:
    """Train a network for each fold of labelled pixels and ask it about those of the fold.

    Parameters
    ----------
    cube : Cube
    pixels : ndarray of int32, shape (n, 2)
        Row and column.
    targets : ndarray of int64, shape (n,)
        Class numbers from 0.
    fold : ndarray of int64, shape (n,)
    teachers : mapping of int to SpectralExpert
        See `score_held_out`.
    model : ModelConfig
        For the scene's good bands and these classes.
    standardiser : Standardiser
    config : TrainingConfig
    device : str
        See `choose_device`.

    Yields
    ------
    Progress
        `Notice` where the memory ran out.

    Returns
    -------
    ndarray of float64, shape (n, classes)
        Scores before they are normalised.

    Raises
    ------
    SettingError
        Where there is no such device.
    DeviceMemoryError
        Where not even one patch fits its memory with the network.
    """
    chosen = choose_device(device)
    material = yield from read_material(cube, pixels, model, standardiser, config)
    with memory_may_lack(chosen, model, len(pixels)):
        table, index, school = material.on(chosen)
        samples = Samples(index, torch.from_numpy(targets).to(chosen))
        said = yield from score_held_out(
            material.model,
            table,
            samples,
            fold,
            np.unique(fold),
            material.config,
            school=school,
            teachers=teachers,
        )
    return said


def score_held_out(
    model: ModelConfig,
    table: Tensor,
    samples: Samples,
    fold: NDArray[np.int64],
    scored: Sequence[int] | NDArray[np.int64],
    config: TrainingConfig,
    beside: Learner | None = None,
    school: School | None = None,
    teachers: Mapping[int, SpectralExpert] = NOBODY,
) -> Generator[Progress, None, NDArray[np.float64]]:
    """Train networks of few steps, each on all folds but one, and score that one.

    Parameters
    ----------
    model : ModelConfig
    table : Tensor, shape (pixels, C)
        Standardised spectra, on the device.
    samples : Samples
        Labelled pixels: rows of the table.
    fold : ndarray of int64, shape (n,)
        Their folds: what lies together is left out together.
    scored : sequence of int
        Numbers of the folds that are left out in turn.
    config : TrainingConfig
    beside : Learner, optional
        It says how many patches fit the memory.
    school : School, optional
        Where the networks are taught.
    teachers : mapping of int to SpectralExpert
        By the fold left out: who teaches then, and knows as few labels as the network does.

    Returns
    -------
    ndarray of float64, shape (n, classes)
        Scores before they are normalised; 0 where nothing was scored.
    """
    targets = samples.targets.cpu().numpy()
    most_steps = MOST_STEPS if school is None else STEPS_TAUGHT
    steps = max(1, min(most_steps, config.epochs * config.steps_per_epoch(len(targets)) // 2))
    at_once = None if beside is None else (beside.trained_at_once, beside.validated_at_once)
    short = replace(config, epochs=1, min_steps=steps, max_steps=steps)
    said = np.zeros((len(targets), model.classes))
    rounds = len(scored)
    for number, left in enumerate(int(one) for one in scored):
        left_out = fold == left
        if not left_out.any() or len(np.unique(targets[~left_out])) < 2:
            continue
        out = torch.from_numpy(left_out).to(table.device)
        learned = Samples(samples.index[~out], samples.targets[~out])
        if school is not None:
            asking = Progress(done=number * steps, total=rounds * steps, text=ASKING)
            learned = yield from retold(
                school.samples(learned, teachers[left], config), partial(_instead, asking)
            )
        generator = torch.Generator().manual_seed(config.seed + 1 + left)
        network = build_network(model, generator).to(table.device)
        set_generator(network, torch.Generator(table.device).manual_seed(config.seed + 1 + left))
        learner = Learner(
            network,
            table,
            learned,
            Samples(samples.index[out], samples.targets[out]),
            short,
            generator,
        )
        if at_once is not None:
            learner.trained_at_once, learner.validated_at_once = at_once
        at_once = learner.trained_at_once, learner.validated_at_once
        said[left_out] = yield from _learn_and_score(learner, number, rounds)
        learner.forget_steps()
        del learner, network  # before the next one takes as much memory
    return said


def _instead(event: Progress, _: Progress) -> Progress:
    return event


def _learn_and_score(
    learner: Learner, number: int, rounds: int
) -> Generator[Progress, None, NDArray[np.float64]]:
    """Train the network of one round and return the scores of its fold."""
    total = float(learner.steps_per_epoch * rounds)
    done = number * learner.steps_per_epoch

    def told(text: str | None) -> Progress:
        if text is not None:
            return Notice(done=done, total=total, text=text)
        return Progress(done=done, total=total, text=ASKING)

    for drawn in learner.batches():
        loss = yield from retold(learner.step(*drawn), told)
        done += 1
    learner.checked(loss)
    if learner.config.settle_norms:
        for pause in learner.settle_norms():
            yield told(pause)
    logits = yield from retold(learner.validation_logits(), told)
    return logits.float().cpu().numpy().astype(np.float64)
