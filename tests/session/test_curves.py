"""Curves of a session: pixels, regions, libraries, and the selection's two classes."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ssamamba.audit.confusion import Cell
from napari_ssamamba.audit.separability import separability
from napari_ssamamba.data.spectral_library import SpectralLibrary, read_library
from napari_ssamamba.errors import SSAMambaError
from napari_ssamamba.events import result_of
from napari_ssamamba.session import Session
from napari_ssamamba.session.curve_export import export_run
from napari_ssamamba.session.curves import SINGLES


@pytest.fixture
def session(tiny_job):
    session = Session()
    session.open_cube(tiny_job.cube)
    session.set_reference(tiny_job.reference)
    session.draw_from_reference(8, seed=0)
    return session


def test_a_pixel_is_kept_once_and_stays_when_another_is_picked(session):
    with pytest.raises(SSAMambaError, match="No pixel is picked"):
        session.curves.keep_pixel()
    session.pick(9, 7)
    first = session.curves.keep_pixel()
    assert session.curves.keep_pixel() == first
    session.pick(20, 3)
    session.curves.keep_pixel()
    one, two = session.curves.curves
    assert (one.name, two.name) == ("Pixel 9, 7", "Pixel 20, 3") and one.color != two.color
    np.testing.assert_array_equal(one.spectrum, session.cube.read_pixels([9], [7])[0])
    session.curves.rename(first, " Grass ")
    session.curves.rename(first, " ")
    assert session.curves.curves[0].name == "Grass"
    session.curves.remove(first)
    assert [c.name for c in session.curves.curves] == ["Pixel 20, 3"]


def test_regions_are_averaged_in_the_view_and_again_when_bands_change(session):
    asked = []
    session.curves.events.regions.connect(lambda: asked.append(True))
    pixels = np.argwhere(np.ones((5, 4))).astype(np.int32) + 10
    id = session.curves.add_region(pixels)
    session.curves.set_view("derivative")
    found = result_of(session.curves.regions_run())
    session.curves.set_regions(found)
    cube, region = session.cube, session.curves.curves[0]
    assert region.id == id and region.statistics.n == 20
    values = cube.read_pixels(*pixels.T).astype(float)
    run = [3, 4, 5]  # band 2 is off; 100 nm between bands
    expected = np.gradient(values[:, run], 100.0, axis=1)
    np.testing.assert_allclose(region.statistics.mean[run], expected.mean(axis=0))
    np.testing.assert_allclose(region.statistics.deviation[run], expected.std(axis=0))
    assert np.isnan(region.statistics.mean[2])
    session.switch_bands(np.arange(6) == 4, False)
    assert len(asked) == 3
    with pytest.raises(SSAMambaError, match="no pixel in the scene"):
        session.curves.add_region(np.empty((0, 2), np.int32))


def test_another_scene_leaves_libraries_alone(session, tiny_job):
    wide = SpectralLibrary(
        tuple(f"spectrum {i}" for i in range(40)),
        np.arange(120.0).reshape(40, 3),
        np.array([500.0, 600, 700]),
    )
    told = []
    session.curves.events.curves.connect(lambda: told.append(True))
    session.curves.add_library(wide, [39, 3])
    assert [c.name for c in session.curves.curves] == ["spectrum 39", "spectrum 3"]
    np.testing.assert_array_equal(session.curves.curves[0].spectrum, wide.spectra[39])
    assert told == [True]  # the plot is drawn once, not once a spectrum
    session.pick(9, 7)
    session.curves.keep_pixel()
    session.open_cube(tiny_job.cube)
    assert {c.kind for c in session.curves.curves} == {"library"}


def test_single_spectra_are_a_seeded_draw_of_the_selection(session):
    audit = session.audit
    assert session.curves.singles_run() is None
    audit.pixels = np.argwhere(session.reference.ids == 9).astype(np.int32)
    found = result_of(session.curves.singles_run())
    again = result_of(session.curves.singles_run())
    assert found.total == len(audit.pixels) == 160 and len(found.pixels) == SINGLES
    np.testing.assert_array_equal(found.pixels, again.pixels)
    np.testing.assert_array_equal(found.spectra, session.cube.read_pixels(*found.pixels.T))
    assert (session.reference.ids[tuple(found.pixels.T)] == 9).all()


def test_the_two_classes_are_compared_by_their_training_labels(session):
    session.audit.cell = Cell(2, 2)
    assert session.curves.pair_run() is None
    session.audit.cell = Cell(2, 9)
    found = result_of(session.curves.pair_run())
    good = session.cube.good_bands
    samples = [
        session.cube.read_pixels(*np.nonzero(session.labels == i)).astype(float)[:, good]
        for i in (2, 9)
    ]
    expected = separability(*samples)
    assert found.counts == (8, 8) and found.bands == 5
    assert found.jeffries_matusita == pytest.approx(expected.jeffries_matusita)
    assert found.angle == pytest.approx(expected.angle)


def test_what_is_shown_is_exported(session, tmp_path):
    from napari_ssamamba.audit.spectra import class_spectra

    with pytest.raises(SSAMambaError, match="no spectrum to export"):
        export_run(session, tmp_path / "a.csv")
    session.set_class_spectra(
        result_of(class_spectra(session.cube, session.labels, session.classes))
    )
    session.pick(9, 7)
    result_of(export_run(session, tmp_path / "a.csv"))
    table = read_library(tmp_path / "a.csv")
    names = [session.classes[i].name for i in (2, 5, 9)]
    expected = [n for name in names for n in (name, f"{name} sd")]
    assert list(table.names) == [*expected, "Pixel 9, 7"]
    statistics = session.class_spectra[2]
    np.testing.assert_array_equal(table.spectra[:2], [statistics.mean, statistics.deviation])
    result_of(export_run(session, tmp_path / "b.sli"))
    library = read_library(tmp_path / "b.sli")
    assert len(library.names) == 4
    np.testing.assert_allclose(library.wavelengths, session.cube.wavelengths)


def test_what_is_hidden_in_the_plot_is_not_exported(session, tmp_path):
    from napari_ssamamba.audit.spectra import class_spectra

    session.set_class_spectra(
        result_of(class_spectra(session.cube, session.labels, session.classes))
    )
    session.pick(9, 7)
    kept = session.curves.keep_pixel()
    session.pick(20, 3)
    region = session.curves.add_region(np.array([[9, 7], [9, 8]], np.int32))
    session.curves.set_regions(result_of(session.curves.regions_run()))

    def names(hidden, hidden_curves):
        result_of(export_run(session, tmp_path / "a.sli", hidden, hidden_curves))
        return list(read_library(tmp_path / "a.sli").names)

    classes = [session.classes[i].name for i in (2, 5, 9)]
    everything = [*classes, "Region 1", "Pixel 9; 7", "Pixel 20; 3"]
    assert names(set(), set()) == everything
    assert names({5}, set()) == [classes[0], *everything[2:]]
    assert names({2, 5, 9}, {region}) == ["Pixel 9; 7", "Pixel 20; 3"]
    assert names({2, 5, 9}, {region, kept}) == ["Pixel 20; 3"]
    session.pick(9, 7)  # drawn as the picked pixel, whatever its kept twin
    assert names({2, 5, 9}, {region, kept}) == ["Pixel 9; 7"]
    session.picked = None
    with pytest.raises(SSAMambaError, match="check what the list"):
        export_run(session, tmp_path / "a.sli", {2, 5, 9}, {region, kept})
