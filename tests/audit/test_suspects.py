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
from napari_ssamamba.training.config import TrainingConfig
from napari_ssamamba.training.learner import Learner
from napari_ssamamba.training.mixing import mix_held_out

SHORT = TrainingConfig(epochs=2, min_steps=160, max_steps=160, batch_size=8, learning_rate=5e-3)


def check(job: Any, labels: LabelMap, members: Any = "expert") -> OutOfFold:
    found: OutOfFold = result_of(
        check_out_of_fold(job.cube, labels, job.model, SHORT, members, "cpu")
    )
    return found


@pytest.fixture
def labels(tiny_job: Any) -> LabelMap:
    drawn = draw_training_pixels(tiny_job.reference, 14, 0)
    return LabelMap(drawn, tiny_job.reference.classes)


@pytest.mark.parametrize("members", ["mixed", "expert", "network"])
def test_labels_given_wrongly_are_the_suspects(
    tiny_job: Any, labels: LabelMap, members: str
) -> None:
    true = labels.ids.copy()
    wrong = np.argwhere(true == 2)[[3, 9]]
    labels.ids[tuple(wrong.T)] = 9
    found = check(tiny_job, labels, members)
    suspects = found.suspects()
    said = {
        tuple(pixel): id
        for pixel, id in zip(
            found.pixels[suspects].tolist(), found.predicted[suspects].tolist(), strict=True
        )
    }
    assert [said.pop(tuple(pixel)) for pixel in wrong.tolist()] == [2, 2]
    assert len(said) <= (3 if members == "network" else 0)  # trained for a few steps it errs, too
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
    found = check(tiny_job, labels)
    [((_, pixels, targets, *_), fitted)] = fits
    np.testing.assert_array_equal(found.pixels, pixels)
    np.testing.assert_array_equal(found.ids, np.array([2, 5, 9])[targets])
    probability = np.exp(fitted.held_out)
    np.testing.assert_allclose(probability.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(found.confidence, probability.max(axis=1), atol=1e-6)
    np.testing.assert_array_equal(found.predicted, np.array([2, 5, 9])[probability.argmax(axis=1)])


def test_the_networks_that_are_asked_have_not_seen_the_label(
    tiny_job: Any, labels: LabelMap, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Watched(Learner):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            learners.append(self)

    learners: list[Learner] = []
    monkeypatch.setattr("napari_ssamamba.training.held_out.Learner", Watched)
    found = check(tiny_job, labels, "network")
    assert len(learners) == 3  # two of the five folds are empty: the scene has few squares
    assert found.network_share == 1
    asked = np.concatenate([one.validation.index[:, 4].numpy() for one in learners])
    assert len(np.unique(asked)) == len(asked) == len(found.pixels)
    for one in learners:
        left_out = one.validation.index[:, 4].numpy()
        labelled = len(found.pixels) - len(left_out)  # the first ones, then come lessons
        assert len(one.train) > labelled
        assert (one.train.targets[:labelled].amax(dim=1) == 1).all()
        seen = one.train.index[:labelled, 4].numpy()
        assert len(np.unique(seen)) == labelled and not np.intersect1d(seen, left_out).size


def test_both_are_mixed_by_the_weights_that_are_told(
    tiny_job: Any, labels: LabelMap, monkeypatch: pytest.MonkeyPatch
) -> None:
    mixed: list[Any] = []

    def watched(*arguments: Any) -> Any:
        mixed.append((arguments, mix_held_out(*arguments)))
        return mixed[-1][1]

    monkeypatch.setattr("napari_ssamamba.training.mixing.mix_held_out", watched)
    found = check(tiny_job, labels, "mixed")
    [((fitted, scores, targets), (_, record))] = mixed
    network = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    floor = fitted.expert.floor
    network = (1 - floor) * network + floor / 3
    product = network**record.network_weight * np.exp(fitted.held_out) ** record.expert_weight
    probability = product / product.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.confidence, probability.max(axis=1), rtol=1e-4)
    np.testing.assert_allclose(
        found.label_probability, probability[np.arange(len(targets)), targets], rtol=1e-4
    )
    assert found.network_share == record.network_share > 0


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
        members="expert",
        network_share=0.0,
    )
    assert found.suspects().tolist() == [2, 0]
    ids, confidence = found.as_map((3, 3))
    assert ids.tolist() == [[0, 2, 0], [1, 0, 1], [0, 0, 0]]
    assert confidence[1, 2] == np.float32(0.8)
    assert np.isnan(confidence).sum() == 5


def test_the_only_label_of_a_class_is_no_suspect(tiny_job: Any, labels: LabelMap) -> None:
    ids = np.where(labels.ids == 9, 0, labels.ids)
    ids[20, 10] = 9
    found = check(tiny_job, replace(labels, ids=ids.astype(np.uint16)))
    assert found.predicted[found.ids == 9].tolist() == [0]
    assert (found.predicted[found.ids != 9] != 0).all()


def test_of_very_many_labels_some_are_checked(
    tiny_job: Any, labels: LabelMap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_ssamamba.audit.suspects.MOST_CHECKED", 8)
    found = check(tiny_job, labels)
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
            check(tiny_job, LabelMap(ids, classes))
        ids[5, 6:] = 0
