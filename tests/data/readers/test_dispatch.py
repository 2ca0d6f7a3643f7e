"""What a file is, is told by its content; listing readers costs nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_ssamamba.data.readers import can_read, open_cube, split_variable
from napari_ssamamba.errors import FileFormatError, SettingError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("scene.mat", ("scene.mat", None)),
        ("scene.mat:cube", ("scene.mat", "cube")),
        ("/data/scene.mat:cube", ("/data/scene.mat", "cube")),
        ("C:\\data\\scene.mat", ("C:\\data\\scene.mat", None)),
        ("C:/data/scene.mat", ("C:/data/scene.mat", None)),
        ("C:\\data\\scene.mat:cube", ("C:\\data\\scene.mat", "cube")),
        ("C:scene.mat", ("C:scene.mat", None)),
        ("run:3/scene", ("run:3/scene", None)),
        ("scene.mat:", ("scene.mat:", None)),
    ],
)
def test_a_variable_is_split_off(text: str, expected: tuple[str, str | None]) -> None:
    assert split_variable(text) == (Path(expected[0]), expected[1])


def test_a_colon_in_the_name_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "scene:3").touch()
    assert split_variable(str(tmp_path / "scene:3")) == (tmp_path / "scene:3", None)


def test_options_that_a_format_has_not(tmp_path: Path, ramp: np.ndarray[Any, Any]) -> None:
    np.save(tmp_path / "s.npy", ramp)
    with pytest.raises(SettingError, match=r"variable.*only \.mat"):
        open_cube(tmp_path / "s.npy", variable="x")
    with pytest.raises(SettingError, match="paths"):
        open_cube([])


def test_folders_texts_and_other_files(tmp_path: Path) -> None:
    (tmp_path / "notes.mat").write_text("none of these")
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    for name, found in [("", "folder"), ("notes.mat", "no ENVI, MATLAB"), ("photo.jpg", "header")]:
        with pytest.raises(FileFormatError, match=found):
            open_cube(tmp_path / name)
    assert not can_read(tmp_path / "photo.jpg")
    assert not can_read(tmp_path)
    assert not can_read([])
    assert can_read(str(tmp_path / "notes.mat"))


def test_listing_readers_imports_nothing_heavy() -> None:
    code = (
        "import sys, napari_ssamamba.data.readers as r, napari_ssamamba.data.reference,"
        "napari_ssamamba.data.writers, napari_ssamamba.data.info\n"
        "r.can_read('scene.tif'), r.can_read('pyproject.toml')\n"
        "heavy = {'torch', 'rasterio', 'spectral', 'scipy', 'h5py', 'pyogrio', 'dask', 'napari'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
