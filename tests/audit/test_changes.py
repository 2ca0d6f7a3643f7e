"""What changed between two maps, against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ssamamba.audit.changes import BROKEN, ELSEWHERE, FIXED, compare_maps

IDS = [2, 5, 9]


@pytest.fixture
def maps():
    rng = np.random.default_rng(4)
    before, after, truth = (rng.choice([0, *IDS], (30, 40)).astype(np.uint16) for _ in range(3))
    truth[rng.random(truth.shape) < 0.6] = 0
    return before, after, truth


def test_counts_are_those_of_numpy(maps):
    before, after, truth = maps
    found = compare_maps(before, after, truth)
    both = (before > 0) & (after > 0)
    known = both & (truth > 0)
    assert found.mapped == both.sum() and found.counted == known.sum()
    assert found.fixed == (known & (before != truth) & (after == truth)).sum()
    assert found.broken == (known & (before == truth) & (after != truth)).sum()
    assert found.still_wrong == (known & (before != truth) & (after != truth)).sum()
    assert found.changed == (both & (before != after)).sum()
    # Accuracy before and after follow from these.
    right = (known & (before == truth)).sum()
    assert right + found.fixed - found.broken == (known & (after == truth)).sum()


def test_the_layer_shows_what_is_counted(maps):
    found = compare_maps(*maps)
    counts = np.bincount(found.pixels.ravel(), minlength=4)
    assert counts[FIXED] == found.fixed and counts[BROKEN] == found.broken
    assert counts[[FIXED, BROKEN, ELSEWHERE]].sum() == found.changed


def test_classes_sum_up_to_the_whole(maps):
    before, after, truth = maps
    found = compare_maps(before, after, truth)
    assert found.class_ids == tuple(IDS)
    assert found.class_fixed.sum() == found.fixed and found.class_broken.sum() == found.broken
    assert found.class_became.sum() == found.class_left.sum() == found.changed
    both = (before > 0) & (after > 0)
    for k, i in enumerate(IDS):
        assert found.class_became[k] == (both & (after == i) & (before != i)).sum()
        assert found.class_left[k] == (both & (before == i) & (after != i)).sum()
        of_class = both & (truth == i)
        assert found.class_fixed[k] == (of_class & (before != i) & (after == i)).sum()


def test_the_same_map_has_no_change(maps):
    found = compare_maps(maps[0], maps[0], maps[2])
    assert found.changed == found.fixed == found.broken == 0 and not found.pixels.any()
