"""Counts by class, and training pixels drawn from a reference."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ssamamba.data.classes import ClassTable
from napari_ssamamba.data.labels import LabelMap, draw_training_pixels
from napari_ssamamba.errors import LabelsError


@pytest.fixture
def reference() -> LabelMap:
    ids = np.zeros((10, 10), np.uint16)
    ids[:4], ids[5, :3], ids[9, 9] = 1, 10, 14
    return LabelMap(ids, ClassTable.from_ids([1, 10, 14, 20]))


def test_counts_name_empty_classes_too(reference: LabelMap) -> None:
    assert reference.counts() == {1: 40, 10: 3, 14: 1, 20: 0}


def test_drawn_pixels_are_labelled_and_repeatable(reference: LabelMap) -> None:
    drawn = draw_training_pixels(reference, 10, seed=3)
    assert {i: int((drawn == i).sum()) for i in (1, 10, 14)} == {1: 10, 10: 1, 14: 1}
    assert (reference.ids[drawn > 0] == drawn[drawn > 0]).all()
    np.testing.assert_array_equal(drawn, draw_training_pixels(reference, 10, seed=3))
    assert (drawn != draw_training_pixels(reference, 10, seed=4)).any()


def test_nothing_to_draw(reference: LabelMap) -> None:
    with pytest.raises(LabelsError, match="ask for 1 or more"):
        draw_training_pixels(reference, 0, seed=1)
    with pytest.raises(LabelsError, match="no labelled pixel"):
        draw_training_pixels(LabelMap(np.zeros((2, 2), np.uint16), ClassTable()), 5, seed=1)
