"""Suggestions of what to label: each has its reason, and none is where nobody needs a label."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest

from napari_ssamamba.audit.suggestions import NEAR_LABEL, distance_apart, rank, suggest
from napari_ssamamba.audit.unlike import Unlikeness, spectral_unlikeness
from napari_ssamamba.data.classes import ClassTable
from napari_ssamamba.data.cube import Cube
from napari_ssamamba.data.labels import LabelMap
from napari_ssamamba.errors import LabelsError
from napari_ssamamba.events import result_of
from napari_ssamamba.prediction.predictor import predict

NOTHING = Unlikeness(np.empty((0, 2), np.int32), np.empty(0), np.empty(0, np.uint16), 0.0)


def scene(seed: int = 0) -> tuple[LabelMap, np.ndarray, np.ndarray]:
    """Labels of a hundred pixels a class but 4 of class 3, a map of strips, and its margins."""
    rng = np.random.default_rng(seed)
    mapped = np.repeat([1, 2, 3], (40, 40, 20))[:, None].repeat(120, axis=1).astype(np.uint16)
    mapped[:, 110:] = 0
    labels = np.zeros(mapped.shape, np.uint16)
    labels[:10, :10], labels[50:60, :10], labels[90:92, :2] = 1, 2, 3
    margin = rng.uniform(0.6, 1.0, mapped.shape).astype(np.float32)
    margin[mapped == 0] = np.nan
    return LabelMap(labels, ClassTable.from_ids([1, 2, 3])), mapped, margin


def test_pixels_between_two_classes_are_suggested_for_their_small_margin() -> None:
    labels, mapped, margin = scene()
    margin[30:35, 60:65] = 0.05
    margin[70:75, 20:25] = 0.2
    found = [s for s in rank(labels, mapped, margin, NOTHING) if s.reason == "margin"]
    assert [(s.row, s.column) for s in found] == [(31, 61), (71, 21)]
    assert [s.mapped for s in found] == [1, 2]
    assert found[0].score == pytest.approx(1 - 0.05 / 0.5, abs=1e-5)


def test_classes_with_few_labels_are_suggested_where_the_map_has_them() -> None:
    labels, mapped, margin = scene()
    found = rank(labels, mapped, margin, NOTHING)
    assert found and {s.reason for s in found} == {"rare"}
    assert {s.mapped for s in found} == {3}
    assert {s.labels for s in found} == {4}


def test_reasons_take_turns_and_the_unlike_say_how_far_they_are() -> None:
    labels, mapped, margin = scene()
    margin[30:35, 60:65] = 0.05
    pixels = np.array([[5, 90], [60, 90], [60, 50]], np.int32)
    unlike = Unlikeness(pixels, np.array([9.0, 2.0, 4.0]), np.array([2, 1, 1], np.uint16), 2.5)
    found = rank(labels, mapped, margin, unlike)
    assert [s.reason for s in found[:3]] == ["margin", "unlike", "rare"]
    of_spectrum = [s for s in found if s.reason == "unlike"]
    assert [(s.row, s.column, s.angle, s.nearest) for s in of_spectrum] == [
        (5, 90, 9.0, 2),
        (60, 50, 4.0, 1),
    ]  # and not the one within what is usual
    assert of_spectrum[0].score == pytest.approx(1 - 2.5 / 9)


def test_a_spectrum_that_is_exactly_a_labelled_one_is_not_unlike() -> None:
    labels, mapped, margin = scene()
    pixels = np.array([[5, 90], [30, 20]], np.int32)
    same = Unlikeness(pixels, np.zeros(2, np.float32), np.array([2, 1], np.uint16), 2.5)
    found = rank(labels, mapped, margin, same)
    assert "unlike" not in {s.reason for s in found}


@pytest.mark.parametrize("seed", range(3))
def test_none_lies_on_or_beside_a_label_off_the_map_or_beside_another(seed: int) -> None:
    labels, mapped, margin = scene(seed)
    margin *= np.float32(0.5)
    found = rank(labels, mapped, margin, NOTHING, n=12)
    assert len(found) == 12
    labelled = np.argwhere(labels.ids)
    for s in found:
        assert mapped[s.row, s.column] == s.mapped != 0
        assert np.abs(labelled - (s.row, s.column)).max(axis=1).min() > NEAR_LABEL
    apart = distance_apart(int((mapped > 0).sum()) - 400, 12)
    for one, other in combinations(found, 2):
        assert max(abs(one.row - other.row), abs(one.column - other.column)) > apart


def test_a_map_that_is_sure_everywhere_needs_no_label() -> None:
    labels, mapped, margin = scene()
    labels.ids[95:99, 20:40] = 3
    assert rank(labels, mapped, margin, NOTHING) == []


def test_the_angle_is_that_to_the_nearest_labelled_spectrum(tiny_job: Any) -> None:
    labels = np.zeros((24, 20), np.uint16)
    labels[2:5, 8:11], labels[10:13, 8:11] = 2, 5
    found = result_of(spectral_unlikeness(tiny_job.cube, labels))
    spectra = tiny_job.cube.read(slice(None), slice(None)).astype(float)
    labelled, ids = spectra[labels > 0], labels[labels > 0]
    for pixel, angle, nearest in zip(found.pixels, found.angle, found.nearest, strict=True):
        own = spectra[tuple(pixel)]
        cosine = labelled @ own / np.linalg.norm(labelled, axis=1) / np.linalg.norm(own)
        assert nearest == ids[cosine.argmax()]
        assert angle == pytest.approx(np.rad2deg(np.arccos(min(1, cosine.max()))), abs=1e-3)
    third = found.pixels[:, 0] >= 16  # rows of a class without any label
    assert 0 < third.sum() < len(third)
    assert found.angle[third].min() > found.usual > np.median(found.angle[~third])
    assert not (found.pixels < 3).all(axis=1).any()  # the corner without measurement


def test_scenes_of_any_size_are_sampled() -> None:
    for shape in ((1, 1, 4), (3, 200, 4), (200, 3, 4)):
        cube = Cube("c", np.random.default_rng(0).uniform(1, 2, shape))
        labels = np.zeros(shape[:2], np.uint16)
        labels[0, 0] = 1
        found = result_of(spectral_unlikeness(cube, labels))
        assert len(found.pixels) > 0
        assert (found.pixels.max(axis=0) < shape[:2]).all()
        assert found.usual == 0


def test_labels_without_a_spectrum_are_refused(tiny_job: Any) -> None:
    labels = np.zeros((24, 20), np.uint16)
    labels[:2, :2] = 2
    with pytest.raises(LabelsError, match="was measured"):
        result_of(spectral_unlikeness(tiny_job.cube, labels))


def test_suggestions_say_what_the_model_says(tiny_job: Any, tiny_checkpoint: Any) -> None:
    cube, classes = tiny_job.cube, tiny_job.reference.classes
    class_map = result_of(predict(cube, tiny_checkpoint, device="cpu"))
    labels = np.zeros((24, 20), np.uint16)
    labels[4, 10], labels[12, 10] = 2, 5
    margin = np.clip(2 * class_map.confidence - 1, 0, 1)
    found = result_of(
        suggest(cube, tiny_checkpoint, LabelMap(labels, classes), class_map.ids, margin, n=4)
    )
    assert found
    for s in found:
        assert s.mapped == class_map.ids[s.row, s.column]
        assert s.probability == pytest.approx(class_map.confidence[s.row, s.column], abs=1e-4)
        assert s.second in {2, 5, 9} - {s.mapped}
        assert 0 <= s.margin <= s.probability
