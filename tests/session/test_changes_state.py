"""Which maps are compared after a training, and on which pixels."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest

from napari_ssamamba.audit.confusion import Cell
from napari_ssamamba.events import result_of


@pytest.fixture
def session(audited_session):
    return audited_session


def retrained(session, checkpoint, change):
    """Map the scene anew, with a model that has also learned some pixels."""
    session.set_checkpoint(checkpoint)
    session.mapping.run().close()
    change(session.map.ids)
    session.mapping.finish()


def test_fixed_and_broken_are_counted_on_what_is_not_learned_now(session, tiny_checkpoint):
    wrong = [tuple(p) for p in session.wrong.tolist()]
    session.audit.choose_cell(Cell(5, 9))
    session.audit.step(1)
    decided = session.audit.looked_at
    session.decisions.accept()
    n = session.audit.confusion.accuracy.n
    session.changes.keep_before()
    learned = next(p for p in wrong if p != decided)
    checkpoint = replace(
        tiny_checkpoint,
        training_pixels=np.vstack([tiny_checkpoint.training_pixels, learned]).astype(np.int32),
    )
    broken = tuple(session.audit.confusion.pixels(Cell(2, 2))[0].tolist())

    def change(ids):
        ids[tuple(np.array(wrong[:3]).T)] = 5
        ids[wrong[3]] = 2
        ids[broken] = 9

    retrained(session, checkpoint, change)
    session.changes.take(result_of(session.changes.run()))
    changes = session.changes.found
    assert changes.left_out == 2 and changes.found.counted == n - 2
    counted = [p for p in wrong if p not in (decided, learned)]
    assert changes.found.fixed == sum(p in counted for p in wrong[:3])
    assert changes.found.broken == 1
    assert changes.found.still_wrong == (wrong[3] in counted)
    assert changes.found.changed == 5
    assert "not trained on" in changes.truth and 9 in changes.classes
    assert session.changes.before is None


def test_the_map_before_is_the_one_from_when_the_training_began(session, tiny_checkpoint):
    before = session.map.ids.copy()
    session.changes.keep_before()
    assert session.changes.run() is None  # the map is the same
    session.set_checkpoint(tiny_checkpoint)
    session.mapping.run().close()
    assert session.changes.run() is None  # the new map is not complete
    session.map.ids[...] = 2
    session.changes.keep_before()
    session.mapping.finish()
    found = result_of(session.changes.run()).found
    assert found.changed == ((before != 2) & (before > 0)).sum()


def test_only_the_classes_of_the_map_before_stay_in_memory(session, tiny_checkpoint):
    session.audit.compared = None  # as where nobody looks at its errors
    numbers = weakref.ref(session.map.confidence)
    session.changes.keep_before()
    retrained(session, tiny_checkpoint, lambda ids: None)
    gc.collect()
    assert numbers() is None and session.changes.before is not None


def test_without_a_matrix_only_the_change_itself_is_told(session, tiny_checkpoint):
    session.audit.choose_truth("validation")
    session.changes.keep_before()
    retrained(session, tiny_checkpoint, lambda ids: ids.fill(2))
    changes = result_of(session.changes.run())
    assert changes.truth == "" and changes.found.counted == 0 < changes.found.changed


def test_nothing_is_kept_without_a_complete_map_and_it_goes_with_the_scene(
    session, tiny_job, tiny_checkpoint
):
    session.mapping.run().close()
    session.changes.keep_before()
    assert session.changes.before is None
    session.mapping.keep_before()
    session.changes.keep_before()
    retrained(session, tiny_checkpoint, lambda ids: None)
    session.changes.take(result_of(session.changes.run()))
    session.changes.keep_before()
    session.open_cube(tiny_job.cube)
    assert session.changes.before is None and session.changes.found is None


def test_a_training_that_begins_during_the_comparison_has_its_own_map_before(
    session, tiny_checkpoint
):
    session.changes.keep_before()
    retrained(session, tiny_checkpoint, lambda ids: ids.fill(2))
    run = session.changes.run()
    next(run)
    session.changes.keep_before()
    session.classes = session.map.classes
    session.rename_class(5, "Sweetcorn")
    session.changes.take(result_of(run))
    assert session.changes.found.classes[5].name == "Sweetcorn"
    retrained(session, tiny_checkpoint, lambda ids: ids.fill(9))
    session.changes.take(result_of(session.changes.run()))
    assert session.changes.found.found.changed == session.map.ids.size
    assert session.changes.before is None
