"""What is selected in the audit, and when it no longer holds."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ssamamba.audit.confusion import Cell
from napari_ssamamba.events import result_of
from napari_ssamamba.session import Session

FROM, TO = 5, 9


@pytest.fixture
def session(audited_session):
    return audited_session


def test_stepping_goes_round_the_errors_from_the_most_confident(session):
    audit, seen = session.audit, []
    audit.events.look_at.connect(lambda pixels: seen.append(pixels.tolist()))
    audit.step(1)
    assert audit.cell == Cell(FROM, TO)  # the worst confusion, as no cell was chosen
    expected = session.wrong[::-1].tolist()
    assert audit.pixels.tolist() == expected
    assert audit.confidence() == pytest.approx(0.9)
    picked = [list(session.picked)]
    for _ in range(4):
        audit.step(1)
        picked.append(list(session.picked))
    assert picked == [*expected, expected[0]]
    audit.step(-1)
    assert list(session.picked) == expected[-1]
    assert seen[:2] == [[expected[0]], [expected[1]]]


def test_the_step_before_the_first_is_the_last(session):
    session.audit.choose_cell(Cell(FROM, TO))
    session.audit.step(-1)
    assert session.audit.position == 3


def test_a_click_on_a_pixel_of_the_cell_is_stepped_on_from(session):
    audit = session.audit
    audit.choose_cell(Cell(FROM, TO))
    session.pick(*audit.pixels[2])
    assert audit.position == 2
    session.pick(0, 0)
    assert audit.position == 2


def test_a_click_on_the_scene_chooses_the_confusion_that_it_hits(session):
    audit, wrong = session.audit, session.wrong
    right = np.argwhere(session.reference.ids == TO)[-1]
    session.pick(*right)
    audit.choose_picked()
    assert audit.cell is None
    session.pick(*wrong[2])
    audit.choose_picked()
    assert audit.cell == Cell(FROM, TO)
    assert audit.looked_at == tuple(wrong[2])
    audit.choose_cell(Cell(FROM, FROM))
    session.pick(*wrong[1])
    audit.choose_picked()
    assert (audit.cell, audit.looked_at) == (Cell(FROM, TO), tuple(wrong[1]))


def test_each_pixel_is_in_the_cell_that_holds_it(session):
    confusion = session.audit.confusion
    ids, n = confusion.classes.ids, 0
    for cell in (Cell(i, j) for i in ids for j in ids):
        for pixel in confusion.pixels(cell).tolist():
            assert confusion.cell_at(tuple(pixel)) == cell
            n += 1
    assert n == confusion.accuracy.n
    assert confusion.cell_at(tuple(session.checkpoint.training_pixels[0])) is None


def test_a_cell_without_pixels_cannot_be_stepped_through(session):
    session.audit.choose_cell(Cell(TO, FROM))
    session.audit.step(1)
    assert session.audit.position is None and session.picked is None
    assert session.audit.spectrum_run() is None


def test_painting_outdates_the_matrix_and_its_pixels_stay(session):
    session.audit.choose_cell(Cell(FROM, TO))
    assert not session.audit.outdated
    session.labels_painted()
    assert session.audit.outdated and len(session.audit.pixels) == 4


def test_a_cancelled_mapping_leaves_the_matrix_up_to_date(session):
    session.mapping.run().close()
    assert session.audit.outdated
    session.mapping.keep_before()
    assert not session.audit.outdated


@pytest.mark.parametrize("change", ["cube", "reference", "truth"])
def test_what_is_chosen_goes_with_what_it_was_chosen_in(session, tiny_job, change):
    session.audit.choose_cell(Cell(FROM, TO))
    if change == "cube":
        session.open_cube(tiny_job.cube)
    elif change == "reference":
        session.set_reference(None)
    else:
        session.audit.choose_truth("training")
    audit = session.audit
    assert audit.confusion is None and audit.cell is None and len(audit.pixels) == 0


def test_each_thing_that_is_missing_is_said(session, tiny_job):
    audit = session.audit
    assert audit.missing() == ""
    audit.choose_truth("training")
    assert audit.confusion_run() is None
    assert "No pixel is labelled" in audit.missing()
    audit.choose_truth("reference")
    session.set_reference(None)
    assert audit.confusion_run() is None
    assert "No reference is open" in audit.missing()
    session.mapping.run().close()
    assert "being made" in audit.missing()
    session.open_cube(tiny_job.cube)
    assert "No map yet" in audit.missing()
    assert "No model yet" in _with_scene(tiny_job).audit.missing()
    assert "No scene is open" in Session().audit.missing()


def test_without_a_reference_held_out_pixels_are_the_truth(tiny_job):
    session = _with_scene(tiny_job)
    assert session.audit.truth == "validation"
    session.set_reference(tiny_job.reference)
    assert session.audit.truth == "reference"
    session.audit.choose_truth("training")
    session.set_reference(None)
    assert session.audit.truth == "training"


def test_the_spectrum_is_the_mean_of_the_cells_pixels(session, tiny_job):
    session.audit.choose_cell(Cell(FROM, TO))
    spectrum = result_of(session.audit.spectrum_run())
    spectra = tiny_job.cube.read_pixels(*session.wrong.T)
    expected = np.where(tiny_job.cube.good_bands, spectra.mean(axis=0), np.nan)
    assert spectrum.n == 4
    np.testing.assert_allclose(spectrum.mean, expected, rtol=1e-6)


def _with_scene(tiny_job):
    session = Session()
    session.open_cube(tiny_job.cube)
    return session
