"""Counting and comparing in strips gives what counting and comparing at once gives."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ssamamba.audit.changes import compare_maps
from napari_ssamamba.data.classes import ClassTable
from napari_ssamamba.data.labels import count_labels, present_ids
from napari_ssamamba.data.strips import strips
from napari_ssamamba.training.metrics import assess

RNG = np.random.default_rng(3)
BEFORE, AFTER, TRUTH = (
    RNG.choice([0, 2, 5, 9], (41, 23), p=[0.3, 0.3, 0.3, 0.1]).astype(np.uint16) for _ in range(3)
)
CLASSES = ClassTable.from_ids([2, 5, 7, 9])


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_ssamamba.data.strips.VALUES_AT_ONCE", 3 * 23)


def test_strips_are_views_that_cover_all() -> None:
    found = list(strips(BEFORE, AFTER))
    assert [len(a) for a, _ in found] == [3] * 13 + [2]
    np.testing.assert_array_equal(np.concatenate([b for _, b in found]), AFTER)
    assert all(np.shares_memory(a, BEFORE) for a, _ in found)
    assert list(strips(BEFORE[:0])) == []


def test_counts() -> None:
    assert count_labels(BEFORE, CLASSES) == {i: int((BEFORE == i).sum()) for i in (2, 5, 7, 9)}
    assert count_labels(BEFORE, ClassTable.from_ids([2])) == {2: int((BEFORE == 2).sum())}
    assert present_ids(BEFORE) == {0, 2, 5, 9}


def test_the_matrix() -> None:
    accuracy = assess(TRUTH, AFTER, CLASSES)
    ids = (2, 5, 9)
    wanted = [[int(((TRUTH == t) & (AFTER == a)).sum()) for a in ids] for t in ids]
    assert accuracy.classes.ids == ids
    assert accuracy.confusion.tolist() == wanted


def test_the_changes() -> None:
    changes = compare_maps(BEFORE, AFTER, TRUTH)
    both = (BEFORE > 0) & (AFTER > 0)
    changed = both & (BEFORE != AFTER)
    fixed = changed & (TRUTH > 0) & (AFTER == TRUTH)
    assert changes.mapped == both.sum()
    assert changes.changed == changed.sum()
    assert changes.fixed == fixed.sum()
    assert (changes.pixels == 1).sum() == fixed.sum()
    assert (changes.pixels > 0).sum() == changed.sum()
    assert dict(zip(changes.class_ids, changes.class_became.tolist(), strict=True)) == {
        i: int((changed & (AFTER == i)).sum()) for i in (2, 5, 9)
    }
