from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_ssamamba.data.readers import open_cube
from napari_ssamamba.data.sample.stand_in import Interleave, plan_stand_in, write_stand_in
from napari_ssamamba.errors import SettingError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "interleave"),
    [("s.img", "bsq"), ("s.img", "bil"), ("s.img", "bip"), ("s.tif", "bsq"), ("s.tif", "bip")],
)
def test_a_stand_in_opens_as_a_scene_whose_classes_differ(
    name: str, interleave: Interleave, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_ssamamba.data.sample.stand_in.BLOCK_BYTES", 20_000)
    plan = plan_stand_in(70, 90, 12)
    for _ in write_stand_in(tmp_path / name, plan, interleave):
        pass
    cube = open_cube(tmp_path / name)
    assert (cube.shape, cube.interleave) == ((70, 90, 12), interleave)
    assert cube.synthetic == (name == "s.img")
    np.testing.assert_allclose(cube.wavelengths, plan.wavelengths, atol=0.01)
    spectra = cube.read(slice(None), slice(None))
    for id in np.unique(plan.ids):
        mean = spectra[plan.ids == id].mean(axis=0)
        np.testing.assert_allclose(mean, plan.spectra[id], rtol=0.15, atol=0.01)


def test_geometry_and_spectra_are_those_given() -> None:
    labels = np.array([[0, 3], [7, 7]], np.uint16)
    centres, flat = np.array([300.0, 3000.0]), np.array([[0.2, 0.2], [0.8, 0.4]])
    plan = plan_stand_in(5, 3, 4, labels=labels, library=(centres, flat))
    assert plan.ids.tolist() == [[0, 3, 3], [7, 7, 7], [7, 7, 7], [0, 3, 3], [0, 3, 3]]
    assert plan.classes.ids == (3, 7)
    np.testing.assert_allclose(plan.spectra[3], 0.2)
    assert (np.diff(plan.spectra[2]) < 0).all()
    with pytest.raises(SettingError):
        plan_stand_in(0, 3, 4)


def test_there_is_no_geotiff_by_lines(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="bsq or bip for a GeoTIFF"):
        next(write_stand_in(tmp_path / "s.tif", plan_stand_in(3, 3, 4), "bil"))
    assert list(tmp_path.iterdir()) == []
