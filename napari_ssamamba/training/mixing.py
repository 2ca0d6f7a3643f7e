"""How much the network and the spectral expert count: decided on labels that neither learned.

A network of few steps is trained on four fifths of the labels and asked about the last fifth; the
expert was asked fold by fold when it was fitted. The two weights maximise the likelihood of the
mixture, in which rare classes count a little more than their labels, against a prior: half each
where the expert taught the network, else the expert alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_ssamamba.checkpoint import MixtureRecord
from napari_ssamamba.expert.calibration import (
    fit_pool,
    log_softmax,
    mean_log_loss,
    pool,
    root_weights,
    with_floor,
)
from napari_ssamamba.expert.fit import FOLDS
from napari_ssamamba.expert.folds import by_typicality
from napari_ssamamba.training.held_out import score_held_out

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_ssamamba.events import Progress
    from napari_ssamamba.expert.fit import FittedExpert
    from napari_ssamamba.model.config import ModelConfig
    from napari_ssamamba.training.config import TrainingConfig
    from napari_ssamamba.training.learner import Learner, Samples
    from napari_ssamamba.training.lessons import School

ENOUGH = 600
"""Labels of which a fifth, held out once, tells the weights well enough; of fewer, all are held out
in turn, unless the network is taught: then the prior says most of it. EnMAP with 30 labels a class,
seven draws by seeds 10 to 19: the weights that any single fold chooses change overall accuracy by
0.2 points at most, and by none on average, beside those that three folds choose together."""

SMALLEST_PATCH = 3


class Expected(NamedTuple):
    """Weights as far as held-out labels say nothing else.

    Attributes
    ----------
    network, expert : float
    worth : float
        Labels a member, as a share of those scored, that the prior is worth.
    """

    network: float
    expert: float
    worth: float


EXPERT_ALONE = Expected(0.0, 1.0, 0.05)
"""Of a network that learns from labels alone, which has to earn its weight. Labels held out lie
among those learned, where the network is better than far from them. The worth was chosen on
training tiles cut anew, seeds 10 to 17, and EnMAP with 30 labels a class, seeds 10 to 12: the
network's weight falls by a quarter to a half, the average over classes of unseen tiles rises by
0.4, and nothing else changes; more of it costs the average over classes where these have as many
labels."""

HALF_EACH = Expected(0.5, 0.5, 0.2)
"""Of a taught network, which knows what the expert does. Few held-out labels tell the two apart,
and the small network that stands for it knows less. Overall accuracy, beside that with
`EXPERT_ALONE`, where all labels were held out in turn: Houston's stand-in and the built-in scene,
seed 10, 93.3 and 92.7, 96.3 and 96.0; Salinas-A with 10 labels, seeds 12 to 15, 99.6 and 99.4;
EnMAP with 30, seeds 10 and 11, 67.4 and 67.3; training tiles cut anew, seeds 10 and 11, 75.5 and
75.5. With a quarter of the labels held out, a worth of 0.05 loses up to 0.2 points on the same
draws, and a larger one gains nothing."""


def fitting_patch(model: ModelConfig, expert: FittedExpert) -> ModelConfig:
    """Shrink the patch where the expert leaves the surroundings out."""
    if expert.expert.sees_surroundings:
        return model
    return replace(model, patch_size=min(model.patch_size, SMALLEST_PATCH))


def weigh(
    expert: FittedExpert,
    learner: Learner,
    labelled: Samples,
    config: TrainingConfig,
    school: School | None = None,
) -> Generator[Progress, None, MixtureRecord]:
    """Train networks to score the network, and choose the mixture's weights.

    Parameters
    ----------
    expert : FittedExpert
        Of the same pixels.
    learner : Learner
        Of the network that is to be scored; it says how many patches fit the memory.
    labelled : Samples
        The expert's pixels: rows of the learner's table.
    config : TrainingConfig
    school : School, optional
        Of a network that is taught.

    Yields
    ------
    Progress
        `Notice` where the memory ran out.
    """
    targets = labelled.targets.cpu().numpy()
    numbers = by_typicality(expert.fold, targets)
    if len(targets) > ENOUGH or school is not None:
        numbers = numbers[:1]
    said = yield from score_held_out(
        learner.network.config,
        learner.table,
        labelled,
        expert.fold,
        numbers,
        config,
        learner,
        school,
        expert.without,
    )
    scored = np.isin(expert.fold, numbers)
    return choose_weights(
        expert.held_out[scored],
        said[scored],
        targets[scored],
        expert.expert.floor,
        len(numbers),
        EXPERT_ALONE if school is None else HALF_EACH,
    )


def mix_held_out(
    expert: FittedExpert, network: NDArray[np.float64], targets: NDArray[np.int64]
) -> tuple[NDArray[np.float64], MixtureRecord]:
    """Mix what both say of labels that they have not learned, by weights that these choose.

    Parameters
    ----------
    expert : FittedExpert
    network : ndarray of float64, shape (n, classes)
        Scores before they are normalised, of the pixels that the expert was fitted to.
    targets : ndarray of int64, shape (n,)

    Returns
    -------
    mixed : ndarray of float64, shape (n, classes)
        Log-probabilities.
    record : MixtureRecord
    """
    floor = expert.expert.floor
    record = choose_weights(expert.held_out, network, targets, floor, FOLDS)
    members = np.stack((with_floor(log_softmax(network), floor), expert.held_out))
    return pool(np.array([record.network_weight, record.expert_weight]), members), record


def choose_weights(
    expert: NDArray[np.float64],
    network: NDArray[np.float64],
    targets: NDArray[np.int64],
    floor: float,
    rounds: int,
    expected: Expected = EXPERT_ALONE,
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
    expected : Expected
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
        expected=np.array([expected.network, expected.expert]),
        prior_pixels=expected.worth * len(targets),
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
        how=f"each of {len(targets)} labels held out once; "
        + (f"{rounds} networks" if rounds > 1 else "a network")
        + " of fewer steps and labels in the network's place",
    )
