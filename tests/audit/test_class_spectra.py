"""Spectra of the classes, against plain numpy, and plots of bands out of order."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ssamamba.audit.plot_order import plot_order
from napari_ssamamba.audit.spectra import class_spectra
from napari_ssamamba.data.classes import ClassTable
from napari_ssamamba.data.cube import Cube
from napari_ssamamba.errors import LabelsError
from napari_ssamamba.events import result_of


@pytest.fixture
def labelled():
    rng = np.random.default_rng(3)
    raw = rng.normal(1000, 50, (30, 90, 7)).astype(np.float32)
    ids = np.zeros((30, 90), np.uint16)
    ids[2:8, 3:70], ids[10:25, 60:], ids[29, ::40] = 4, 11, 200
    good = np.array([True, True, False, True, True, True, False])
    cube = Cube("scene", raw, good_bands=good, scale=np.full(7, 1e-3), nodata=-1)
    return cube, ids, ClassTable.from_ids([4, 11, 200, 300])


def test_statistics_equal_plain_numpy(labelled):
    cube, ids, table = labelled
    events = []
    found = result_of(class_spectra(cube, ids, table), events.append)
    assert list(found) == [4, 11, 200]  # 300 has no pixel
    for i, spectra in found.items():
        values = np.asarray(cube.raw)[ids == i].astype(float) * 1e-3
        assert spectra.n == len(values)
        good = cube.good_bands
        np.testing.assert_allclose(spectra.mean[good], values.mean(axis=0)[good], rtol=1e-6)
        np.testing.assert_allclose(spectra.deviation[good], values.std(axis=0)[good], rtol=1e-4)
        assert np.isnan(spectra.mean[~good]).all() and np.isnan(spectra.deviation[~good]).all()
    assert events[-1].done == events[-1].total == (ids > 0).sum()


def test_missing_values_do_not_count(labelled):
    cube, ids, table = labelled
    raw = np.array(cube.raw)
    raw[3, 3:20] = -1  # no measurement
    raw[4, 5, 0] = np.nan  # one dead element
    found = result_of(class_spectra(Cube("scene", raw, nodata=-1), ids, table))
    values = raw[ids == 4]
    values = values[values[:, 1] != -1]
    assert found[4].n == len(values) == (ids == 4).sum() - 17
    np.testing.assert_allclose(found[4].mean, np.nanmean(values, axis=0), rtol=1e-5)
    np.testing.assert_allclose(found[4].deviation, np.nanstd(values, axis=0), rtol=1e-3)


def test_a_class_on_nodata_is_left_out(labelled):
    cube, ids, table = labelled
    raw = np.array(cube.raw)
    raw[10:25] = -1
    found = result_of(class_spectra(Cube("scene", raw, nodata=-1), ids, table))
    assert list(found) == [4, 200]


def test_at_most_limit_pixels_are_drawn_by_seed(labelled):
    cube, ids, table = labelled
    first = result_of(class_spectra(cube, ids, table, limit=50, seed=1))
    again = result_of(class_spectra(cube, ids, table, limit=50, seed=1))
    other = result_of(class_spectra(cube, ids, table, limit=50, seed=2))
    assert [first[i].n for i in first] == [50, 50, 3]
    np.testing.assert_array_equal(first[4].mean, again[4].mean)
    assert not np.array_equal(first[4].mean, other[4].mean, equal_nan=True)


def test_few_labels_do_not_read_the_whole_scene():
    class Counting:
        shape, dtype, read = (5000, 5000, 3), np.dtype(np.int16), 0

        def __getitem__(self, key):
            size = [len(range(*k.indices(n))) for k, n in zip(key, self.shape, strict=True)]
            Counting.read += int(np.prod(size))
            return np.ones(size, np.int16)

    ids = np.zeros((5000, 5000), np.uint16)
    ids[::1000, ::1000] = 1
    found = result_of(class_spectra(Cube("big", Counting()), ids, ClassTable.from_ids([1])))
    assert found[1].n == 25 and Counting.read == 75


def test_no_labels_give_no_spectra(labelled):
    cube, ids, table = labelled
    events = []
    found = result_of(class_spectra(cube, np.zeros_like(ids), table), events.append)
    assert found == {} and events[-1].total == 0


def test_labels_of_another_grid_are_refused(labelled):
    cube, ids, table = labelled
    with pytest.raises(LabelsError, match=r"29 × 90 pixels for scene"):
        next(class_spectra(cube, ids[1:], table))
    with pytest.raises(LabelsError, match="ask for 1 or more"):
        next(class_spectra(cube, ids, table, limit=0))


def test_wavelengths_out_of_order_are_plotted_ascending():
    # VNIR and SWIR detectors overlap, as EnMAP's do: 993 nm is followed by 902 nm.
    wavelengths = np.array([850.0, 900.0, 993.0, 902.0, 960.0, 1010.0])
    order = plot_order(wavelengths, np.ones(6, bool))
    assert order.bands.tolist() == [0, 1, 3, 4, 2, 5]
    assert order.connected.tolist() == [True] * 5 + [False]


def test_bands_that_are_off_leave_gaps():
    good = np.array([True, True, False, True, False, False, True])
    order = plot_order(np.linspace(400, 1000, 7), good)
    assert order.bands.tolist() == [0, 1, 3, 6]
    assert order.connected.tolist() == [True, False, False, False]
    reverse = plot_order(np.linspace(1000, 400, 7), good)
    assert reverse.bands.tolist() == [6, 3, 1, 0]
    assert reverse.connected.tolist() == [False, False, True, False]


def test_without_wavelengths_bands_keep_their_order():
    order = plot_order(None, np.array([True, False, True, True]))
    assert order.bands.tolist() == [0, 2, 3]
    assert plot_order(None, np.zeros(3, bool)).connected.size == 0


def test_a_line_ends_where_wavelengths_are_missing() -> None:
    enmap = np.concatenate((np.arange(1351.0, 1392, 8), np.arange(1461, 1761, 11), [1939, 1948]))
    ends = enmap[np.flatnonzero(~plot_order(enmap, np.ones(enmap.size, bool)).connected)]
    assert ends.tolist() == [1391, 1758, 1948]
    landsat = np.array([443.0, 482, 561, 655, 865, 1609, 2201])
    assert plot_order(landsat, np.ones(7, bool)).connected.tolist() == [True] * 6 + [False]
    assert plot_order(np.array([400.0, 900.0]), np.ones(2, bool)).connected[0]
