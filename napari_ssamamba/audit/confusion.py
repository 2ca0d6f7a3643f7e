"""The confusion matrix of a map, and the pixels of each of its cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.audit.intervals import Interval, kappa_interval, mean_interval, wilson
from napari_ssamamba.data.classes import MAX_CLASS_ID, UNLABELLED, ClassTable
from napari_ssamamba.events import Progress

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from numpy.typing import NDArray

    from napari_ssamamba.audit.truth import Truth
    from napari_ssamamba.training.metrics import Accuracy


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a confusion matrix.

    Attributes
    ----------
    reference, predicted : int
        Class ids.
    """

    reference: int
    predicted: int


@dataclass(frozen=True, slots=True, eq=False)
class Confusion:
    """A map beside the truth, pixel by pixel.

    Attributes
    ----------
    truth : str
        What was taken as truth, for reports.
    accuracy : Accuracy
        With the matrix, rows reference, columns predicted, and the classes of both.
    users_accuracy : ndarray of float64, shape (classes,)
        Percent of the pixels mapped as a class that are of it; NaN where none is mapped as it.
        Producer's accuracy is ``accuracy.recall``.
    producers_intervals, users_intervals : ndarray of float64, shape (classes, 2)
        Wilson's, percent; NaN where the accuracy is.
    oa_interval, aa_interval, kappa_interval : Interval
    order : ndarray of intp, shape (n,)
        Flat indices into the scene of all pixels that count, cell by cell in the order of the
        flat matrix, within a cell from the most confident to the least.
    columns : int
        Of the scene.
    left_out : int
        Pixels of the truth that do not count, as they were found wrong.
    """

    truth: str
    accuracy: Accuracy
    users_accuracy: NDArray[np.float64]
    producers_intervals: NDArray[np.float64]
    users_intervals: NDArray[np.float64]
    oa_interval: Interval
    aa_interval: Interval
    kappa_interval: Interval
    order: NDArray[np.intp]
    columns: int
    left_out: int = 0

    @property
    def classes(self) -> ClassTable:
        """Classes of rows and columns."""
        return self.accuracy.classes

    @property
    def matrix(self) -> NDArray[np.int64]:
        """Counts; rows reference, columns predicted."""
        return self.accuracy.confusion

    def count(self, cell: Cell) -> int:
        """Count the pixels of a cell; 0 for classes that the matrix lacks."""
        place = self._place(cell)
        return 0 if place is None else int(self.matrix.flat[place])

    def pixels(self, cell: Cell) -> NDArray[np.int32]:
        """Return a cell's pixels, the most confident first: row and column, shape (n, 2)."""
        place = self._place(cell)
        if place is None:
            return np.empty((0, 2), np.int32)
        end = int(self.matrix.ravel()[: place + 1].sum())
        flat = self.order[end - int(self.matrix.flat[place]) : end]
        return np.stack(np.divmod(flat, self.columns), axis=1).astype(np.int32)

    def cell_at(self, pixel: tuple[int, int]) -> Cell | None:
        """Return the cell that a pixel, row and column, counts in; None where it does not count."""
        row, column = pixel
        found = np.flatnonzero(self.order == row * self.columns + column)
        if not found.size:
            return None
        place = int(np.searchsorted(self.matrix.ravel().cumsum(), found[0], side="right"))
        ids = self.classes.ids
        return Cell(ids[place // len(ids)], ids[place % len(ids)])

    def worst(self) -> list[Cell]:
        """Return the cells off the diagonal that hold pixels, the largest first."""
        errors = self.matrix.copy()
        np.fill_diagonal(errors, 0)
        ids = self.classes.ids
        by_count = np.argsort(-errors, axis=None, kind="stable")[: int((errors > 0).sum())]
        return [Cell(ids[i // len(ids)], ids[i % len(ids)]) for i in by_count.tolist()]

    def without(self, wrong: Mapping[tuple[int, int], int]) -> Confusion:
        """Return the matrix without pixels whose truth was found wrong.

        Parameters
        ----------
        wrong : mapping
            Row and column to the class that the pixel is not of; pixels that the truth gives
            another class count on.
        """
        from napari_ssamamba.training.metrics import accuracy_of

        flat = {row * self.columns + column: id for (row, column), id in wrong.items()}
        at = np.flatnonzero(np.isin(self.order, list(flat)))
        cells = np.searchsorted(self.matrix.ravel().cumsum(), at, side="right")
        ids = self.classes.ids
        out = np.array(
            [
                ids[c // len(ids)] == flat[int(i)]
                for c, i in zip(cells, self.order[at], strict=True)
            ],
            bool,
        )
        taken = np.bincount(cells[out], minlength=self.matrix.size).reshape(self.matrix.shape)
        return _described(
            self.truth,
            accuracy_of(self.matrix - taken, self.classes),
            np.delete(self.order, at[out]),
            self.columns,
            left_out=self.left_out + int(out.sum()),
        )

    def _place(self, cell: Cell) -> int | None:
        """Return where a cell is in the flat matrix."""
        ids = self.classes.ids
        if cell.reference not in ids or cell.predicted not in ids:
            return None
        return ids.index(cell.reference) * len(ids) + ids.index(cell.predicted)


def confuse(
    truth: Truth,
    predicted: NDArray[np.uint16],
    confidence: NDArray[np.float32],
    map_classes: ClassTable,
) -> Generator[Progress, None, Confusion]:
    """Compare a map with the truth, wherever both have a class.

    Parameters
    ----------
    truth : Truth
    predicted : ndarray of uint16, shape (rows, columns)
        Class ids, matched by id with those of the truth.
    confidence : ndarray of float32, shape (rows, columns)
    map_classes : ClassTable

    Raises
    ------
    LabelsError
        Where no pixel has a class in both.
    """
    from napari_ssamamba.training.metrics import assess

    yield Progress(done=0, total=2, text="Comparing the map with the truth")
    flat = np.flatnonzero((truth.ids != UNLABELLED) & (predicted != UNLABELLED))
    true, mapped = truth.ids.ravel()[flat], predicted.ravel()[flat]
    others = tuple(c for c in map_classes if c.id not in truth.classes)
    accuracy = assess(true, mapped, ClassTable((*truth.classes, *others)))
    yield Progress(done=1, total=2, text="Sorting the pixels by cell and confidence")
    ids = accuracy.classes.ids
    place = np.zeros(MAX_CLASS_ID + 1, np.int64)
    place[list(ids)] = np.arange(len(ids))
    cells = place[true] * len(ids) + place[mapped]
    order = flat[np.lexsort((-confidence.ravel()[flat], cells))]
    return _described(truth.name, accuracy, order, truth.ids.shape[1])


def _described(
    truth: str, accuracy: Accuracy, order: NDArray[np.intp], columns: int, left_out: int = 0
) -> Confusion:
    """Add to a matrix what follows from it: accuracies and intervals."""
    matrix = accuracy.confusion
    right, in_truth, in_map = matrix.diagonal(), matrix.sum(axis=1), matrix.sum(axis=0)
    users = np.full(len(matrix), np.nan)
    np.divide(100.0 * right, in_map, out=users, where=in_map > 0)
    return Confusion(
        truth=truth,
        accuracy=accuracy,
        users_accuracy=users,
        producers_intervals=wilson(right, in_truth),
        users_intervals=wilson(right, in_map),
        oa_interval=Interval(*wilson([right.sum()], [matrix.sum()])[0].tolist()),
        aa_interval=mean_interval(right, in_truth),
        kappa_interval=kappa_interval(matrix),
        order=order,
        columns=columns,
        left_out=left_out,
    )
