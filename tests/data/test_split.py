"""No pixel both trains and validates."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ssamamba.data.split import Split, hold_out_validation
from napari_ssamamba.errors import LabelsError


def test_each_class_is_split_by_its_size() -> None:
    ids = np.zeros((10, 10), np.uint16)
    ids[:2], ids[3, :3], ids[4, :4] = 1, 2, 7
    split = hold_out_validation(ids, 0.25, seed=0)
    held_out = {i: int((split.validation & (ids == i)).sum()) for i in (1, 2, 7)}
    assert held_out == {1: 5, 2: 0, 7: 1}  # three pixels of class 2 are too few to spare one
    np.testing.assert_array_equal(split.train | split.validation, ids > 0)
    assert not (split.train & split.validation).any()
    again = hold_out_validation(ids, 0.25, seed=0)
    np.testing.assert_array_equal(split.validation, again.validation)


def test_two_pixels_a_class_always_train() -> None:
    split = hold_out_validation(np.ones((2, 5), np.uint16), 0.9, seed=0)
    assert split.train.sum() == 2


def test_overlapping_parts_are_refused() -> None:
    ids, everywhere = np.ones((2, 2), np.uint16), np.ones((2, 2), bool)
    with pytest.raises(LabelsError, match="two parts"):
        Split(ids, everywhere, ~everywhere, everywhere, "mine")
