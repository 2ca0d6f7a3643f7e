"""All methods on one split: what each was given is the same, and so are the pixels that count."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from napari_ssamamba.comparison.baselines import Prediction, run_forest, run_lda, run_svm
from napari_ssamamba.comparison.control import run_control
from napari_ssamamba.comparison.morphology import smoothed_components
from napari_ssamamba.comparison.networks import run_comparator
from napari_ssamamba.data.classes import UNLABELLED
from napari_ssamamba.data.cube import has_measurement
from napari_ssamamba.data.patches import read_spectra
from napari_ssamamba.data.standardise import fit_mean_deviation
from napari_ssamamba.data.tiles import Window
from napari_ssamamba.errors import LabelsError
from napari_ssamamba.events import Progress, retold
from napari_ssamamba.prediction.class_map import MapTile
from napari_ssamamba.prediction.predictor import map_tiles
from napari_ssamamba.training.labelled import measured_split
from napari_ssamamba.training.metrics import assess
from napari_ssamamba.training.trainer import train as train_network

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from numpy.typing import NDArray

    from napari_ssamamba.checkpoint import Checkpoint, MixtureRecord
    from napari_ssamamba.data.classes import ClassTable
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.split import Split
    from napari_ssamamba.data.standardise import Standardiser
    from napari_ssamamba.model.config import ModelConfig
    from napari_ssamamba.prediction.mixer import Members
    from napari_ssamamba.training.config import TrainingConfig
    from napari_ssamamba.training.metrics import Accuracy

Method = Literal[
    "mixed", "network", "expert", "control", "svm", "forest", "lda", "emp-svm", "cnn", "metaformer"
]

NAMES: dict[Method, str] = {
    "mixed": "SSA-Mamba + expert (default)",
    "network": "SSA-Mamba alone",
    "expert": "spectral expert alone",
    "control": "control: expert + SVM",
    "svm": "SVM",
    "forest": "Random forest",
    "lda": "LDA",
    "emp-svm": "EMP-SVM",
    "cnn": "CNN",
    "metaformer": "MetaFormer-T (after)",
}
"""What tables call the methods. The first three are one training: see `predict`'s `members`."""

OURS: tuple[Members, ...] = ("mixed", "network", "expert")


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """A method's result on one split.

    Attributes
    ----------
    method : str
        Of `Method`.
    accuracy : Accuracy
        On the test pixels.
    n_learned : int
        Labels that it learned from, or validated on.
    train_seconds, predict_seconds : float
        Of the test pixels alone.
    parameters : dict
        What it chose, and how large it is.
    mixture : MixtureRecord or None
        Of ours.
    """

    method: Method
    accuracy: Accuracy
    n_learned: int
    train_seconds: float
    predict_seconds: float
    parameters: dict[str, float | int | str]
    mixture: MixtureRecord | None = None


def compare(
    cube: Cube,
    split: Split,
    classes: ClassTable,
    model: ModelConfig,
    config: TrainingConfig,
    methods: Sequence[Method] = get_args(Method),
    device: str = "auto",
    train: Callable[..., Generator[Progress, None, Checkpoint]] = train_network,
) -> Generator[Progress, None, list[Scored]]:
    """Train and score methods on one split.

    Others than ours learn from training and validation pixels together, for they choose their
    parameters by cross-validation on them, or have none to choose. The networks among them read
    patches as large as ours ended with, or as `model` says where ours is not asked for. Between two
    events a whole baseline may be fitted.

    Parameters
    ----------
    cube : Cube
    split : Split
    classes : ClassTable
    model : ModelConfig
    config : TrainingConfig
    methods : sequence of Method
    device : str
    train : callable
        What trains ours, with the parameters of `training.trainer.train`.

    Returns
    -------
    list of Scored
        In the order of `methods`.

    Raises
    ------
    LabelsError
        Where nothing is left to test on, and as `train` does.
    """
    if not split.test.any():
        raise LabelsError(
            f"No pixel is left to test on ({split.description}). Draw training pixels from the "
            "labels, or give a map of test pixels."
        )
    split = yield from measured_split(cube, split, classes, config)
    results: dict[Method, Scored] = {}
    if wanted := [m for m in OURS if m in methods]:
        checkpoint = yield from train(cube, split, classes, model, config, device)
        model = checkpoint.model
        results.update((yield from _map_ours(cube, split, classes, checkpoint, wanted, device)))
    if others := [m for m in methods if m not in OURS]:
        work = _run_others(cube, split, classes, model, config, others, device)
        results.update((yield from work))
    return [results[m] for m in methods]


def _map_ours(
    cube: Cube,
    split: Split,
    classes: ClassTable,
    checkpoint: Checkpoint,
    wanted: Sequence[Members],
    device: str,
) -> Generator[Progress, None, dict[Method, Scored]]:
    """Map the test pixels with each of the wanted members of one training."""
    rows, columns = np.nonzero(split.test)
    region = Window(
        int(rows.min()), int(rows.max()) + 1, int(columns.min()), int(columns.max()) + 1
    )
    truth = np.where(split.test, split.ids, np.uint16(UNLABELLED))
    results: dict[Method, Scored] = {}
    for members in wanted:
        found = np.full_like(truth, UNLABELLED)
        work = map_tiles(
            cube, checkpoint, region=region, device=device, done=~split.test, members=members
        )
        mapped = yield from retold(work, partial(_place, found))
        mixture = checkpoint.record.mixture
        parameters: dict[str, float | int | str] = {}
        if members != "expert":
            parameters["patch"] = checkpoint.model.patch_size
        if mixture is not None and members == "mixed":
            parameters["network's weight"] = round(mixture.network_share, 2)
        if checkpoint.expert is not None and members != "network":
            parameters["weight of surroundings"] = round(checkpoint.expert.context, 2)
            parameters["weight of support"] = checkpoint.expert.support
        results[members] = Scored(
            members,
            assess(truth, found, classes),
            split.n_learned,
            checkpoint.record.seconds,
            mapped.seconds,
            parameters,
            mixture,
        )
    return results


def _place(found: NDArray[np.uint16], event: Progress) -> Progress:
    """Put the classes that a mapping brings where they belong."""
    if isinstance(event, MapTile):
        found[event.lattice][event.new] = event.ids[event.new]
    return event


@dataclass(frozen=True, slots=True, eq=False)
class _Given:
    """What the others learn from and are asked about: places, class numbers, scaled spectra."""

    pixels: NDArray[np.int32]
    targets: NDArray[np.int64]
    test_pixels: NDArray[np.int32]
    raw: NDArray[np.float32]
    standardiser: Standardiser
    spectra: NDArray[np.float32]
    test_spectra: NDArray[np.float32]


def _run_others(
    cube: Cube,
    split: Split,
    classes: ClassTable,
    model: ModelConfig,
    config: TrainingConfig,
    wanted: Sequence[Method],
    device: str,
) -> Generator[Progress, None, dict[Method, Scored]]:
    """Fit the others to the same labels; of the scene only what they need is read."""
    learned = split.train | split.validation
    truth = np.where(split.test, split.ids, np.uint16(UNLABELLED))
    ids, targets = np.unique(split.ids[learned], return_inverse=True)
    pixels = np.argwhere(learned).astype(np.int32)
    test_pixels = np.argwhere(split.test).astype(np.int32)
    raw, asked = read_spectra(cube, pixels), read_spectra(cube, test_pixels)
    measured = has_measurement(asked)  # the others are in no map, and count nowhere
    if not measured.any():
        raise LabelsError(
            f"None of the {len(test_pixels)} test pixels lies where {cube.name} has a measurement. "
            "Choose another split."
        )
    test_pixels = test_pixels[measured]
    scale = fit_mean_deviation(raw)
    test = scale(asked[measured])
    given = _Given(pixels, targets, test_pixels, raw, scale, scale(raw), test)
    results: dict[Method, Scored] = {}
    for method in wanted:
        yield Progress(text=f"Fitting {NAMES[method]}")
        found = yield from _predict_other(method, cube, given, model, config, device)
        guess = np.zeros_like(truth)
        guess[test_pixels[:, 0], test_pixels[:, 1]] = ids[found.targets]
        results[method] = Scored(
            method,
            assess(truth, guess, classes),
            split.n_learned,
            found.train_seconds,
            found.predict_seconds,
            found.parameters,
        )
    return results


def _predict_other(
    method: Method,
    cube: Cube,
    given: _Given,
    model: ModelConfig,
    config: TrainingConfig,
    device: str,
) -> Generator[Progress, None, Prediction]:
    """Run one of the others."""
    train, test, targets, seed = given.spectra, given.test_spectra, given.targets, config.seed
    pixels, test_pixels = given.pixels, given.test_pixels
    if method == "svm":
        return run_svm([("spectra", train, test)], targets, seed)
    if method == "forest":
        return run_forest(train, test, targets, seed)
    if method == "lda":
        return run_lda(train, test, targets)
    if method == "control":
        return (
            yield from run_control(
                cube, pixels, targets, test_pixels, (train, test), given.standardiser, seed
            )
        )
    if method == "cnn" or method == "metaformer":
        return (
            yield from run_comparator(
                method,
                cube,
                (pixels, test_pixels),
                targets,
                given.standardiser,
                model,
                config,
                device,
            )
        )
    views = yield from smoothed_components(cube, given.raw, seed)
    at, test_at = tuple(pixels.T), tuple(test_pixels.T)
    return run_svm([(name, view[at], view[test_at]) for name, view in views.items()], targets, seed)


@dataclass(frozen=True, slots=True)
class Row:
    """A method's mean and standard deviation over splits that differ by their seed.

    Attributes
    ----------
    method : str
        As tables name it.
    oa, aa, kappa, oa_std, aa_std, kappa_std : float
        Percent; deviations over the splits (with n in the denominator).
    train_seconds, predict_seconds : float
        Means.
    parameters : dict
        Of each split in turn.
    """

    method: str
    oa: float
    aa: float
    kappa: float
    oa_std: float
    aa_std: float
    kappa_std: float
    train_seconds: float
    predict_seconds: float
    parameters: tuple[dict[str, float | int | str], ...]


def summarise(runs: Sequence[Sequence[Scored]]) -> list[Row]:
    """Sum up the runs of several splits, one row for each method."""
    rows = []
    for scored in zip(*runs, strict=True):
        figures = np.array([(s.accuracy.oa, s.accuracy.aa, s.accuracy.kappa) for s in scored])
        (oa, aa, kappa), (oa_std, aa_std, kappa_std) = figures.mean(axis=0), figures.std(axis=0)
        rows.append(
            Row(
                method=NAMES[scored[0].method],
                oa=float(oa),
                aa=float(aa),
                kappa=float(kappa),
                oa_std=float(oa_std),
                aa_std=float(aa_std),
                kappa_std=float(kappa_std),
                train_seconds=float(np.mean([s.train_seconds for s in scored])),
                predict_seconds=float(np.mean([s.predict_seconds for s in scored])),
                parameters=tuple(s.parameters for s in scored),
            )
        )
    return rows
