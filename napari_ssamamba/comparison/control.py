"""The control: the same mixture with a support vector machine in the network's place."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.comparison.baselines import Prediction, svm_search
from napari_ssamamba.events import Progress
from napari_ssamamba.expert.asking import ask
from napari_ssamamba.expert.calibration import best_temperature, log_softmax, pool, with_floor
from napari_ssamamba.expert.fit import FOLDS, fit_expert
from napari_ssamamba.training.mixing import choose_weights

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from numpy.typing import NDArray

    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.standardise import Standardiser

FACTORS = tuple(np.geomspace(0.2, 20.0, 16))
"""On the machine's decision values, of which one is chosen on held-out pixels."""


def run_control(
    cube: Cube,
    pixels: NDArray[np.int32],
    targets: NDArray[np.int64],
    test_pixels: NDArray[np.int32],
    spectra: tuple[NDArray[np.float32], NDArray[np.float32]],
    standardiser: Standardiser,
    seed: int,
) -> Generator[Progress, None, Prediction]:
    """Mix the spectral expert with a support vector machine, weights as for the network.

    Parameters
    ----------
    cube : Cube
    pixels, test_pixels : ndarray of int32, shape (n, 2)
    targets : ndarray of int64
        Class numbers of `pixels`.
    spectra : two ndarray of float32, shape (n, bands)
        Of `pixels` and `test_pixels`.
    standardiser : Standardiser
        The expert's.
    seed : int
    """
    started = time.perf_counter()
    classes = int(targets.max()) + 1
    fitted = yield from fit_expert(cube, pixels, targets, classes, standardiser, seed)
    train, test = spectra
    search = svm_search(train, targets, seed)
    yield Progress(text="Support vector machine")
    said = np.zeros((len(targets), classes))
    for number in np.unique(fitted.fold):
        out = fitted.fold == number
        learned = ~out
        if len(np.unique(targets[learned])) > 1:
            from sklearn.base import clone

            machine = clone(search.best_estimator_).fit(train[learned], targets[learned])
            said[out] = _scores(machine, train[out], classes)
        yield Progress(text="Support vector machine, held out")
    floor = fitted.expert.floor
    factor, _ = best_temperature(said, targets, FACTORS, floor)
    mixture = choose_weights(fitted.held_out, said * factor, targets, floor, FOLDS)
    weights = np.array([mixture.network_weight, mixture.expert_weight])
    trained = time.perf_counter()
    of_machine = with_floor(
        log_softmax(_scores(search.best_estimator_, test, classes) * factor), floor
    )
    of_expert = yield from ask(cube, test_pixels, standardiser, fitted.expert)
    found = pool(weights, np.stack((of_machine, of_expert))).argmax(axis=1)
    share = weights[0] / max(weights.sum(), 1e-9)
    return Prediction(
        found, trained - started, time.perf_counter() - trained, {"SVM's weight": round(share, 2)}
    )


def _scores(machine: Any, spectra: NDArray[np.float32], classes: int) -> NDArray[np.float64]:
    """Return decision values, (n, classes); a class that was not learned gets the lowest."""
    values = machine.decision_function(spectra)
    if values.ndim == 1:  # two classes
        values = np.stack((-values, values), axis=1)
    scores = np.full((len(spectra), classes), values.min())
    scores[:, machine.classes_] = values
    return scores
