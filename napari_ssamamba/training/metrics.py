"""How well a map agrees with a reference, and how independent the two are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.classes import UNLABELLED, ClassTable
from napari_ssamamba.data.strips import strips
from napari_ssamamba.errors import LabelsError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Accuracy:
    """Agreement of predicted with reference classes.

    Attributes
    ----------
    oa : float
        Overall accuracy, percent: trace over total of the confusion matrix.
    aa : float
        Average accuracy, percent: mean recall of the classes that the reference holds.
    kappa : float
        Cohen's κ × 100: (p_o − p_e) / (1 − p_e). NaN where p_e is 1.
    n : int
        Pixels compared.
    classes : ClassTable
        Classes that the reference or the prediction holds, in the table's order.
    recall : ndarray of float64, shape (classes,)
        Percent (producer's accuracy); NaN where the reference lacks the class.
    confusion : ndarray of int64, shape (classes, classes)
        Rows are the reference, columns the prediction.
    """

    oa: float
    aa: float
    kappa: float
    n: int
    classes: ClassTable
    recall: NDArray[np.float64]
    confusion: NDArray[np.int64]


def assess(
    reference: NDArray[np.uint16], predicted: NDArray[np.uint16], classes: ClassTable
) -> Accuracy:
    """Compare a prediction with a reference, wherever both have a class.

    Parameters
    ----------
    reference, predicted : ndarray of uint16, of one shape
        Class ids; pixels where either is 0 do not count.
    classes : ClassTable

    Returns
    -------
    Accuracy

    Raises
    ------
    LabelsError
        Where no pixel has a class in both, or an id is not in the table.
    """
    from sklearn.metrics import confusion_matrix

    known = set(classes.ids)
    labels = [UNLABELLED, *classes.ids]  # never one alone, of which scikit-learn would warn
    whole = np.zeros((len(known), len(known)), np.int64)
    unknown: set[int] = set()
    for true, said in strips(reference, predicted):
        counts = (true != UNLABELLED) & (said != UNLABELLED)
        if counts.any():
            true, said = true[counts], said[counts]
            unknown |= {int(i) for i in np.union1d(true, said)} - known
            if not unknown:
                whole += confusion_matrix(true, said, labels=labels)[1:, 1:]
    if not whole.any() and not unknown:
        raise LabelsError(
            "No pixel has a class in both the map and the reference. Check that they show the "
            "same area, and that the reference has pixels that were not trained on."
        )
    if unknown:
        raise LabelsError(
            "The map or the reference holds class ids that the class table lacks: "
            f"{sorted(unknown)}. Use the class table that belongs to them."
        )
    present = np.flatnonzero(whole.any(axis=0) | whole.any(axis=1)).tolist()
    every = tuple(classes)
    table = ClassTable(tuple(every[place] for place in present))
    return accuracy_of(whole[np.ix_(present, present)], table)


def accuracy_of(confusion: NDArray[np.int64], classes: ClassTable) -> Accuracy:
    """Sum up a confusion matrix.

    Parameters
    ----------
    confusion : ndarray of int64, shape (classes, classes)
        Rows are the reference, columns the prediction.
    classes : ClassTable

    Returns
    -------
    Accuracy
        Of NaN where the matrix is empty.
    """
    from sklearn.metrics import cohen_kappa_score

    n, in_reference = int(confusion.sum()), confusion.sum(axis=1)
    recall = np.full(len(classes), np.nan)
    np.divide(100.0 * confusion.diagonal(), in_reference, out=recall, where=in_reference > 0)
    # Where there is one class p_e is 1, and scikit-learn would warn of a division by zero.
    several = np.count_nonzero(in_reference + confusion.sum(axis=0)) > 1
    true, guess = np.indices(confusion.shape)
    weights = confusion.ravel()
    return Accuracy(
        oa=100.0 * float(confusion.trace()) / n if n else float("nan"),
        aa=float(recall[in_reference > 0].mean()) if n else float("nan"),
        kappa=100.0 * float(cohen_kappa_score(true.ravel(), guess.ravel(), sample_weight=weights))
        if several
        else float("nan"),
        n=n,
        classes=classes,
        recall=recall,
        confusion=confusion,
    )


def distance_to_training(shape: tuple[int, int], training_pixels: ArrayLike) -> NDArray[np.int32]:
    """Measure how far each pixel of a scene lies from the nearest training pixel.

    Patches of side P overlap unless their centres are at least P apart in this measure.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the scene.
    training_pixels : array of int, shape (n, 2)
        Row and column; at least one.

    Returns
    -------
    ndarray of int32, shape (rows, columns)
        The larger of the distances in rows and columns (Chebyshev), in pixels.
    """
    from scipy.ndimage import distance_transform_cdt

    pixels = np.asarray(training_pixels, np.intp)
    elsewhere = np.ones(shape, bool)
    elsewhere[pixels[:, 0], pixels[:, 1]] = False
    return np.asarray(distance_transform_cdt(elsewhere, metric="chessboard"), np.int32)
