"""Decisions about errors: what they do to labels and matrix, and that each can be undone."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from napari_ssamamba.audit.confusion import Cell
from napari_ssamamba.audit.suspects import OutOfFold
from napari_ssamamba.errors import LabelsError
from napari_ssamamba.events import result_of

CELL = Cell(5, 9)


def said_by(shown, labels, classes):
    """Return a check of the labels in which the others say what a map has there."""
    pixels = np.argwhere(labels).astype(np.int32)
    at = tuple(pixels.T)
    return OutOfFold(
        pixels,
        labels[at],
        shown.ids[at],
        shown.confidence[at],
        1 - shown.confidence[at],
        len(pixels),
        classes,
        "expert",
        0.0,
    )


@pytest.fixture
def session(audited_session, tiny_job):
    audited_session.take_class(tiny_job.reference.classes[2])
    audited_session.audit.choose_cell(CELL)
    audited_session.audit.step(1)
    return audited_session


def state(session):
    """All that a decision may change, so that nothing is forgotten when it is undone."""
    audit = session.audit
    return (
        session.labels.copy(),
        session.decisions.wrong(),
        audit.confusion.matrix.copy(),
        audit.pixels.copy(),
        audit.cell,
        audit.position,
        session.picked,
        list(session.decisions.made),
    )


def assert_same(now, before):
    for one, other in zip(now, before, strict=True):
        np.testing.assert_array_equal(one, other) if isinstance(one, np.ndarray) else None
        assert isinstance(one, np.ndarray) or one == other


def test_accepting_puts_the_reference_into_training_and_goes_on(session):
    first, second = (tuple(p) for p in session.audit.pixels[:2].tolist())
    told = []
    session.events.labels.connect(lambda: told.append(session.labels[first]))
    session.decisions.accept()
    expected = np.zeros_like(session.labels)
    expected[first] = 5
    np.testing.assert_array_equal(session.labels, expected)
    assert told == [5] and 5 in session.classes
    assert session.audit.looked_at == session.picked == second
    assert session.audit.outdated and session.audit.confusion.count(CELL) == 4
    decision = session.decisions.made[0]
    assert (decision.pixel, decision.kind, decision.label_before, decision.label) == (
        (first, "accepted", 0, 5)
    )


def test_a_pixel_marked_wrong_leaves_the_matrix_and_its_cell_and_no_label(session, tiny_job):
    pixels = session.audit.pixels.tolist()
    n, whole = session.audit.confusion.accuracy.n, session.audit.confusion.matrix
    session.decisions.mark_wrong()
    audit = session.audit
    assert audit.pixels.tolist() == pixels[1:] and audit.looked_at == tuple(pixels[1])
    assert audit.confusion.count(CELL) == 3 and audit.confusion.accuracy.n == n - 1
    ids = audit.confusion.classes.ids
    taken = np.zeros_like(whole)
    taken[ids.index(5), ids.index(9)] = 1
    np.testing.assert_array_equal(audit.confusion.matrix, whole - taken)
    assert audit.confusion.left_out == 1 and not session.labels.any()
    assert not audit.outdated
    audit.set_confusion(result_of(audit.confusion_run()))
    assert audit.confusion.count(CELL) == 3  # also in a matrix that is computed anew
    assert tiny_job.reference.ids[tuple(pixels[0])] == 5


def test_each_decision_is_undone_exactly_any_number_of_steps(session):
    decisions, before = session.decisions, []
    for decide in (
        decisions.accept,
        decisions.skip,
        lambda: decisions.relabel(2),
        decisions.mark_wrong,
        lambda: decisions.relabel(2),
        decisions.mark_wrong,
    ):
        before.append(state(session))
        decide()
    assert len(decisions.made) == 6
    while before:
        decisions.undo()
        assert_same(state(session), before.pop())
    decisions.undo()
    assert decisions.made == []


def test_the_next_is_one_that_nothing_was_decided_about(session):
    pixels = [tuple(p) for p in session.audit.pixels.tolist()]
    session.decisions.skip()
    session.audit.step(1)
    session.decisions.skip()  # about the third
    session.audit.step(1)
    assert session.audit.looked_at == pixels[0]
    session.decisions.relabel(2)
    assert session.audit.looked_at == pixels[1]
    assert session.decisions.about(pixels[0]).kind == "relabelled"
    assert session.decisions.about(pixels[1]) is None


def test_undo_leaves_what_was_painted_since(session):
    pixel = session.audit.looked_at
    session.decisions.accept()
    session.labels[pixel] = 2
    session.decisions.undo()
    assert session.labels[pixel] == 2


def test_undo_finds_the_pixel_again_when_there_is_no_matrix(session):
    pixel = session.audit.looked_at
    session.decisions.relabel(2)
    session.audit.choose_truth("training")
    seen = []
    session.audit.events.look_at.connect(lambda pixels: seen.append(pixels.tolist()))
    session.decisions.undo()
    assert session.picked == pixel and seen == [[list(pixel)]] and not session.labels.any()


def test_painted_labels_cannot_be_accepted_and_are_erased_where_wrong(session, tiny_job):
    session.set_labels(tiny_job.reference)
    session.audit.choose_truth("training")
    session.suspects.set_checked(said_by(session.map, session.labels, session.classes))
    session.audit.set_confusion(result_of(session.audit.confusion_run()))
    session.audit.choose_cell(CELL)
    assert "Step to one first" in session.decisions.refusal("skipped")
    session.audit.step(1)
    assert "painted labels" in session.decisions.refusal("accepted")
    with pytest.raises(LabelsError, match="painted labels"):
        session.decisions.accept()
    pixel = session.audit.looked_at
    before = state(session)
    session.decisions.mark_wrong()
    assert session.labels[pixel] == 0 and session.decisions.made[0].label_before == 5
    session.decisions.undo()
    assert_same(state(session), before)


def test_the_table_is_written_with_names(session, tmp_path):
    rows = [tuple(p) for p in session.audit.pixels.tolist()]
    session.decisions.accept()
    session.decisions.mark_wrong()
    path = tmp_path / "new" / "decisions.csv"
    session.decisions.export(path)
    with path.open(encoding="utf-8", newline="") as file:
        found = list(csv.reader(file))
    assert found[0] == ["row", "column", "reference", "mapped as", "decision", "training label"]
    assert found[1:] == [
        [str(r), str(c), "Class 5", "Class 9", kind, label]
        for (r, c), kind, label in zip(
            rows, ("accepted", "marked wrong"), ("Class 5", ""), strict=False
        )
    ]
    assert [p.name for p in path.parent.iterdir()] == ["decisions.csv"]


def test_decisions_go_with_their_scene(session, tiny_job):
    session.decisions.mark_wrong()
    session.open_cube(tiny_job.cube)
    assert session.decisions.made == [] and session.decisions.wrong() == {}


def test_the_maps_accuracy_leaves_out_what_the_matrix_does(session):
    session.mapping.set_accuracy(result_of(session.mapping.accuracy_run()))
    before = session.accuracy
    session.decisions.mark_wrong()
    session.decisions.mark_wrong()
    matrix = session.audit.confusion
    np.testing.assert_array_equal(session.accuracy.confusion, matrix.matrix)
    assert session.accuracy.n == before.n - 2 and session.accuracy.oa == matrix.accuracy.oa
    assert session.mapping.left_out == matrix.left_out == 2
    session.decisions.undo()
    # Also where the map is compared anew.
    session.mapping.set_accuracy(result_of(session.mapping.accuracy_run()))
    assert session.accuracy.n == before.n - 1 == session.audit.confusion.accuracy.n
    session.decisions.undo()
    np.testing.assert_array_equal(session.accuracy.confusion, before.confusion)
