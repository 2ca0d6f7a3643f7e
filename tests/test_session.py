"""What is open, and what becomes of it when it is changed."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from napari_ssamamba.data.band_lists import BandList
from napari_ssamamba.data.cube import Cube
from napari_ssamamba.data.labels import LabelMap
from napari_ssamamba.data.readers import open_cube
from napari_ssamamba.data.tiles import Window
from napari_ssamamba.errors import LabelsError, SSAMambaError
from napari_ssamamba.events import Notice
from napari_ssamamba.model.config import preset
from napari_ssamamba.prediction.class_map import MapTile
from napari_ssamamba.prediction.order import Seen
from napari_ssamamba.session import Session, TrainingSettings


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


def test_a_new_class_never_gets_the_id_of_one_that_the_model_has_learned(session, tiny_checkpoint):
    session.set_checkpoint(tiny_checkpoint)
    assert tiny_checkpoint.classes.ids == (2, 5, 9)
    session.delete_class(2)
    new = session.add_class("rye")
    assert new == 10  # 2 or 9 would start from what the model knows of another class


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
        session.training_runs.begin()
    with pytest.raises(SSAMambaError, match="Train one first"):
        session.mapping.run()
    with pytest.raises(SSAMambaError, match="Open a cube"):
        Session().training_runs.begin()
    with pytest.raises(LabelsError, match="Import one"):
        session.draw_from_reference(3, seed=0)


def test_training_sees_the_labels_as_they_were_when_it_was_started(session, monkeypatch):
    seen = []

    def train(cube, split, *rest, **options):
        yield
        seen.append(split.ids)

    monkeypatch.setattr("napari_ssamamba.training.trainer.train", train)
    session.labels[:2, :6] = 1
    session.labels[2:4, :6] = 2
    run = session.training_runs.begin()
    session.labels[:] = 0
    next(run)
    list(run)
    assert (seen[0] == 1).sum() == 12


def paint_two_classes(session):
    session.labels[:2, :6], session.labels[2:4, :6] = 1, 2


def started_from(session, checkpoint, monkeypatch, imported=None, **settings):
    """What a training of the session starts from, and what the user is told."""
    starts = []

    def train(*arguments, **options):
        yield
        starts.append(arguments[-1])

    monkeypatch.setattr("napari_ssamamba.training.trainer.train", train)
    paint_two_classes(session)
    session.set_checkpoint(checkpoint)
    if imported is not None:
        session.set_labels(imported)
    session.set_training(TrainingSettings(**settings))
    return [e.text for e in session.training_runs.begin() if isinstance(e, Notice)], starts[0]


@pytest.fixture
def last(session, tiny_checkpoint):
    """A model that was trained on the session's scene."""
    bands = session.cube.bands
    return replace(
        tiny_checkpoint,
        model=preset("compact", bands, 3),
        band_indices=np.arange(bands),
        wavelengths=None,
        record=replace(tiny_checkpoint.record, scene="field"),
        classes=session.classes,
    )


def test_a_training_starts_from_the_last_model_of_the_scene(session, last, monkeypatch):
    assert started_from(session, last, monkeypatch) == ([], last)
    assert started_from(session, last, monkeypatch, from_last=False) == ([], None)
    session.cube = replace(session.cube, fingerprint="one scene")
    elsewhere = replace(last.record, scene="elsewhere", fingerprint="another scene")
    assert started_from(session, replace(last, record=elsewhere), monkeypatch) == ([], None)


def test_imported_labels_whose_ids_are_other_classes_train_anew(session, last, monkeypatch):
    id, *_ = session.classes.ids
    paint_two_classes(session)
    others = LabelMap(session.labels.copy(), session.classes.rename(id, "Quarry"))
    [told], start = started_from(session, last, monkeypatch, imported=others)
    assert start is None and "classes of other names" in told


def test_a_last_model_that_does_not_fit_is_told_and_left(session, tiny_checkpoint, monkeypatch):
    record = replace(tiny_checkpoint.record, scene="field")
    last = replace(tiny_checkpoint, record=record)  # one band fewer than are on now
    [told], start = started_from(session, last, monkeypatch)
    assert start is None
    assert "Training anew" in told and "6 bands switched on" in told


def test_a_cancelled_mapping_brings_back_the_map_before(session, tiny_checkpoint, tile_of):
    session.set_checkpoint(tiny_checkpoint)
    for event in session.mapping.run():
        if isinstance(event, MapTile):
            session.mapping.add_tile(event)
    session.mapping.finish()
    before = session.map
    ids = before.ids.copy()
    session.mapping.run()
    window = Window(0, 2, 0, 2)
    session.mapping.add_tile(tile_of(window, 99))
    assert session.map.ids[0, 0] == 99
    session.mapping.keep_before()
    assert session.map is before
    np.testing.assert_array_equal(session.map.ids, ids)
    assert session.map.complete


def drained(work, take, most=None):
    """Hand a mapping's tiles on, at most so many, and end it."""
    tiles = []
    for event in work:
        if isinstance(event, MapTile):
            take(event)
            tiles.append(event)
            if len(tiles) == most:
                break
    work.close()
    return tiles


def test_a_stopped_map_is_continued_where_it_was(session, tiny_checkpoint):
    session.set_checkpoint(tiny_checkpoint)
    session.mapping.focus.seen = Seen(Window(0, 24, 0, 20))
    drained(session.mapping.run(), session.mapping.add_tile)
    session.mapping.finish()
    whole = session.map
    first = drained(session.mapping.run(), session.mapping.add_tile, most=3)
    session.mapping.stop()
    stopped = session.map
    done = sum(t.new.sum() for t in first)
    assert stopped.share == pytest.approx(done / (24 * 20))
    assert stopped.state() == f"stopped at {int(100 * stopped.share)} %"
    assert session.mapping.can_continue
    rest = drained(session.mapping.continue_run(), session.mapping.add_tile)
    session.mapping.finish()
    assert session.map is stopped
    assert stopped.complete
    assert stopped.share == 1
    assert sum(t.new.sum() for t in rest) == 24 * 20 - done
    np.testing.assert_array_equal(stopped.ids, whole.ids)
    np.testing.assert_allclose(stopped.entropy, whole.entropy, atol=1e-5)


def test_another_model_does_not_continue_a_map(session, tiny_checkpoint):
    session.set_checkpoint(tiny_checkpoint)
    drained(session.mapping.run(), session.mapping.add_tile, most=1)
    session.mapping.stop()
    session.set_checkpoint(replace(tiny_checkpoint))
    assert session.map.state().endswith(", outdated")
    assert not session.mapping.can_continue
    with pytest.raises(SSAMambaError, match="Map the scene anew"):
        session.mapping.continue_run()


def test_painting_marks_the_map_as_outdated_once(session, tiny_checkpoint):
    session.set_checkpoint(tiny_checkpoint)
    session.mapping.run()
    session.mapping.finish()
    told = []
    session.events.map.connect(lambda: told.append(session.map.outdated))
    session.labels_painted()
    session.labels_painted()
    assert told == [True]


def test_the_last_band_cannot_be_switched_off(session):
    with pytest.raises(SSAMambaError, match="at least one band"):
        session.switch_bands(np.ones(session.cube.bands, bool), False)
    assert session.cube.good_bands.all()
    session.hide_water_absorption(True)  # the refused change left nothing behind
    assert session.cube.good_bands.all()


def test_showing_water_absorption_again_leaves_the_files_bad_bands_off():
    session = Session()
    good = np.array([True, False, True, True])
    centres = np.array([1000, 1380, 1400, 1650.0])
    session.open_cube(Cube("field", np.zeros((2, 3, 4)), wavelengths=centres, good_bands=good))
    session.hide_water_absorption(True)
    session.switch_range(1000, 1100, on=False)
    assert session.cube.good_bands.tolist() == [False, False, False, True]
    session.hide_water_absorption(False)
    assert session.cube.good_bands.tolist() == [False, False, True, True]
    session.switch_range(1000, 1380, on=True)
    assert session.cube.good_bands.all()


def test_typed_wavelengths_bring_their_presets_and_ranges(session):
    told = []
    session.events.bands.connect(lambda: told.append(session.composite.preset))
    assert session.composite.preset == "evenly spaced"
    bands = session.cube.bands
    good = np.arange(bands) < bands - 1
    session.set_wavelengths(BandList(np.linspace(450, 700, bands), None, good))
    assert told == ["true colour"]
    assert session.cube.good_bands.tolist() == good.tolist()
    session.switch_range(400, 600, on=False)
    assert session.cube.good_bands.sum() == 1


def test_kept_wavelengths_are_there_when_the_scene_is_opened_again(tmp_path):
    np.save(tmp_path / "field.npy", np.zeros((20, 30, 4), np.float32))
    session = Session()
    session.open_cube(open_cube(tmp_path / "field.npy"))
    centres = np.array([0.1, 0.2, 0.4, 0.9]) + 500
    session.set_wavelengths(BandList(centres, None, np.array([True, True, False, True])))
    assert [p.name for p in tmp_path.iterdir()] == ["field.npy"]
    session.keep_wavelengths()
    again = open_cube(tmp_path / "field.npy")
    np.testing.assert_array_equal(again.wavelengths, centres)
    assert again.good_bands.tolist() == [True, True, False, True]


def test_a_session_is_made_without_torch_and_qt():
    code = (
        "import sys, napari_ssamamba.session as s; s.Session();"
        "bad = {'torch', 'qtpy', 'napari', 'rasterio'} & set(sys.modules); print(bad); "
        "sys.exit(bool(bad))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
