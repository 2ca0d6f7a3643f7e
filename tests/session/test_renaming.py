"""A class that is renamed or recoloured is so everywhere, and stays the class that it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_ssamamba.audit.confusion import Cell
from napari_ssamamba.data.labels import LabelMap
from napari_ssamamba.events import Notice, result_of
from napari_ssamamba.session import TrainingSettings
from napari_ssamamba.session.preview import Preview
from napari_ssamamba.training.config import TrainingConfig

FROM, TO = 5, 9
CONFIG = TrainingConfig(epochs=2, min_steps=4, max_steps=4, mixture="network")


@pytest.fixture
def session(audited_session, tiny_job):
    """With all of the reference as labels."""
    audited_session.set_labels(tiny_job.reference)
    audited_session.set_training(TrainingSettings(config=CONFIG, device="cpu", preview=False))
    return audited_session


def look(classes, id=FROM):
    return classes[id].name, classes[id].color


def notices(run, events=()):
    """Run a training to its end; return what the user is told, and its model."""
    told = list(events)
    model = result_of(run, told.append)
    return [e.text for e in told if isinstance(e, Notice)], model


def test_map_reference_and_matrix_follow_and_stay(session):
    session.audit.choose_cell(Cell(FROM, TO))
    before, told = session.audit.confusion, []
    session.map.outdated = False
    session.audit.events.confusion.connect(lambda: told.append(1))
    session.rename_class(FROM, "Sweetcorn")
    session.recolor_class(FROM, "#123456")
    for classes in (
        session.map.classes,
        session.checkpoint.classes,
        session.reference.classes,
        session.audit.confusion.classes,
    ):
        assert look(classes) == ("Sweetcorn", "#123456")
    assert session.map.checkpoint is session.checkpoint
    assert len(told) == 2 and not session.audit.outdated
    np.testing.assert_array_equal(session.audit.confusion.matrix, before.matrix)
    assert session.audit.cell == Cell(FROM, TO) and len(session.audit.pixels) == 4


def test_another_class_of_the_same_id_in_the_reference_keeps_its_name(session, tiny_job):
    classes = tiny_job.reference.classes.rename(FROM, "Asphalt")
    session.set_reference(replace(tiny_job.reference, classes=classes))
    session.rename_class(FROM, "Sweetcorn")
    assert session.reference.classes[FROM].name == "Asphalt"
    assert session.map.classes[FROM].name == "Sweetcorn"


def test_a_map_that_is_brought_back_and_what_a_training_changed_follow(session):
    session.changes.keep_before()
    session.mapping.run().close()
    session.rename_class(FROM, "Sweetcorn")
    session.mapping.finish()
    session.changes.take(result_of(session.changes.run()))
    assert look(session.changes.found.classes)[0] == "Sweetcorn"
    session.rename_class(FROM, "Popcorn")
    assert look(session.changes.found.classes)[0] == "Popcorn"
    session.mapping.run().close()
    session.rename_class(FROM, "Maize")
    session.mapping.keep_before()
    assert look(session.map.classes)[0] == "Maize"


def test_a_class_of_the_truth_alone_has_its_new_name_in_what_a_training_changed(session, tiny_job):
    only_there = replace(tiny_job.reference, classes=session.classes.add("Bare soil", None, 40))
    session.classes = only_there.classes
    session.set_reference(only_there)
    session.audit.set_confusion(result_of(session.audit.confusion_run()))
    session.rename_class(40, "Sand")
    session.changes.keep_before()
    session.rename_class(40, "Gravel")
    session.mapping.run().close()
    session.mapping.finish()
    session.changes.take(result_of(session.changes.run()))
    assert 40 not in session.map.classes
    assert look(session.changes.found.classes, 40)[0] == "Gravel"


def test_a_training_ends_with_the_names_that_were_given_while_it_ran(session):
    run = session.training_runs.begin()
    begun = [next(run)]
    session.rename_class(FROM, "Sweetcorn")
    session.recolor_class(FROM, "#123456")
    _, model = notices(run, begun)
    session.set_checkpoint(session.named(model))
    assert look(session.checkpoint.classes) == ("Sweetcorn", "#123456")
    told, again = notices(session.training_runs.begin())
    assert told == []  # it starts from that model
    assert look(session.named(again).classes) == ("Sweetcorn", "#123456")


def test_labels_imported_while_a_training_runs_do_not_name_its_model(session, tiny_job):
    run = session.training_runs.begin()
    begun = [next(run)]
    others = tiny_job.reference.classes.rename(FROM, "Quarry")
    session.set_labels(LabelMap(session.labels.copy(), others))
    _, model = notices(run, begun)
    session.set_checkpoint(session.named(model))
    assert session.checkpoint.classes[FROM] == tiny_job.reference.classes[FROM]
    [told], _ = notices(session.training_runs.begin())
    assert "ids for classes of other names: 5 (Quarry, there " in told
    session.mapping.run().close()
    assert session.map.classes[FROM] == tiny_job.reference.classes[FROM]


def test_a_preview_has_the_names_of_its_training(session, tiny_job, tiny_checkpoint):
    result_of(session.training_runs.begin())
    session.rename_class(FROM, "Sweetcorn")
    session.set_labels(LabelMap(session.labels.copy(), session.classes.rename(FROM, "Quarry")))
    for _ in session.mapping.preview_steps(Preview(checkpoint=tiny_checkpoint, tiles=())):
        pass
    assert session.map.preview and session.map.classes[FROM].name == "Sweetcorn"


def test_a_class_that_was_renamed_is_still_the_last_model_s(session):
    session.set_checkpoint(session.named(result_of(session.training_runs.begin())))
    session.rename_class(FROM, "Sweetcorn")
    session.set_labels(LabelMap(session.labels.copy(), session.classes))
    told, _ = notices(session.training_runs.begin())
    assert told == []


def test_a_map_has_the_colours_that_the_labels_have(session, tiny_job):
    recoloured = tiny_job.reference.classes.recolor(FROM, "#123456")
    session.set_labels(LabelMap(session.labels.copy(), recoloured))
    session.mapping.run().close()
    assert look(session.map.classes)[1] == "#123456"


def test_a_matrix_ends_with_the_names_that_were_given_while_it_was_computed(session, tiny_job):
    run = session.audit.confusion_run()
    next(run)
    session.rename_class(FROM, "Sweetcorn")
    session.recolor_class(FROM, "#123456")
    session.audit.set_confusion(result_of(run))
    assert look(session.audit.confusion.classes) == ("Sweetcorn", "#123456")
    other = replace(tiny_job.reference, classes=tiny_job.reference.classes.rename(FROM, "Asphalt"))
    session.set_reference(other)
    run = session.audit.confusion_run()
    next(run)
    session.rename_class(FROM, "Popcorn")
    session.audit.set_confusion(result_of(run))
    assert look(session.audit.confusion.classes)[0] == "Asphalt"


def test_a_check_of_the_labels_ends_with_the_names_that_were_given_while_it_ran(session):
    session.suspects.ask("expert")
    run = session.suspects.run()
    next(run)
    session.rename_class(FROM, "Sweetcorn")
    session.suspects.set_checked(result_of(run))
    for made in (session.suspects.checked, session.suspects.shown):
        assert look(made.classes)[0] == "Sweetcorn"
    session.rename_class(FROM, "Popcorn")
    for made in (session.suspects.checked, session.suspects.shown):
        assert look(made.classes)[0] == "Popcorn"
