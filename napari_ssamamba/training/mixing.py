"""How much the network and the spectral expert count: decided on labels that neither learned.

Small networks are trained on two thirds of the labels and asked about the last third; the expert
was asked fold by fold when it was fitted. The two weights maximise the likelihood of the mixture,
in which rare classes count a little more than their labels, against a prior for the expert alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_ssamamba.checkpoint import MixtureRecord
from napari_ssamamba.events import Notice, Progress
from napari_ssamamba.expert.calibration import (
    fit_pool,
    log_softmax,
    mean_log_loss,
    pool,
    root_weights,
    with_floor,
)
from napari_ssamamba.expert.folds import spatial_folds
from napari_ssamamba.model.network import build_network, set_generator
from napari_ssamamba.training.learner import Learner, Samples

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray
    from torch import Tensor

    from napari_ssamamba.expert.fit import FittedExpert
    from napari_ssamamba.model.config import ModelConfig
    from napari_ssamamba.training.config import TrainingConfig

FOLDS = 3

ENOUGH = 600
"""Labels of which a third, held out once, tells the weights well enough; fewer are all held out in
turn."""

MOST_STEPS = 200
"""Of a network that is trained only to be scored."""

SMALLEST_PATCH = 3

TO_BE_EARNED = 0.05
"""Labels a member, as a share of those scored, that the prior for the expert alone is worth. Labels
held out lie among those learned, where the network is better than far from them. Chosen on training
tiles cut anew, seeds 10 to 17, and EnMAP with 30 labels a class, seeds 10 to 12: the network's
weight falls by a quarter to a half, the average over classes of unseen tiles rises by 0.4, and
nothing else changes; more of it costs the average over classes where these have as many labels."""


def fitting_patch(model: ModelConfig, expert: FittedExpert) -> ModelConfig:
    """Shrink the patch where the expert leaves the surroundings out."""
    if expert.expert.sees_surroundings:
        return model
    return replace(model, patch_size=min(model.patch_size, SMALLEST_PATCH))


def weigh(
    expert: FittedExpert,
    learner: Learner,
    samples: Samples,
    pixels: NDArray[np.int32],
    config: TrainingConfig,
) -> Generator[Progress, None, MixtureRecord]:
    """Train networks to score the network, and choose the mixture's weights.

    Parameters
    ----------
    expert : FittedExpert
        Of the same pixels.
    learner : Learner
        Of the network that is to be scored; it says how many patches fit the memory.
    samples : Samples
        All labelled pixels: rows of the learner's table.
    pixels : ndarray of int32, shape (n, 2)
        Their rows and columns.
    config : TrainingConfig

    Yields
    ------
    Progress
        `Notice` where the memory ran out.
    """
    targets = samples.targets.cpu().numpy()
    fold = spatial_folds(pixels, targets, FOLDS, config.seed)
    rounds = FOLDS if len(targets) <= ENOUGH else 1
    steps = min(MOST_STEPS, config.epochs * config.steps_per_epoch(len(targets)) // 2)
    short = replace(config, epochs=1, min_steps=max(1, steps), max_steps=max(1, steps))
    said = np.zeros((len(targets), learner.network.config.classes))
    for number in range(rounds):
        out = fold == number
        if not out.any() or out.all():
            continue
        said[out] = yield from _held_out_network(learner, samples, out, short, (number, rounds))
    scored = fold < rounds
    return choose_weights(
        expert.held_out[scored], said[scored], targets[scored], expert.expert.floor, rounds
    )


def choose_weights(
    expert: NDArray[np.float64],
    network: NDArray[np.float64],
    targets: NDArray[np.int64],
    floor: float,
    rounds: int,
) -> MixtureRecord:
    """Choose the two weights on held-out pixels.

    Parameters
    ----------
    expert, network : ndarray of float64, shape (n, classes)
        The expert's log-probabilities, and the network's scores before they are normalised.
    targets : ndarray of int64, shape (n,)
    floor : float
        The network's, see `with_floor`; the expert has its own.
    rounds : int
        How many networks were scored, for the report.
    """
    calibrated = with_floor(log_softmax(network), floor)
    members = np.stack((calibrated, expert))
    # Trained in a minute, the network neglects rare classes: counted label by label, it gets a
    # weight that costs these. On training tiles cut anew, seeds 10 to 14, unseen tiles have a
    # log-loss of 0.82 in place of 0.85 so, with OA and AA the same.
    weights = fit_pool(
        members,
        targets,
        root_weights(targets),
        expected=np.array([0.0, 1.0]),
        prior_pixels=TO_BE_EARNED * len(targets),
    )
    mixed = pool(weights, members)
    scores = [
        (100.0 * float((said.argmax(axis=1) == targets).mean()), mean_log_loss(said, targets))
        for said in (calibrated, expert, mixed)
    ]
    return MixtureRecord(
        network_weight=float(weights[0]),
        expert_weight=float(weights[1]),
        network_oa=scores[0][0],
        expert_oa=scores[1][0],
        mixed_oa=scores[2][0],
        network_log_loss=scores[0][1],
        expert_log_loss=scores[1][1],
        mixed_log_loss=scores[2][1],
        n=len(targets),
        how=f"each of {len(targets)} labels held out once; {rounds} networks of fewer steps and "
        "labels stand for the network",
    )


def _held_out_network(
    beside: Learner,
    samples: Samples,
    out: NDArray[np.bool_],
    config: TrainingConfig,
    round_of: tuple[int, int],
) -> Generator[Progress, None, NDArray[np.float64]]:
    """Train on the other labels and return the scores of those held out, (held out, classes)."""
    number, rounds = round_of
    table = beside.table
    held_out = torch.from_numpy(out).to(table.device)
    generator = torch.Generator().manual_seed(config.seed + 1 + number)
    network = build_network(beside.network.config, generator).to(table.device)
    set_generator(network, torch.Generator(table.device).manual_seed(config.seed + 1 + number))
    learner = Learner(
        network,
        table,
        Samples(samples.index[~held_out], samples.targets[~held_out]),
        Samples(samples.index[held_out], samples.targets[held_out]),
        config,
        generator,
    )
    learner.trained_at_once = beside.trained_at_once
    learner.validated_at_once = beside.validated_at_once
    total = float(learner.steps_per_epoch * rounds)
    done = number * learner.steps_per_epoch

    def told(text: str | None) -> Progress:
        if text is not None:
            return Notice(done=done, total=total, text=text)
        return Progress(done=done, total=total, text="Weighing the network on held-out labels")

    for batch in learner.batches():
        for pause in learner.step(batch):
            yield told(pause)
        done += 1
    if config.settle_norms:
        for pause in learner.settle_norms():
            yield told(pause)
    work = learner.validation_logits()
    while True:
        try:
            yield told(next(work))
        except StopIteration as end:
            logits: Tensor = end.value
            return logits.float().cpu().numpy().astype(np.float64)
