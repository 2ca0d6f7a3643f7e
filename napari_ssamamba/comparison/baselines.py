"""What an analyst would otherwise use, with parameters chosen on the training pixels alone."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Features = NDArray[np.float32]

SVM_GRID = {"svc__C": (1.0, 10.0, 100.0, 1000.0), "svc__gamma": (1e-4, 1e-3, 1e-2, 1e-1)}
"""Of an RBF kernel on features of variance 1."""

TREES = 300


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What a method says of the test pixels.

    Attributes
    ----------
    targets : ndarray of int64, shape (n,)
        Class numbers.
    train_seconds, predict_seconds : float
    parameters : dict
        Those chosen by cross-validation, or the method's size.
    """

    targets: NDArray[np.int64]
    train_seconds: float
    predict_seconds: float
    parameters: dict[str, float | int | str]


def run_svm(
    views: Sequence[tuple[str, Features, Features]], targets: NDArray[np.int64], seed: int
) -> Prediction:
    """Support vector machine with an RBF kernel; C, γ and the view by cross-validation.

    Parameters
    ----------
    views : sequence of (name, training features, test features)
        What it may look at; each of shape (pixels, features).
    targets : ndarray of int64
        Of the training pixels.
    seed : int
    """
    started = time.perf_counter()
    searches = [svm_search(train, targets, seed) for _, train, _ in views]
    best = int(np.argmax([search.best_score_ for search in searches]))
    trained = time.perf_counter()
    found = searches[best].predict(views[best][2])
    parameters: dict[str, float | int | str] = {
        name.removeprefix("svc__"): value for name, value in searches[best].best_params_.items()
    }
    if len(views) > 1:
        parameters["features"] = views[best][0]
    return Prediction(found, trained - started, time.perf_counter() - trained, parameters)


def svm_search(train: Features, targets: NDArray[np.int64], seed: int) -> Any:
    """Return a fitted search over `SVM_GRID`, by cross-validation in at most three folds."""
    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    folds = StratifiedKFold(
        int(np.clip(least_count(targets), 2, 3)), shuffle=True, random_state=seed
    )
    model = make_pipeline(StandardScaler(), SVC(decision_function_shape="ovr"))
    return GridSearchCV(model, SVM_GRID, cv=folds).fit(train, targets)


def run_lda(train: Features, test: Features, targets: NDArray[np.int64]) -> Prediction:
    """Linear discriminant analysis with Ledoit and Wolf's shrinkage."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    return _fit(
        LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"), train, test, targets, {}
    )


def run_forest(
    train: Features, test: Features, targets: NDArray[np.int64], seed: int
) -> Prediction:
    """Random forest of `TREES` trees."""
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(TREES, random_state=seed)
    return _fit(forest, train, test, targets, {"trees": TREES})


def least_count(targets: NDArray[np.int64]) -> int:
    """Return the number of pixels of the rarest class that has any."""
    counts = np.bincount(targets)
    return int(counts[counts > 0].min())


def _fit(
    model: Any,
    train: Features,
    test: Features,
    targets: NDArray[np.int64],
    parameters: dict[str, float | int | str],
) -> Prediction:
    started = time.perf_counter()
    model.fit(train, targets)
    trained = time.perf_counter()
    found = model.predict(test)
    return Prediction(found, trained - started, time.perf_counter() - trained, parameters)
