"""The accuracies that are printed are those of the textbook."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ssamamba.data.classes import ClassTable
from napari_ssamamba.errors import LabelsError
from napari_ssamamba.training.metrics import assess, distance_to_training

CLASSES = ClassTable.from_ids([1, 3, 8, 20])


def test_figures_computed_by_hand() -> None:
    reference = np.array([1, 1, 1, 1, 3, 3, 0, 3], np.uint16)
    predicted = np.array([1, 1, 1, 3, 3, 8, 1, 0], np.uint16)
    found = assess(reference, predicted, CLASSES)
    assert found.n == 6
    assert found.oa == pytest.approx(100 * 4 / 6)
    assert found.aa == pytest.approx((75 + 50) / 2)  # class 8 is not in the reference
    by_chance = (4 * 3 + 2 * 2 + 0 * 1) / 36
    assert found.kappa == pytest.approx(100 * (4 / 6 - by_chance) / (1 - by_chance))
    assert found.classes.ids == (1, 3, 8)
    np.testing.assert_array_equal(found.confusion, [[3, 1, 0], [0, 1, 1], [0, 0, 0]])
    np.testing.assert_array_equal(found.recall, [75, 50, np.nan])


def test_a_single_class_has_no_kappa() -> None:
    ones = np.ones(5, np.uint16)
    found = assess(ones, ones, CLASSES)
    assert found.oa == found.aa == 100
    assert np.isnan(found.kappa)


def test_nothing_to_compare_is_refused() -> None:
    with pytest.raises(LabelsError, match="No pixel"):
        assess(np.zeros(4, np.uint16), np.ones(4, np.uint16), CLASSES)
    with pytest.raises(LabelsError, match="lacks: \\[7\\]"):
        assess(np.full(4, 7, np.uint16), np.ones(4, np.uint16), CLASSES)


def test_distance_is_the_larger_of_rows_and_columns() -> None:
    distance = distance_to_training((10, 12), [[2, 3], [9, 11]])
    assert distance[2, 3] == 0
    assert distance[0, 0] == 3
    assert distance[5, 4] == 3
    assert distance[9, 5] == 6
