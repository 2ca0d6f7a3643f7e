"""No pixel both trains and validates."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ssamamba.data.classes import ClassTable
from napari_ssamamba.data.labels import LabelMap
from napari_ssamamba.data.split import (
    Split,
    hold_out_validation,
    random_split,
    with_fewer_tests,
)
from napari_ssamamba.errors import LabelsError, SettingError


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


def test_fewer_test_pixels_are_some_of_them_whatever_the_seed() -> None:
    reference = LabelMap(np.ones((40, 40), np.uint16), ClassTable.from_ids([1]))
    one, other = (random_split(reference, 9, 0.1, seed) for seed in (0, 1))
    few = with_fewer_tests(one, 100)
    assert few.test.sum() == 100 and not (few.test & ~one.test).any()
    assert (few.test & with_fewer_tests(other, 100).test).sum() > 90
    assert with_fewer_tests(one, 5000).test.sum() == 1591
    with pytest.raises(SettingError, match="test_pixels"):
        with_fewer_tests(one, 0)
