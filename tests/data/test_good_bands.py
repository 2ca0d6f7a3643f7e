"""Bands that cannot be used are off, by what is measured and by wavelength."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_ssamamba.data.good_bands import (
    MAX_PROBES,
    PROBE,
    bands_without_measurement,
    is_measured,
    set_range,
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


def test_a_range_is_switched_in_any_band_order() -> None:
    wavelengths = np.array([993, 902, 911, 1000.0])
    good = np.ones(4, bool)
    assert set_range(good, wavelengths, 900, 950, False).tolist() == [True, False, False, True]
    assert good.all()
    with pytest.raises(SettingError, match="lower end first"):
        set_range(good, wavelengths, 950, 900, False)
