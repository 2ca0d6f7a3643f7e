"""Bands that cannot be used are off, by what is measured and by wavelength."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_ssamamba.data.good_bands import (
    MAX_PROBES,
    PROBE,
    BandSwitches,
    bands_without_measurement,
    in_range,
    is_measured,
    water_absorption,
)
from napari_ssamamba.errors import SettingError


class CountingCube:
    """A scene that counts the values that are read of it."""

    def __init__(self, values: np.ndarray[Any, Any]) -> None:
        self._values = values
        self.shape, self.dtype, self.read = values.shape, values.dtype, 0

    def __getitem__(self, key: Any, /) -> Any:
        block = self._values[key]
        self.read += block.size
        return block


def test_empty_bands_are_found_by_reading_little() -> None:
    values = np.ones((400, 400, 20), np.float32)
    values[..., [3, 4, 19]] = -9999
    values[:150] = -9999  # a border without measurement
    cube = CountingCube(values)
    assert np.flatnonzero(bands_without_measurement(cube, -9999)).tolist() == [3, 4, 19]
    assert cube.read <= MAX_PROBES * PROBE**2 * 20
    assert cube.read < values.size / 50


def test_a_band_measured_anywhere_probed_stays_on() -> None:
    values = np.ones((64, 64, 5), np.float32)
    values[..., 2] = np.nan
    values[:, 40:, 2] = 1
    assert not bands_without_measurement(values, None).any()


def test_a_scene_of_nodata_alone_keeps_its_bands() -> None:
    assert not bands_without_measurement(np.full((9, 9, 4), -1, np.int16), -1).any()


def test_integers_without_nodata_are_not_even_read() -> None:
    cube = CountingCube(np.zeros((9, 9, 4), np.int16))
    assert not bands_without_measurement(cube, None).any()
    assert cube.read == 0


@pytest.mark.parametrize(
    ("values", "nodata", "expected"),
    [
        (np.array([0, 5], np.uint16), -9999.0, [True, True]),
        (np.array([0, 5], np.uint16), 5.0, [True, False]),
        (np.array([-3.4028235e38, 1], np.float32), -3.4028234663852886e38, [False, True]),
        (np.array([np.nan, np.inf, 2], np.float64), None, [False, False, True]),
        (np.array([1, 2], ">i2"), 2.0, [True, False]),
        (np.array([True, False]), 0.0, [True, False]),
    ],
)
def test_nodata_is_compared_in_the_stored_type(
    values: np.ndarray[Any, Any], nodata: float | None, expected: list[bool]
) -> None:
    assert is_measured(values, nodata).tolist() == expected


def test_water_absorption_spares_the_windows_between() -> None:
    wavelengths = np.array([550, 1250, 1380, 1650, 1880, 2200, 2490.0])
    assert water_absorption(wavelengths).tolist() == [False, False, True, False, True, False, True]


def test_a_range_holds_bands_in_any_order() -> None:
    wavelengths = np.array([993, 902, 911, 1000.0])
    assert in_range(wavelengths, 902, 950).tolist() == [False, True, True, False]
    with pytest.raises(SettingError, match="lower end first"):
        in_range(wavelengths, 950, 900)


FILE = np.array([True, False, True, False, True])  # bands 2 and 4 are bad
CENTRES = np.array([500, 600, 1380, 1400, 1650.0])  # bands 3 and 4 lie in water vapour


def test_showing_water_absorption_again_leaves_bad_bands_off() -> None:
    switches = BandSwitches.of(FILE, CENTRES)
    hidden = switches.with_water_hidden(True)
    assert hidden.good.tolist() == [True, False, False, False, True]
    assert hidden.with_water_hidden(False).good.tolist() == FILE.tolist()


def test_what_the_user_switches_outlasts_the_preset_and_the_file() -> None:
    off = BandSwitches.of(FILE, CENTRES).switched(CENTRES >= 1400, False)
    assert off.with_water_hidden(True).with_water_hidden(False).good.tolist() == [
        *[True, False, True, False, False]
    ]
    on = BandSwitches.of(FILE, CENTRES).switched(CENTRES == 600, True)
    assert on.with_water_hidden(True).good.tolist() == [True, True, False, False, True]
    assert on.switched(CENTRES == 600, False).good.tolist() == FILE.tolist()


def test_the_last_word_on_a_band_in_water_vapour_counts() -> None:
    shown = BandSwitches.of(FILE, CENTRES).with_water_hidden(True).switched(CENTRES == 1380, True)
    assert shown.good.tolist() == [True, False, True, False, True]
    assert shown.with_water_hidden(True).good.tolist() == [True, False, False, False, True]


def test_other_wavelengths_move_the_water_bands() -> None:
    hidden = BandSwitches.of(FILE, CENTRES).with_water_hidden(True)
    assert hidden.with_wavelengths(CENTRES - 400).good.tolist() == FILE.tolist()
    assert not hidden.with_wavelengths(None).water_hidden
