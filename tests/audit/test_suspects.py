"""Suspect labels: the wrong ones among them are found by the others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from napari_ssamamba.audit.suspects import OutOfFold, check_out_of_fold
from napari_ssamamba.data.classes import ClassTable
from napari_ssamamba.data.labels import LabelMap, draw_training_pixels
from napari_ssamamba.errors import LabelsError
from napari_ssamamba.events import result_of
from napari_ssamamba.expert.fit import fit_expert


@pytest.fixture
def labels(tiny_job: Any) -> LabelMap:
    drawn = draw_training_pixels(tiny_job.reference, 14, 0)
    return LabelMap(drawn, tiny_job.reference.classes)


def test_labels_given_wrongly_are_the_suspects(tiny_job: Any, labels: LabelMap) -> None:
    true = labels.ids.copy()
    wrong = np.argwhere(true == 2)[[3, 9]]
    labels.ids[tuple(wrong.T)] = 9
    found = result_of(check_out_of_fold(tiny_job.cube, labels))
    suspects = found.suspects()
    assert {tuple(p) for p in found.pixels[suspects].tolist()} == {tuple(p) for p in wrong.tolist()}
    assert (found.predicted[suspects] == 2).all()
    assert (found.label_probability[suspects] < found.confidence[suspects]).all()
    assert found.of == len(found.pixels) == np.count_nonzero(labels.ids)


def test_what_is_said_is_the_experts_held_out_probability(
    tiny_job: Any, labels: LabelMap, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits: list[Any] = []

    def watched(*arguments: Any) -> Any:
        fits.append((arguments, (yield from fit_expert(*arguments))))
        return fits[-1][1]

    monkeypatch.setattr("napari_ssamamba.expert.fit.fit_expert", watched)
    found = result_of(check_out_of_fold(tiny_job.cube, labels))
    [((_, pixels, targets, *_), fitted)] = fits
    np.testing.assert_array_equal(found.pixels, pixels)
    np.testing.assert_array_equal(found.ids, np.array([2, 5, 9])[targets])
    probability = np.exp(fitted.held_out)
    np.testing.assert_allclose(probability.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(found.confidence, probability.max(axis=1), atol=1e-6)
    np.testing.assert_array_equal(found.predicted, np.array([2, 5, 9])[probability.argmax(axis=1)])


def test_suspects_are_sorted_by_confidence_and_laid_over_the_scene() -> None:
    pixels = np.array([[0, 1], [1, 0], [1, 2], [2, 2]], np.int32)
    found = OutOfFold(
        pixels,
        ids=np.array([1, 1, 2, 3], np.uint16),
        predicted=np.array([2, 1, 1, 0], np.uint16),
        confidence=np.array([0.6, 0.9, 0.8, 0.7], np.float32),
        label_probability=np.array([0.3, 0.9, 0.1, 0.0], np.float32),
        of=4,
        classes=ClassTable.from_ids([1, 2, 3]),
    )
    assert found.suspects().tolist() == [2, 0]
    ids, confidence = found.as_map((3, 3))
    assert ids.tolist() == [[0, 2, 0], [1, 0, 1], [0, 0, 0]]
    assert confidence[1, 2] == np.float32(0.8)
    assert np.isnan(confidence).sum() == 5


def test_the_only_label_of_a_class_is_no_suspect(tiny_job: Any, labels: LabelMap) -> None:
    ids = np.where(labels.ids == 9, 0, labels.ids)
    ids[20, 10] = 9
    found = result_of(check_out_of_fold(tiny_job.cube, replace(labels, ids=ids.astype(np.uint16))))
    assert found.predicted[found.ids == 9].tolist() == [0]
    assert (found.predicted[found.ids != 9] != 0).all()


def test_of_very_many_labels_some_are_checked(
    tiny_job: Any, labels: LabelMap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_ssamamba.audit.suspects.MOST_CHECKED", 8)
    found = result_of(check_out_of_fold(tiny_job.cube, labels))
    assert np.unique(found.ids, return_counts=True)[1].tolist() == [8, 8, 8]
    assert found.of == 42
    np.testing.assert_array_equal(labels.ids[tuple(found.pixels.T)], found.ids)


def test_labels_that_cannot_check_each_other_are_refused(tiny_job: Any) -> None:
    classes = tiny_job.reference.classes
    ids = np.zeros((24, 20), np.uint16)
    ids[5, 5:9] = 2
    for row, id in ((5, 2), (20, 9)):  # one class; then two of one label each
        ids[row, 5] = id
        with pytest.raises(LabelsError, match="two classes"):
            result_of(check_out_of_fold(tiny_job.cube, LabelMap(ids, classes)))
        ids[5, 6:] = 0
