"""All methods see the same labels, and are scored on the same other pixels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from napari_ssamamba.comparison import compare as module
from napari_ssamamba.comparison.compare import NAMES, compare, summarise
from napari_ssamamba.data.split import hold_out_validation, random_split
from napari_ssamamba.errors import LabelsError
from napari_ssamamba.events import Notice, result_of
from napari_ssamamba.training.config import TrainingConfig

SHORT = TrainingConfig(epochs=2, min_steps=60, max_steps=60, batch_size=8, learning_rate=2e-3)


@pytest.fixture(scope="module")
def runs(tiny_job: Any) -> list[Any]:
    found = []
    for seed in (0, 1):
        split = random_split(tiny_job.reference, 12, 0.25, seed)
        work = compare(
            tiny_job.cube, split, tiny_job.reference.classes, tiny_job.model, SHORT, device="cpu"
        )
        found.append(result_of(work))
    return found


def test_every_method_is_scored_on_the_same_pixels(runs: list[Any], tiny_job: Any) -> None:
    assert [s.method for s in runs[0]] == list(NAMES)
    n_test = int((tiny_job.reference.ids > 0).sum()) - 36
    assert {s.accuracy.n for s in runs[0]} == {n_test}
    reference = [s.accuracy.confusion.sum(axis=1).tolist() for s in runs[0]]
    assert all(counts == reference[0] for counts in reference)


def test_what_is_easy_is_learned_by_all(runs: list[Any]) -> None:
    """Labels or class numbers that are mixed up would show here."""
    for scored in runs[0]:  # networks have taken a few steps only
        network = scored.method in ("network", "cnn", "metaformer")
        assert scored.accuracy.oa > (70 if network else 90), scored.method


def test_other_networks_see_patches_as_large_as_ours(runs: list[Any], tiny_job: Any) -> None:
    ours, *others = (s for s in runs[0] if s.method in ("network", "cnn", "metaformer"))
    assert len(others) == 2
    assert {s.parameters["patch"] for s in others} == {ours.parameters["patch"]}
    assert all(int(s.parameters["weights"]) > 1000 for s in others)


def test_rows_are_means_over_the_splits(runs: list[Any]) -> None:
    rows = summarise(runs)
    for i, row in enumerate(rows):
        oa = [run[i].accuracy.oa for run in runs]
        assert row.oa == pytest.approx(np.mean(oa))
        assert row.oa_std == pytest.approx(np.std(oa))
    assert runs[0][0].mixture is not None


def test_the_others_learn_from_labels_alone(tiny_job: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    split = random_split(tiny_job.reference, 12, 0.25, 0)
    seen: list[np.ndarray] = []

    def spy(cube: Any, pixels: np.ndarray) -> Any:
        seen.append(pixels)
        return read(cube, pixels)

    read = module.read_spectra
    monkeypatch.setattr(module, "read_spectra", spy)
    classes = tiny_job.reference.classes
    result_of(compare(tiny_job.cube, split, classes, tiny_job.model, SHORT, ["lda"], "cpu"))
    learned, tested = seen
    assert len(learned) == 36  # those that validate included
    assert split.test[tuple(tested.T)].all() and not split.test[tuple(learned.T)].any()


def test_labels_without_a_measurement_count_for_no_method(tiny_job: Any) -> None:
    reference = tiny_job.reference.ids.copy()
    split = random_split(tiny_job.reference, 12, 0.25, 0)
    reference[:2, :2] = 2  # nothing was measured there
    train, test = split.train.copy(), split.test.copy()
    train[0, :2], test[1, :2] = True, True
    split = replace(split, ids=reference, train=train, test=test)
    methods = [name for name in NAMES if name not in ("network", "cnn", "metaformer")]
    events: list[Any] = []
    classes = tiny_job.reference.classes
    work = compare(tiny_job.cube, split, classes, tiny_job.model, SHORT, methods, "cpu")
    scored = result_of(work, events.append)
    assert {s.accuracy.n for s in scored} == {int(split.test.sum()) - 2}
    assert {s.n_learned for s in scored} == {int((train | split.validation).sum()) - 2}
    assert [e.text[:34] for e in events if isinstance(e, Notice)] == [
        "2 labelled pixels do not count: th"
    ]
    events.clear()
    result_of(compare(tiny_job.cube, split, classes, tiny_job.model, SHORT, ["lda"]), events.append)
    assert sum(isinstance(e, Notice) for e in events) == 1
    nowhere = np.zeros_like(test)
    nowhere[1, :2] = True
    unmeasured = replace(split, test=nowhere)
    with pytest.raises(LabelsError, match="None of the 2 test pixels lies where tiny has"):
        result_of(compare(tiny_job.cube, unmeasured, classes, tiny_job.model, SHORT, ["lda"]))


def test_nothing_to_test_on_is_said_first(tiny_job: Any) -> None:
    split = hold_out_validation(tiny_job.reference.ids, 0.1, 0)
    classes = tiny_job.reference.classes
    with pytest.raises(LabelsError, match="No pixel is left to test on"):
        result_of(compare(tiny_job.cube, split, classes, tiny_job.model, SHORT))
