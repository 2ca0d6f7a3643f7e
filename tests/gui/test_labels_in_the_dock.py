"""Labels and references come into the dock by file, by name and by chance."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from napari_ssamamba.data.classes import ClassTable
from napari_ssamamba.data.cube import Cube
from napari_ssamamba.data.labels import LabelMap
from napari_ssamamba.data.writers import write_labels
from napari_ssamamba.gui.dialogs import Dialogs
from napari_ssamamba.gui.dock import MainDock

TRANSFORM = (500_000.0, 30.0, 0.0, 5_600_000.0, 0.0, -30.0)


class Answers(Dialogs):
    """Names files, and answers questions by what the test says."""

    def __init__(self):
        self.files = []
        self.option = self.to = None
        self.questions = []

    def labels_files(self, parent, title):
        return self.files

    def choice(self, parent, error):
        self.questions.append([c.value for c in error.choices])
        return next((c for c in error.choices if c.value == self.option), None)

    def pixels_to(self, parent, classes, id, n):
        self.questions.append((classes[id].name, n))
        return self.to


@pytest.fixture
def answers():
    return Answers()


@pytest.fixture
def dock(qtbot, workflow, answers, tiny_job):
    cube = replace(tiny_job.cube, crs="EPSG:32633", transform=TRANSFORM)
    workflow.session.open_cube(cube)
    made = MainDock(workflow.session, workflow, answers)
    qtbot.addWidget(made)
    return made


def wait(qtbot, workflow):
    qtbot.waitUntil(lambda: not any(workflow.job(k) for k in ("labels", "accuracy")))


def polygons(path, *properties):
    """Write 2 × 2 pixels in the upper left corner, and as many beside it, and so on."""
    features = []
    for i, values in enumerate(properties):
        x0, x1 = 500_000 + 60 * i, 500_000 + 60 * (i + 1)
        y0, y1 = 5_600_000 - 60, 5_600_000
        ring = [[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]
        geometry = {"type": "Polygon", "coordinates": [ring]}
        features.append({"type": "Feature", "properties": values, "geometry": geometry})
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32633"}}
    path.write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}))
    return path


def test_a_raster_brings_its_ids_names_and_colours(qtbot, workflow, dock, answers, tmp_path):
    session = workflow.session
    table = ClassTable().add("Rye", "#aa5500", 3).add("Oat", "#0055aa", 40)
    ids = np.zeros((24, 20), np.uint16)
    ids[2, 3:7], ids[5, 5] = 40, 3
    answers.files = [tmp_path / "crops.tif"]
    write_labels(answers.files[0], LabelMap(ids, table), cube=session.cube)
    dock.classes.labels.click()
    wait(qtbot, workflow)
    np.testing.assert_array_equal(session.labels, ids)
    assert [(c.id, c.name, c.color) for c in session.classes] == [
        (3, "Rye", "#aa5500"),
        (40, "Oat", "#0055aa"),
    ]
    model = dock.classes.model
    assert [model.data(model.index(row, 3)) for row in range(2)] == ["1", "4"]


def test_polygons_ask_for_their_field_and_may_be_left(qtbot, workflow, dock, answers, tmp_path):
    session = workflow.session
    rows = ({"crop": "rye", "farm": "Lee"}, {"crop": "oat", "farm": "Lea"})
    answers.files = [polygons(tmp_path / "fields.geojson", *rows)]
    dock.classes.labels.click()
    wait(qtbot, workflow)
    assert answers.questions == [["crop", "farm"]]
    assert not session.labels.any() and len(session.classes) == 0
    answers.option = "crop"
    dock.classes.labels.click()
    qtbot.waitUntil(lambda: bool(session.labels.any()))
    assert session.classes.names == ("oat", "rye")
    assert session.label_counts() == {1: 4, 2: 4}
    assert session.labels[0, 0] == 2


def test_labels_of_another_size_are_refused_with_both_sizes(
    qtbot, workflow, dock, answers, tmp_path
):
    answers.files = [tmp_path / "other.npy"]
    np.save(answers.files[0], np.ones((5, 6), np.uint8))
    before = workflow.session.labels.copy()
    dock.classes.labels.click()
    wait(qtbot, workflow)
    assert "5 × 6" in dock.messages.text.text() and "24 × 20" in dock.messages.text.text()
    assert not dock.messages.isHidden()
    np.testing.assert_array_equal(workflow.session.labels, before)


def test_a_reference_tells_how_good_the_map_is(
    qtbot, workflow, dock, answers, tiny_job, tiny_checkpoint, tmp_path
):
    session = workflow.session
    session.set_checkpoint(tiny_checkpoint)
    workflow.mapping.map_scene()
    qtbot.waitUntil(lambda: session.map is not None and session.map.complete)
    assert dock.map.accuracy.isHidden()
    answers.files = [tmp_path / "truth.tif"]
    write_labels(answers.files[0], tiny_job.reference, cube=session.cube)
    dock.classes.reference.click()
    qtbot.waitUntil(lambda: session.accuracy is not None)
    used = len(tiny_checkpoint.training_pixels) + len(tiny_checkpoint.validation_pixels)
    counted = int((tiny_job.reference.ids > 0).sum()) - used
    assert dock.map.accuracy.text().startswith(f"OA {session.accuracy.oa:.1f} %")
    assert f"{counted:,} reference pixels not trained on" in dock.map.accuracy.text()
    assert dock.classes.draw.isEnabled()


def test_a_reference_that_names_ids_otherwise_is_told(
    qtbot, workflow, dock, answers, tiny_job, tmp_path
):
    told = []
    workflow.told.connect(lambda kind, text: told.append(text))
    session = workflow.session
    session.set_labels(tiny_job.reference)
    first, *_ = session.classes.ids
    for name in ("Rye", session.classes[first].name):
        classes = tiny_job.reference.classes.rename(first, name)
        answers.files[:] = [tmp_path / f"{name}.tif"]
        write_labels(answers.files[0], LabelMap(tiny_job.reference.ids, classes), cube=session.cube)
        session.set_reference(None)
        dock.classes.reference.click()
        qtbot.waitUntil(lambda: session.reference is not None)
    others = [text for text in told if "compared by their id" in text]
    assert len(others) == 1
    assert f"{first} (Rye, there {session.classes[first].name})" in others[0]


def test_tiles_of_a_reference_are_one(qtbot, workflow, dock, answers, tiny_job, tmp_path):
    ids, scene = tiny_job.reference.ids, workflow.session.cube
    for n, rows in enumerate((slice(0, 10), slice(10, 24))):
        part = Cube("tile", np.zeros((rows.stop - rows.start, 20, 1)))
        top = TRANSFORM[3] + rows.start * TRANSFORM[5]
        tile = replace(part, crs=scene.crs, transform=(*TRANSFORM[:3], top, *TRANSFORM[4:]))
        answers.files.append(tmp_path / f"tile_{n}.tif")
        write_labels(answers.files[-1], LabelMap(ids[rows], tiny_job.reference.classes), cube=tile)
    dock.classes.reference.click()
    qtbot.waitUntil(lambda: workflow.session.reference is not None)
    np.testing.assert_array_equal(workflow.session.reference.ids, ids)


def test_so_many_training_pixels_are_drawn_as_asked(workflow, dock, tiny_job):
    session = workflow.session
    assert not dock.classes.draw.isEnabled()
    session.set_reference(tiny_job.reference)
    dock.classes.per_class.setValue(7)
    dock.classes.seed.setValue(3)
    dock.classes.draw.click()
    assert session.label_counts() == {2: 7, 5: 7, 9: 7, 11: 0}
    drawn = session.labels.copy()
    assert (tiny_job.reference.ids[drawn > 0] == drawn[drawn > 0]).all()
    dock.classes.draw.click()
    np.testing.assert_array_equal(session.labels, drawn)
    dock.classes.seed.setValue(4)
    dock.classes.draw.click()
    assert (session.labels != drawn).any()


def test_a_deleted_class_asks_what_becomes_of_its_pixels(workflow, dock, answers):
    session = workflow.session
    for name in ("maize", "rye"):
        session.add_class(name)
    session.labels[0, :5], session.labels[1, :3] = 1, 2
    session.labels_painted()
    dock.classes.delete.click()
    assert answers.questions == [("rye", 3)]
    assert session.label_counts() == {1: 5, 2: 3}  # the question was cancelled
    answers.to = 1
    dock.classes.delete.click()
    assert session.label_counts() == {1: 8}
    answers.to = 0
    dock.classes.delete.click()
    assert not session.labels.any() and not dock.classes.delete.isEnabled()


def test_a_scene_of_two_variables_is_asked_for(qtbot, workflow, dock, answers, tmp_path):
    from scipy.io import savemat

    before = workflow.session.cube
    savemat(tmp_path / "two.mat", {"X": np.ones((4, 5, 6)), "Y": np.ones((7, 8, 9))})
    workflow.open([tmp_path / "two.mat"])
    qtbot.waitUntil(lambda: bool(answers.questions))
    assert answers.questions == [["X", "Y"]]
    assert workflow.session.cube is before and workflow.job("open") is None
    answers.option = "Y"
    workflow.open([tmp_path / "two.mat"])
    qtbot.waitUntil(lambda: workflow.session.cube is not before)
    assert workflow.session.cube.shape == (7, 8, 9)
