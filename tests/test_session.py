"""What is open, and what becomes of it when it is changed."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from napari_ssamamba.data.cube import Cube
from napari_ssamamba.data.labels import LabelMap
from napari_ssamamba.data.tiles import Window
from napari_ssamamba.errors import LabelsError, SSAMambaError
from napari_ssamamba.prediction.class_map import MapTile
from napari_ssamamba.session import Session


@pytest.fixture
def session(tiny_checkpoint) -> Session:
    session = Session()
    rows, columns, bands = tiny_checkpoint.record.scene_shape
    session.open_cube(Cube("field", np.random.default_rng(0).random((rows, columns, bands))))
    session.add_class("maize")
    session.add_class("wheat")
    return session


def test_ids_never_shift_and_are_never_given_twice(session):
    session.labels[0, :3] = 2
    session.delete_class(1)
    assert session.classes.ids == (2,)
    assert session.add_class("rye") == 3
    session.delete_class(3)
    session.labels[1, 0] = 7  # painted by hand, without a class of its own
    assert session.add_class("oat") == 8


def test_a_deleted_class_gives_its_pixels_where_they_are_told_to_go(session):
    session.labels[0, :3] = 1
    session.labels[1, :2] = 2
    session.delete_class(1, pixels_to=2)
    assert session.label_counts() == {2: 5}
    session.delete_class(2)
    assert not session.labels.any()
    assert session.selected_class == 0


def test_pixels_cannot_go_to_a_class_that_is_not_there(session):
    session.labels[0, 0] = 1
    with pytest.raises(KeyError):
        session.delete_class(1, pixels_to=9)
    assert session.classes.ids == (1, 2)
    assert session.labels[0, 0] == 1


def test_labels_of_another_shape_are_refused_with_both_shapes(session):
    other = LabelMap(np.ones((3, 4), np.uint16), session.classes, "field map")
    with pytest.raises(LabelsError, match=r"field map: 3 × 4 .* has"):
        session.set_reference(other)
    assert session.reference is None


def test_nothing_can_be_started_that_lacks_its_input(session):
    with pytest.raises(LabelsError, match="Paint"):
        session.training_run()
    with pytest.raises(SSAMambaError, match="Train one first"):
        session.mapping_run()
    with pytest.raises(SSAMambaError, match="Open a cube"):
        Session().training_run()
    with pytest.raises(LabelsError, match="Import one"):
        session.draw_from_reference(3, seed=0)


def test_training_sees_the_labels_as_they_were_when_it_was_started(session, monkeypatch):
    seen = []

    def train(cube, split, *rest):
        yield
        seen.append(split.ids)

    monkeypatch.setattr("napari_ssamamba.training.trainer.train", train)
    session.labels[:2, :6] = 1
    session.labels[2:4, :6] = 2
    run = session.training_run()
    session.labels[:] = 0
    next(run)
    list(run)
    assert (seen[0] == 1).sum() == 12


def test_a_cancelled_mapping_brings_back_the_map_before(session, tiny_checkpoint):
    session.set_checkpoint(tiny_checkpoint)
    for event in session.mapping_run():
        if isinstance(event, MapTile):
            session.add_tile(event)
    session.finish_map()
    before = session.map
    ids = before.ids.copy()
    session.mapping_run()
    window = Window(0, 2, 0, 2)
    session.add_tile(
        MapTile(window=window, ids=np.full((2, 2), 99, np.uint16), confidence=np.ones((2, 2), "f4"))
    )
    assert session.map.ids[0, 0] == 99
    session.keep_map_before()
    assert session.map is before
    np.testing.assert_array_equal(session.map.ids, ids)
    assert session.map.complete


def test_painting_marks_the_map_as_outdated_once(session, tiny_checkpoint):
    session.set_checkpoint(tiny_checkpoint)
    session.mapping_run()
    session.finish_map()
    told = []
    session.events.map.connect(lambda: told.append(session.map.outdated))
    session.labels_painted()
    session.labels_painted()
    assert told == [True]


def test_the_last_band_cannot_be_switched_off(session):
    with pytest.raises(SSAMambaError, match="at least one band"):
        session.set_good_bands(np.zeros(session.cube.bands, bool))
    assert session.cube.good_bands.all()


def test_a_session_is_made_without_torch_and_qt():
    code = (
        "import sys, napari_ssamamba.session as s; s.Session();"
        "bad = {'torch', 'qtpy', 'napari', 'rasterio'} & set(sys.modules); print(bad); "
        "sys.exit(bool(bad))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
