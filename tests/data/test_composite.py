"""Composites: the right bands, a stretch that nodata does not spoil, any size of scene."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ssamamba.data import composite
from napari_ssamamba.data.composite import (
    COLOUR_INFRARED,
    EVENLY_SPACED,
    PCA,
    SHORT_WAVE_INFRARED,
    TRUE_COLOUR,
    CompositePreview,
    CompositeSettings,
    available_presets,
    compose,
    compose_blocks,
    preset_bands,
)
from napari_ssamamba.data.cube import Cube
from napari_ssamamba.data.mapped_file import MappedFile
from napari_ssamamba.errors import BandsError, SettingError
from napari_ssamamba.events import result_of


def make_cube(wavelengths=None, bands=5, rows=20, columns=30, nodata=None, seed=0):
    if wavelengths is not None:
        bands = len(wavelengths)
        wavelengths = np.asarray(wavelengths, float)
    raw = np.random.default_rng(seed).integers(100, 1000, (rows, columns, bands)).astype(np.int16)
    return Cube("scene", raw, wavelengths=wavelengths, nodata=nodata)


@pytest.mark.parametrize(
    ("low", "high", "presets"),
    [
        (400, 2500, (TRUE_COLOUR, COLOUR_INFRARED, SHORT_WAVE_INFRARED, PCA)),
        (430, 860, (TRUE_COLOUR, COLOUR_INFRARED, PCA)),
        (430, 700, (TRUE_COLOUR, PCA)),
        (1000, 2500, (EVENLY_SPACED, PCA)),
    ],
)
def test_only_presets_that_fit_the_wavelengths_are_offered(low, high, presets):
    assert available_presets(make_cube(np.linspace(low, high, 60))) == presets


def test_without_wavelengths_bands_are_spread_evenly():
    cube = make_cube(bands=101)
    assert available_presets(cube) == (EVENLY_SPACED, PCA)
    assert preset_bands(cube, EVENLY_SPACED) == (75, 50, 25)
    assert preset_bands(make_cube(bands=1), EVENLY_SPACED) == (0, 0, 0)


def test_presets_take_the_nearest_bands_that_are_on_in_any_order():
    cube = make_cube([860, 655, 645, 550, 2190, 470, 455])
    assert preset_bands(cube, TRUE_COLOUR) == (1, 3, 6)
    assert preset_bands(cube, SHORT_WAVE_INFRARED) == (4, 0, 1)
    off = cube.with_good_bands([True, False, True, True, True, True, False])
    assert preset_bands(off, TRUE_COLOUR) == (2, 3, 5)


def test_a_preset_that_does_not_fit_is_refused_with_those_that_do():
    with pytest.raises(SettingError, match="evenly spaced, PCA"):
        preset_bands(make_cube(bands=5), TRUE_COLOUR)
    none_on = make_cube(bands=5).with_good_bands([False] * 5)
    with pytest.raises(BandsError, match="no band is switched on"):
        compose(none_on, CompositeSettings(preset=EVENLY_SPACED))


def test_the_stretch_is_by_percentiles_of_the_measured_pixels():
    cube = make_cube(bands=3)
    image = compose(cube, CompositeSettings(bands=(2, 0, 1), low=10, high=90))
    assert image.shape == (20, 30, 4) and image.dtype == np.uint8
    values = np.asarray(cube.raw, float)[..., [2, 0, 1]]
    low, high = np.percentile(values, [10, 90], axis=(0, 1))
    expected = 255 * np.clip((values - low) / (high - low), 0, 1)
    assert np.abs(image[..., :3] - expected).max() <= 0.51
    assert (image[..., 3] == 255).all()


@pytest.mark.parametrize("preset", [EVENLY_SPACED, PCA])
def test_nodata_is_transparent_and_does_not_change_the_colours(preset):
    cube = make_cube(bands=9)
    raw = np.array(cube.raw)
    wide = np.full((20, 60, 9), -9999, np.int16)
    wide[:, :30] = raw
    with_gap = Cube("scene", wide, nodata=-9999)
    plain = compose(cube, CompositeSettings(preset=preset))
    image = compose(with_gap, CompositeSettings(preset=preset))
    assert (image[:, 30:] == 0).all()
    assert np.abs(image[:, :30].astype(int) - plain).max() <= 1


def test_a_dead_band_costs_a_pixel_one_colour_only():
    cube = make_cube(bands=3)
    raw = np.array(cube.raw, np.float32)
    raw[4, 5, 0] = np.nan
    image = compose(Cube("scene", raw), CompositeSettings(bands=(0, 1, 2)))
    assert image[4, 5, 0] == 0 and image[4, 5, 3] == 255


def test_a_scene_of_nodata_alone_is_all_transparent():
    cube = Cube("scene", np.full((4, 5, 6), -1, np.int16), nodata=-1)
    for preset in (EVENLY_SPACED, PCA):
        assert not compose(cube, CompositeSettings(preset=preset)).any()


def test_a_constant_band_becomes_grey():
    cube = Cube("scene", np.full((4, 5, 3), 7, np.int16))
    assert (compose(cube, CompositeSettings(bands=(0, 1, 2)))[..., :3] == 128).all()


def test_principal_components_show_what_varies_most():
    rng = np.random.default_rng(0)
    strong, weak = rng.standard_normal((2, 40, 50, 1))
    direction = rng.standard_normal((2, 12))
    noise = 0.01 * rng.standard_normal((40, 50, 12))
    raw = (10 * strong * direction[0] + weak * direction[1] + noise).astype(np.float32)
    image = compose(Cube("scene", raw), CompositeSettings(preset=PCA, low=0, high=100))
    assert abs(np.corrcoef(image[..., 0].ravel(), strong.ravel())[0, 1]) > 0.99


def test_blocks_and_sampling_change_nothing_but_the_stretch(monkeypatch):
    cube = make_cube(bands=8, rows=50, columns=40)
    whole = compose(cube, CompositeSettings(preset=PCA))
    monkeypatch.setattr(composite, "BLOCK_BYTES", 4 * 40 * 8 * 7)
    events = list(compose_blocks(cube, CompositeSettings(preset=PCA)))
    assert len(events) > 8 and events[-1].fraction == 1
    assert (compose(cube, CompositeSettings(preset=PCA)) == whole).all()


def test_a_huge_scene_is_neither_read_whole_nor_at_once():
    class Endless:
        shape, dtype = (40_000, 30_000, 200), np.dtype(np.int16)
        most = 0

        def __getitem__(self, key):
            size = [len(range(*k.indices(n))) for k, n in zip(key, self.shape, strict=True)]
            self.most = max(self.most, int(np.prod(size)))
            return np.ones(size, np.int16)

    raw = Endless()
    work = compose_blocks(Cube("huge", raw), CompositeSettings(preset=EVENLY_SPACED))
    for _ in range(5):
        assert next(work).total == 40_000
    work.close()
    assert raw.most < 10 * 2**20


@pytest.mark.parametrize("bands", [(0, 1, 5), (-1, 0, 1)])
def test_bands_out_of_range_are_named(bands):
    with pytest.raises(BandsError, match="0 to 4"):
        compose(make_cube(bands=5), CompositeSettings(bands=bands))


def test_principal_components_need_three_bands():
    assert PCA not in available_presets(make_cube(bands=2))
    with pytest.raises(BandsError, match="PCA needs three"):
        compose(make_cube(bands=2), CompositeSettings(preset=PCA))


def test_percentiles_out_of_order_are_refused():
    with pytest.raises(SettingError, match="low < high"):
        CompositeSettings(low=98, high=2)


def test_a_costly_scene_is_shown_from_some_rows_first(tmp_path, monkeypatch):
    values = np.random.default_rng(1).integers(0, 9000, (90, 40, 6), np.uint16)
    np.save(tmp_path / "scene.npy", values)
    mapped = MappedFile(np.load(tmp_path / "scene.npy", mmap_mode="r"))
    cube = Cube("scene", mapped, paths=(tmp_path / "scene.npy",))
    costs = cube.touched_bytes(range(90), range(40), np.array([4, 2, 0]))
    monkeypatch.setattr(composite, "PREVIEW_BYTES", -(-costs // 4))
    monkeypatch.setattr(composite, "SAMPLE_BYTES", -(-costs // 10))
    settings = CompositeSettings(bands=(4, 2, 0), low=0, high=100)
    found = []

    def take(event):
        if isinstance(event, CompositePreview):
            found.append((event.image, event.image.copy()))

    image = result_of(compose_blocks(cube, settings), take)
    [(shown, at_first)] = found
    assert shown is image
    assert at_first[..., 3].all()
    np.testing.assert_array_equal(at_first, np.repeat(image[::4], 4, axis=0)[:90])
    sampled = values[::10][..., [4, 2, 0]].astype(np.float32)
    low, high = sampled.min((0, 1)), sampled.max((0, 1))
    stretched = np.clip((values[..., [4, 2, 0]] - low) / (high - low), 0, 1)
    np.testing.assert_allclose(image[..., :3], 255 * stretched, atol=0.51)
