"""Training: from labels to a checkpoint, as a generator of events."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_ssamamba.checkpoint import Checkpoint, TrainingRecord
from napari_ssamamba.events import Notice, Progress
from napari_ssamamba.expert.fit import fit_expert
from napari_ssamamba.model.device import choose_device, gpu_left_out
from napari_ssamamba.model.network import build_network, empty_network, set_generator
from napari_ssamamba.training.epochs import run_epochs
from napari_ssamamba.training.events import ExpertFitted, StateRefused, TrainingStarted
from napari_ssamamba.training.labelled import labelled_pixels
from napari_ssamamba.training.learner import Learner, Samples
from napari_ssamamba.training.lessons import taught
from napari_ssamamba.training.material import read_material
from napari_ssamamba.training.mixing import fitting_patch, weigh
from napari_ssamamba.training.preparation import (
    fit_standardiser,
    fitted_model,
    memory_may_lack,
)
from napari_ssamamba.training.state import take_up
from napari_ssamamba.training.warm_start import (
    check_start,
    continue_mixture,
    continue_record,
    continue_split,
    take_weights,
)

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari_ssamamba.data.classes import ClassTable
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.split import Split
    from napari_ssamamba.model.config import ModelConfig, Preset
    from napari_ssamamba.training.config import TrainingConfig
    from napari_ssamamba.training.state import TrainingState


def train(
    cube: Cube,
    split: Split,
    classes: ClassTable,
    model: Preset | ModelConfig,
    config: TrainingConfig,
    device: str = "auto",
    start_from: Checkpoint | None = None,
    *,
    snapshots: bool = False,
    state: TrainingState | None = None,
    states_every: float = math.inf,
) -> Generator[Progress, None, Checkpoint]:
    """Train a network on the training pixels of a split, and a spectral expert beside it.

    The cube is never read whole. On one device, with one number of threads, the same inputs give
    the same weights bit for bit. Closing the generator cancels; it yields at least twice a step.

    Parameters
    ----------
    cube : Cube
        Its good bands are trained on.
    split : Split
    classes : ClassTable
        Classes without a training pixel get no output.
    model : {"compact", "standard"} or ModelConfig
        The numbers of bands and classes in a configuration are replaced by the actual ones.
    config : TrainingConfig
    device : str
        See `choose_device`.
    start_from : Checkpoint, optional
        A model whose weights the network begins with, classes matched by id, in place of random
        ones. It keeps that model's standardiser and takes `TrainingConfig.restarted`. On the same
        scene, labels that it learned are trained on and those that it validated with validate,
        whatever the split says; the checkpoint remembers both models' pixels. The expert is fitted
        anew, its weight and the network's are those of that model, if it had any.
    snapshots : bool
        Whether to yield `ExpertFitted`, and a `ModelSoFar` after each epoch. It changes no weight.
    state : TrainingState, optional
        Where a training with the same other parameters stood when it was cut short: this one goes
        on from there, and tells its epochs again. One that does not fit is left.
    states_every : float
        Seconds after which to yield another `StateSoFar`, at the end of a step.

    Yields
    ------
    Progress
        `TrainingStarted` once; then, in optimiser steps, `StepDone`, `EpochDone`, plain `Progress`
        between them, and what was asked for; a `Notice` where the memory ran out and fewer
        patches are computed at once from then on, where labels do not count, as nothing was
        measured there, where a GPU stands idle, see `gpu_left_out`, and where it goes on from a
        state, or cannot (`StateRefused`).

    Returns
    -------
    Checkpoint
        With the weights of the best validation accuracy, the smaller loss deciding between equals;
        with too few validation pixels to choose by (`TrainingConfig.choose_from`), the last.

    Raises
    ------
    LabelsError
        Where the labels cannot be trained on, see `check_labels`; before anything is trained.
    SettingError
        Where there is no such device or preset, or the network to start from has another form.
    BandsError
        Where the network to start from reads other bands.
    DeviceMemoryError
        Where not even the network, or one patch with it, fits the device's memory.
    TrainingDivergedError
        Where the loss is no longer a number.
    """
    chosen = choose_device(device)
    started = time.monotonic()
    if device == "auto" and (left_out := gpu_left_out()):
        yield Notice(text=left_out)
    yield Progress(text="Reading training pixels")
    first_config = config
    if start_from is not None:
        config = config.restarted()
        split = continue_split(split, start_from, cube)
    given = yield from labelled_pixels(cube, split, classes, config)
    del split  # as large as the scene; no one else may hold it
    outputs, n = given.outputs, len(given.train)
    actual = fitted_model(model, cube, len(outputs))
    if start_from is None:
        standardiser = yield from fit_standardiser(cube, given.train, config)
    else:
        actual = check_start(start_from, cube, actual, follow_scene=config.follow_scene)
        standardiser = start_from.standardiser
    expert = None
    if config.mixture == "mixed":
        expert = yield from fit_expert(
            cube, given.train, given.targets[:n], len(outputs), standardiser, config.seed
        )
        if start_from is None and config.follow_scene:
            actual = fitting_patch(actual, expert)
    draft = Checkpoint(
        weights={},
        model=actual,
        standardiser=standardiser,
        band_indices=cube.good_indices.astype(np.int64),
        wavelengths=None if cube.wavelengths is None else cube.wavelengths[cube.good_indices],
        classes=outputs,
        training_pixels=given.train,
        validation_pixels=given.validation,
        training_ids=given.training_ids,
        record=TrainingRecord(
            scene=cube.name,
            scene_shape=cube.shape,
            fingerprint=cube.fingerprint,
            synthetic=cube.synthetic,
            protocol=config.protocol,
            split=given.description,
            standardisation=f"{config.standardisation}, {standardiser.fitted_on}",
            device=str(chosen),
            seed=config.seed,
            epochs=0,
            seconds=0.0,
            n_train=n,
            n_validation=len(given.validation),
            validation_oa=None,
        ),
    )
    if snapshots and expert is not None:
        so_far = replace(draft, expert=expert.expert)
        yield ExpertFitted(text="The spectral expert is fitted", checkpoint=so_far)
    material = yield from read_material(cube, given.all, actual, standardiser, config)
    config, coordinates = material.config, material.coordinates

    with memory_may_lack(chosen, actual, n):
        generator = torch.Generator().manual_seed(config.seed)
        network = build_network(material.model, generator)
        if start_from is not None:
            take_weights(network, start_from, outputs, coordinates)
        network = network.to(chosen)
        set_generator(network, torch.Generator(chosen).manual_seed(config.seed))
        table, index, school = material.on(chosen)
        targets = torch.from_numpy(given.targets).to(chosen)
        labelled = trained = Samples(index[:n], targets[:n])
        if school is not None and expert is not None:
            trained = yield from school.samples(labelled, expert.expert, config)
        learner = Learner(
            network,
            table,
            trained,
            Samples(index[n:], targets[n:]),
            config,
            generator,
            coordinates,
        )
        yield TrainingStarted(
            total=config.epochs * learner.steps_per_epoch,
            text=f"Training on {n} pixels of {len(outputs)} classes"
            + (f", and {len(trained) - n} as the expert sees them" if school else ""),
            classes=outputs,
            model=actual,
            parameters=sum(p.numel() for p in empty_network(actual).parameters()),
            n_train=n,
            n_validation=len(given.validation),
            epochs=config.epochs,
            device=str(chosen),
        )
        if state is not None:
            try:
                state = take_up(learner, state)
            except ValueError as error:
                yield StateRefused(text=f"What is kept of this training does not fit: {error}.")
                state = None
            else:
                started -= state.seconds
                yield Notice(
                    text=f"The training was taken up in epoch {state.epoch}, kept from before."
                )
        kept = yield from run_epochs(
            learner,
            draft if snapshots else None,
            state,
            started=started,
            states_every=states_every,
        )
        learner.forget_steps()
        network.cpu()  # its best weights are there already
        mixture = None if start_from is None else continue_mixture(start_from)
        if expert is None:
            mixture = None
        elif mixture is None:
            whole = first_config if school is None else taught(first_config, actual)
            mixture = yield from weigh(expert, learner, labelled, whole, school)

    record = replace(
        draft.record,
        epochs=len(kept.history),
        seconds=time.monotonic() - started,
        validation_oa=kept.validation_accuracy,
        mixture=mixture,
        history=kept.history,
    )
    spectral = None if expert is None else expert.expert
    checkpoint = replace(draft, weights=kept.weights, record=record, expert=spectral)
    return checkpoint if start_from is None else continue_record(checkpoint, start_from, cube)
