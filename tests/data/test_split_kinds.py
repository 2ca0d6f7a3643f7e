"""Each kind of split tests on pixels that nothing was learned from."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import distance_transform_cdt

from napari_ssamamba.data.classes import ClassTable
from napari_ssamamba.data.labels import LabelMap
from napari_ssamamba.data.split import disjoint_split, random_split, split_from_maps
from napari_ssamamba.errors import LabelsError, SettingError


def label_map(ids: np.ndarray[tuple[int, ...], np.dtype[np.uint16]]) -> LabelMap:
    return LabelMap(ids, ClassTable.from_ids(np.unique(ids).tolist()))


def fields(rows: int = 80, columns: int = 90) -> LabelMap:
    """Fields of 10 × 10 pixels with the ids 1, 4 and 7."""
    field = np.add.outer(np.arange(rows) // 10, np.arange(columns) // 10) % 3
    return label_map(np.array([1, 4, 7], np.uint16)[field])


def test_random_split_spends_no_more_labels_than_asked_for() -> None:
    reference = fields()
    split = random_split(reference, 10, 0.2, seed=3)
    for i in (1, 4, 7):
        here = reference.ids == i
        assert (split.train & here).sum() == 8
        assert (split.validation & here).sum() == 2
    np.testing.assert_array_equal(split.train | split.validation | split.test, reference.ids > 0)
    again = random_split(reference, 10, 0.2, seed=3)
    np.testing.assert_array_equal(split.train, again.train)
    assert (random_split(reference, 10, 0.2, seed=4).train != split.train).any()


@pytest.mark.parametrize("per_class", [None, 20])
def test_disjoint_split_keeps_patches_apart(per_class: int | None) -> None:
    reference = fields()
    split = disjoint_split(reference, 0.3, 0.1, 7, seed=0, per_class=per_class)
    learned = split.train | split.validation
    distance = distance_transform_cdt(~learned, metric="chessboard")
    assert distance[split.test].min() >= 7
    for i in (1, 4, 7):
        here = reference.ids == i
        assert (split.test & here).any()
        n = (learned & here).sum()
        assert n == per_class if per_class else n >= 0.3 * here.sum()


def test_disjoint_split_says_when_nothing_is_left_to_test_on() -> None:
    with pytest.raises(LabelsError, match="leave no pixel to test on"):
        disjoint_split(fields(12, 12), 0.5, 0.0, 7, seed=0)
    with pytest.raises(SettingError, match="train_fraction"):
        disjoint_split(fields(), 1.0, 0.0, 7, seed=0)


def test_a_published_split_tests_outside_its_training_map() -> None:
    whole = fields(20, 20)
    train_ids = np.where(np.arange(20)[:, None] < 5, whole.ids, 0).astype(np.uint16)
    split = split_from_maps(label_map(train_ids), whole, 0.0, seed=0)
    assert split.train.sum() == 100
    assert split.test.sum() == 300
    np.testing.assert_array_equal(split.ids, whole.ids)


def test_maps_of_a_split_that_contradict_each_other_are_refused() -> None:
    train, test = np.zeros((4, 4), np.uint16), np.zeros((4, 4), np.uint16)
    train[1, 2], test[1, 2], test[3] = 1, 2, 1
    with pytest.raises(LabelsError, match="row 1, column 2: 1 and 2"):
        split_from_maps(label_map(train), label_map(test), 0.0, seed=0)
    with pytest.raises(LabelsError, match="grid"):
        split_from_maps(label_map(train), label_map(test[:3]), 0.0, seed=0)
