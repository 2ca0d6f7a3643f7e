"""NumPy scenes are mapped, and nothing in them is run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest

from napari_ssamamba.data.mapped_file import MappedFile
from napari_ssamamba.data.readers import open_cube
from napari_ssamamba.errors import AmbiguousFileError, FileFormatError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_scene_is_mapped_with_the_list_beside_it(
    tmp_path: Path, ramp: np.ndarray[Any, Any]
) -> None:
    np.save(tmp_path / "s.npy", ramp)
    (tmp_path / "s.wavelengths.csv").write_text("wavelength,bbl\n" + "500,1\n600,0\n" * 3)
    cube = open_cube(tmp_path / "s.npy")
    assert isinstance(cube.raw, MappedFile)
    assert cube.interleave == "bip"
    assert cube.wavelengths is not None
    assert cube.good_bands.tolist() == [True, False] * 3
    np.testing.assert_array_equal(cube.raw[:, :, :], ramp)


def test_bands_first_as_stated(tmp_path: Path, ramp: np.ndarray[Any, Any]) -> None:
    np.save(tmp_path / "s.npy", ramp.transpose(2, 0, 1))
    cube = open_cube(tmp_path / "s.npy", layout="bands,rows,columns")
    assert cube.interleave == "bsq"
    np.testing.assert_array_equal(cube.raw[:, :, :], ramp)


@pytest.mark.parametrize("order", ["F", "C"])
@pytest.mark.parametrize("bands_first", [True, False])
def test_a_matrix_is_asked_about_and_read_as_stated(
    order: Literal["F", "C"], bands_first: bool, tmp_path: Path, ramp: np.ndarray[Any, Any]
) -> None:
    matrix = ramp.reshape(20, 6, order=order)
    np.save(tmp_path / "s.npy", matrix.T if bands_first else matrix)
    found = "6 × 20" if bands_first else "20 × 6"
    with pytest.raises(AmbiguousFileError, match=f"matrix of {found}") as caught:
        open_cube(tmp_path / "s.npy")
    axes = "bands,pixels" if bands_first else "pixels,bands"
    [choice] = [
        c for c in caught.value.choices if c.value == f"{axes},rows=4,columns=5,order={order}"
    ]
    cube = open_cube(tmp_path / "s.npy", **{choice.option: choice.value})
    np.testing.assert_array_equal(cube.raw[:, :, :], ramp)


def test_what_is_no_scene(tmp_path: Path, ramp: np.ndarray[Any, Any]) -> None:
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], object), allow_pickle=True)
    np.save(tmp_path / "complex.npy", ramp.astype(complex))
    np.save(tmp_path / "flat.npy", ramp[0, 0])
    np.save(tmp_path / "short.npy", ramp)
    np.save(tmp_path / "huge.npy", ramp)
    short, huge = tmp_path / "short.npy", tmp_path / "huge.npy"
    short.write_bytes(short.read_bytes()[:-2])
    huge.write_bytes(
        huge.read_bytes().replace(b"(4, 5, 6), }" + b" " * 12, b"(1000000000000, 5, 6), }")
    )
    for name, found in [
        ("objects", "objects"),
        ("complex", "complex128"),
        ("flat", r"shape \(6,\)"),
        ("short", "cannot be read"),
        ("huge", "cannot be read"),
    ]:
        with pytest.raises(FileFormatError, match=rf"{name}\.npy.*{found}"):
            open_cube(tmp_path / f"{name}.npy")
