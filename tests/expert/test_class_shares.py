"""The classes' shares of the scene are between those of the labels and those of the map."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ssamamba.expert.shares import MAP_COUNTS, shift_of_shares


def test_the_map_counts_as_so_many_labels() -> None:
    labels = np.array([60, 30, 10])
    mapped = np.array([0.2, 0.2, 0.6])
    together = (labels + MAP_COUNTS * mapped) / (100 + MAP_COUNTS)
    found = labels / 100 * np.exp(shift_of_shares(labels, mapped))
    np.testing.assert_allclose(found, together)
    assert found.sum() == pytest.approx(1)


def test_many_labels_outvote_the_map() -> None:
    shift = shift_of_shares(np.array([90_000, 10_000]), np.array([0.5, 0.5]))
    assert np.abs(shift).max() < 0.01


def test_a_map_like_the_labels_changes_nothing() -> None:
    np.testing.assert_allclose(shift_of_shares(np.array([30, 10]), np.array([0.75, 0.25])), 0)


def test_no_class_is_ruled_out() -> None:
    shift = shift_of_shares(np.array([5, 5, 0]), np.array([1.0, 0.0, 0.0]))
    assert np.isfinite(shift).all()
