"""Counts and selections against plain numpy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_ssamamba.audit.confusion import Cell, confuse
from napari_ssamamba.audit.truth import Truth, find_truth
from napari_ssamamba.data.classes import ClassTable
from napari_ssamamba.data.labels import LabelMap
from napari_ssamamba.errors import LabelsError
from napari_ssamamba.events import result_of

IDS = (2, 5, 9, 11)


@pytest.fixture
def maps():
    """Truth and map of four classes of which one is never mapped, with unlabelled pixels."""
    rng = np.random.default_rng(3)
    true = rng.choice([0, *IDS], (40, 30)).astype(np.uint16)
    mapped = rng.choice([0, *IDS[:3]], (40, 30)).astype(np.uint16)
    mapped[true == 9] = 9
    confidence = rng.random((40, 30)).astype(np.float32)
    confidence[mapped == 0] = np.nan
    return true, mapped, confidence


@pytest.fixture
def confusion(maps):
    table = ClassTable.from_ids(IDS)
    return result_of(confuse(Truth("reference", "r", maps[0], table), *maps[1:], table))


def test_each_cell_selects_exactly_the_pixels_that_numpy_finds(maps, confusion):
    true, mapped, confidence = maps
    for i in IDS:
        for j in IDS:
            pixels = confusion.pixels(Cell(i, j))
            expected = np.argwhere((true == i) & (mapped == j))
            assert confusion.count(Cell(i, j)) == len(pixels) == len(expected)
            assert {tuple(p) for p in pixels.tolist()} == {tuple(p) for p in expected.tolist()}
            assert (np.diff(confidence[tuple(pixels.T)]) <= 0).all()
    assert confusion.count(Cell(2, 77)) == len(confusion.pixels(Cell(2, 77))) == 0


def test_accuracies_are_shares_of_rows_and_of_columns(maps, confusion):
    true, mapped, _ = maps
    both = (true > 0) & (mapped > 0)
    for k, i in enumerate(IDS):
        of_class, as_class = both & (true == i), both & (mapped == i)
        right = (of_class & as_class).sum()
        assert confusion.accuracy.recall[k] == pytest.approx(100 * right / of_class.sum())
        if as_class.any():
            assert confusion.users_accuracy[k] == pytest.approx(100 * right / as_class.sum())
    assert np.isnan(confusion.users_accuracy[3])
    assert np.isnan(confusion.users_intervals[3]).all()
    low, high = confusion.producers_intervals[2]
    assert 90 < low < high == 100


def test_the_worst_confusions_come_first_and_hold_all_errors(maps, confusion):
    worst = confusion.worst()
    counts = [confusion.count(cell) for cell in worst]
    assert counts == sorted(counts, reverse=True)
    true, mapped, _ = maps
    assert sum(counts) == ((true > 0) & (mapped > 0) & (true != mapped)).sum()
    assert all(cell.reference != cell.predicted for cell in worst)


def test_a_class_that_only_the_map_has_gets_a_column_with_its_name(maps):
    true, mapped, confidence = maps
    mapped = np.where(mapped == 5, 7, mapped).astype(np.uint16)
    named = ClassTable.from_ids((2, 7, 9), {7: "Kale"})
    confusion = result_of(
        confuse(Truth("reference", "r", true, ClassTable.from_ids(IDS)), mapped, confidence, named)
    )
    assert confusion.classes.names == ("Class 2", "Class 5", "Class 9", "Class 11", "Kale")
    assert confusion.count(Cell(5, 7)) == ((true == 5) & (mapped == 7)).sum()


def test_pixels_that_the_model_learned_from_are_no_reference(tiny_job, tiny_checkpoint):
    painted = LabelMap(np.zeros_like(tiny_job.reference.ids), tiny_job.reference.classes)
    truth = find_truth("reference", painted, tiny_job.reference, tiny_checkpoint, tiny_job.cube)
    learned = np.vstack([tiny_checkpoint.training_pixels, tiny_checkpoint.validation_pixels])
    expected = tiny_job.reference.ids.copy()
    expected[tuple(learned.T)] = 0
    np.testing.assert_array_equal(truth.ids, expected)
    assert "not trained on" in truth.name and tiny_job.reference.name in truth.name


def test_held_out_pixels_have_the_class_that_is_painted_now(tiny_job, tiny_checkpoint):
    truth = find_truth("validation", tiny_job.reference, None, tiny_checkpoint, tiny_job.cube)
    at = tuple(tiny_checkpoint.validation_pixels.T)
    assert (truth.ids > 0).sum() == tiny_checkpoint.record.n_validation
    np.testing.assert_array_equal(truth.ids[at], tiny_job.reference.ids[at])


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("reference", "Import one in the section Classes"),
        ("validation", "Set “Held out” in the section Train"),
        ("training", "Paint or import labels"),
    ],
)
def test_a_truth_that_is_missing_says_how_to_get_it(tiny_job, tiny_checkpoint, kind, says):
    cube = replace(tiny_job.cube, raw=tiny_job.cube.raw[:3, :3])
    elsewhere = LabelMap(np.zeros((3, 3), np.uint16), ClassTable.from_ids(IDS))
    with pytest.raises(LabelsError, match=says):
        find_truth(kind, elsewhere, None, tiny_checkpoint, cube)


def test_pixels_found_wrong_no_longer_count_and_everything_follows(maps, confusion):
    true, mapped, confidence = maps
    wrong = {tuple(p): 2 for p in confusion.pixels(Cell(2, 5))[[0, 3]].tolist()}
    wrong |= {tuple(p): 9 for p in confusion.pixels(Cell(9, 9))[:1].tolist()}
    other = tuple(confusion.pixels(Cell(5, 2))[0].tolist())
    found = confusion.without(wrong | {other: 11})  # the truth says 5 there, so it counts on
    left = true.copy()
    left[tuple(np.array(list(wrong)).T)] = 0
    table = ClassTable.from_ids(IDS)
    expected = result_of(confuse(Truth("reference", "r", left, table), mapped, confidence, table))
    np.testing.assert_array_equal(found.matrix, expected.matrix)
    np.testing.assert_array_equal(found.order, expected.order)
    np.testing.assert_allclose(found.users_accuracy, expected.users_accuracy)
    for name in ("oa", "aa", "kappa", "n"):
        assert getattr(found.accuracy, name) == pytest.approx(getattr(expected.accuracy, name))
    assert found.kappa_interval == expected.kappa_interval
    assert found.left_out == 3 and confusion.left_out == 0


def test_a_truth_of_which_nothing_is_right_leaves_an_empty_matrix(maps, confusion):
    true, mapped, _ = maps
    both = np.argwhere((true > 0) & (mapped > 0))
    found = confusion.without({tuple(p): int(true[tuple(p)]) for p in both.tolist()})
    assert found.accuracy.n == 0 and np.isnan(found.accuracy.oa) and not found.worst()
