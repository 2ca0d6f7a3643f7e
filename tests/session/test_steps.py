"""Suggestions and suspect labels in the session: stepped through, decided about, undone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_ssamamba.audit.suggestions import Suggestion
from napari_ssamamba.audit.suspects import OutOfFold
from napari_ssamamba.data.labels import draw_training_pixels
from napari_ssamamba.errors import LabelsError
from napari_ssamamba.events import result_of
from napari_ssamamba.prediction.mosaic import FINAL
from napari_ssamamba.session import TrainingSettings
from napari_ssamamba.training.config import TrainingConfig

PLACES = ((6, 15), (12, 3), (20, 8))

SHORT = TrainingSettings(config=TrainingConfig(min_steps=48, max_steps=48), device="cpu")


@pytest.fixture
def session(audited_session: Any, tiny_job: Any) -> Any:
    for land_class in tuple(tiny_job.reference.classes)[:3]:
        audited_session.take_class(land_class)
    audited_session.labels[...] = draw_training_pixels(tiny_job.reference, 10, 0)
    for place in PLACES:
        audited_session.labels[place] = 0
    audited_session.labels_painted()
    audited_session.set_training(SHORT)
    found = [Suggestion(*p, "margin", 0.5, id, 9) for p, id in zip(PLACES, (2, 5, 9), strict=True)]
    audited_session.suggestions.set_found(tuple(found))
    return audited_session


def test_a_step_picks_the_pixel_flies_there_and_selects_the_maps_class(session: Any) -> None:
    seen: list[Any] = []
    session.audit.events.look_at.connect(lambda pixels: seen.append(pixels.tolist()))
    for by, place, id in ((1, 0, 2), (1, 1, 5), (-1, 0, 2), (-1, 2, 9)):
        session.suggestions.step(by)
        assert session.picked == PLACES[place]
        assert session.selected_class == id
        assert seen[-1] == [list(PLACES[place])]
    assert session.steps is session.suggestions


def test_accepting_labels_with_the_selected_class_and_goes_on(session: Any) -> None:
    suggestions = session.suggestions
    suggestions.step(1)
    suggestions.accept()
    assert session.labels[PLACES[0]] == 2 and session.picked == PLACES[1]
    session.select_class(9)
    suggestions.accept()
    assert session.labels[PLACES[1]] == 9 and session.picked == PLACES[2]
    suggestions.skip()
    assert session.labels[PLACES[2]] == 0
    assert [d.kind for d in session.decisions.made] == ["labelled", "labelled", "skipped"]
    assert suggestions.undecided() == 0
    for place in reversed(PLACES):
        session.decisions.undo()
        assert session.labels[place] == 0
        assert session.picked == place
    assert suggestions.undecided() == 3 and suggestions.position == 0


def test_those_decided_about_are_passed_by_until_all_are(session: Any) -> None:
    suggestions = session.suggestions
    suggestions.go_to(1)
    suggestions.skip()
    suggestions.step(1)
    assert suggestions.position == 0
    suggestions.step(1)
    assert suggestions.position == 2
    suggestions.accept()
    suggestions.accept()
    assert suggestions.undecided() == 0
    suggestions.go_to(1)
    suggestions.step(1)
    assert suggestions.position == 2


def test_what_cannot_be_decided_is_refused(session: Any) -> None:
    for act in (session.suggestions.accept, session.suggestions.skip, session.suspects.erase):
        with pytest.raises(LabelsError, match="G goes to the next"):
            act()
    session.suggestions.step(1)
    session.select_class(0)
    with pytest.raises(LabelsError, match="No class is selected"):
        session.suggestions.accept()
    assert session.decisions.made == []


def test_a_pixel_of_the_list_that_is_clicked_on_is_looked_at(session: Any) -> None:
    session.pick(*PLACES[2])
    assert session.suggestions.position == 2
    session.pick(0, 0)
    assert session.suggestions.position == 2


def test_suggestions_are_of_the_map_and_not_where_one_was_skipped(session: Any) -> None:
    session.map.margin[...] = 0.2
    session.map.level[...] = FINAL
    found = result_of(session.suggestions.run())
    session.suggestions.set_found(found)
    assert found and not session.suggestions.outdated
    first = found[0]
    assert session.labels[first.row, first.column] == 0
    session.suggestions.step(1)
    session.suggestions.skip()
    for s in result_of(session.suggestions.run()):
        assert max(abs(s.row - first.row), abs(s.column - first.column)) > 3
    session.mapping.run().close()
    assert session.suggestions.outdated
    assert "No map yet, or it is being made" in session.suggestions.missing()
    with pytest.raises(LabelsError, match="No map"):
        session.suggestions.run()


def test_lists_go_with_their_scene(session: Any, tiny_job: Any) -> None:
    session.open_cube(tiny_job.cube)
    assert session.suggestions.found is None and len(session.suggestions.pixels) == 0
    assert session.suspects.checked is None and session.suspects.shown is None


def test_suspects_are_relabelled_erased_or_kept(session: Any) -> None:
    pixels = np.argwhere(session.labels == 5)[:3].astype(np.int32)
    checked = OutOfFold(
        pixels,
        np.full(3, 5, np.uint16),
        np.full(3, 9, np.uint16),
        np.array([0.7, 0.9, 0.8], np.float32),
        np.full(3, 0.05, np.float32),
        30,
        session.classes,
        "expert",
        0.0,
    )
    suspects = session.suspects
    suspects.set_checked(checked)
    np.testing.assert_array_equal(suspects.pixels, pixels[[1, 2, 0]])
    suspects.step(1)
    assert session.selected_class == 9 and session.steps is suspects
    suspects.accept()
    suspects.erase()
    suspects.skip()
    assert session.labels[tuple(pixels.T)].tolist() == [5, 9, 0]
    assert [d.kind for d in session.decisions.made] == ["relabelled", "label removed", "skipped"]
    assert suspects.outdated
    for _ in range(3):
        session.decisions.undo()
    assert session.labels[tuple(pixels.T)].tolist() == [5, 5, 5]


def test_training_labels_are_compared_with_what_the_others_say(session: Any) -> None:
    wrong = tuple(np.argwhere(session.labels == 2)[0].tolist())
    session.labels[wrong] = 9
    session.labels_painted()
    audit = session.audit
    audit.choose_truth("training")
    assert "not checked" in audit.missing() and audit.confusion_run() is None
    checked = result_of(session.suspects.run())
    session.suspects.set_checked(checked)
    audit.set_confusion(result_of(audit.confusion_run()))
    assert audit.confusion.truth == "Training labels, out of fold"
    assert audit.confusion.accuracy.n == len(checked.pixels) == np.count_nonzero(session.labels)
    expected = np.zeros((3, 3), int)
    np.add.at(
        expected,
        (np.searchsorted([2, 5, 9], checked.ids), np.searchsorted([2, 5, 9], checked.predicted)),
        1,
    )
    np.testing.assert_array_equal(audit.confusion.matrix, expected)
    cell = audit.confusion.worst()[0]
    assert wrong in [tuple(p) for p in audit.confusion.pixels(cell).tolist()]
    assert not audit.outdated
    session.labels_painted()
    assert audit.outdated


def test_labels_that_change_during_the_check_outdate_it(session: Any) -> None:
    run = session.suspects.run()
    session.labels_painted()
    session.suspects.set_checked(result_of(run))
    assert session.suspects.outdated
