"""MATLAB scenes: opened when they are clear, asked about when they are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.io import loadmat, savemat, whosmat

from napari_ssamamba.data.readers import open_cube
from napari_ssamamba.data.readers.layouts import AS_STORED, default_layout
from napari_ssamamba.data.readers.matlab_file import LazyArray, list_variables, load_variable
from napari_ssamamba.errors import AmbiguousFileError, FileFormatError, SettingError


def write_mat73(path: Path, **arrays: np.ndarray[Any, Any]) -> Path:
    """Write as MATLAB's ``save -v7.3`` does: a header of 512 bytes, axes reversed."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, values in arrays.items():
            dataset = file.create_dataset(name, data=values.T, chunks=True)
            kinds = {"f8": "double", "f4": "single", "i2": "int16"}
            dataset.attrs["MATLAB_class"] = np.bytes_(kinds.get(values.dtype.str[1:], "double"))
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    return path


@pytest.mark.parametrize("version", ["5", "5 uncompressed", "7.3"])
def test_axes_are_rows_columns_bands(
    version: str, tmp_path: Path, ramp: np.ndarray[Any, Any]
) -> None:
    path = tmp_path / "s.mat"
    if version == "7.3":
        write_mat73(path, scene=ramp)
    else:
        savemat(path, {"scene": ramp, "note": "hello"}, do_compression=version == "5")
    cube = open_cube(path)
    assert cube.shape == (4, 5, 6)
    assert cube.interleave == "bsq"
    np.testing.assert_array_equal(cube.raw[1:4:2, :, 2:], ramp[1:4:2, :, 2:])
    assert cube.raw.dtype == np.int16


def test_opening_reads_no_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "s.mat"
    savemat(path, {"scene": np.ones((4, 5, 6))})
    calls = []
    monkeypatch.setattr("scipy.io.loadmat", lambda *_, **__: calls.append(1))
    cube = open_cube(path)
    assert isinstance(cube.raw, LazyArray)
    assert cube.raw.dtype == np.float64
    assert not calls


@pytest.mark.parametrize("compressed", [False, True])
def test_the_index_agrees_with_scipy(compressed: bool, tmp_path: Path) -> None:
    path, rng = tmp_path / "s.mat", np.random.default_rng(0)
    arrays = {
        f"v{i}_{'x' * i}": (rng.random((2, i + 1, 3)) * 100).astype(kind)
        for i, kind in enumerate(["f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "?"])
    }
    others = {"text": "hello", "cell": np.array([1, "a"], object), "one": 7, "z": np.ones(2) * 1j}
    savemat(path, arrays | others, do_compression=compressed)
    listed = {v.name: v for v in list_variables(path)}
    assert listed.keys() == arrays.keys() | {"one"}
    for name, shape, kind in whosmat(path):
        if name in listed:
            assert (listed[name].shape, listed[name].kind) == (shape, kind)
            assert listed[name].dtype == load_variable(path, name).dtype


def test_opening_7_3_reads_a_sample_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_mat73(tmp_path / "s.mat", scene=np.ones((200, 300, 6)))
    read = []
    whole = h5py.Dataset.__getitem__

    def counted(self: h5py.Dataset, key: Any) -> Any:
        values = whole(self, key)
        read.append(np.size(values))
        return values

    monkeypatch.setattr(h5py.Dataset, "__getitem__", counted)
    cube = open_cube(path)
    assert sum(read) < 200 * 300 * 6 / 10
    assert cube.read(slice(0, 2), slice(0, 3)).shape == (2, 3, 6)


def test_two_cubes_are_asked_about(tmp_path: Path) -> None:
    path = tmp_path / "s.mat"
    savemat(path, {"radiance": np.ones((3, 4, 5)), "reflectance": np.ones((3, 4, 6))})
    with pytest.raises(AmbiguousFileError, match="radiance: 3 × 4 × 5 double") as caught:
        open_cube(path)
    choices = {c.value: c for c in caught.value.choices}
    assert choices.keys() == {"radiance", "reflectance"}
    choice = choices["reflectance"]
    assert open_cube(path, **{choice.option: choice.value}).bands == 6
    with pytest.raises(FileFormatError, match=r"no numeric variable 'depth'.*radiance"):
        open_cube(path, variable="depth")


@pytest.mark.parametrize("version", ["5", "7.3"])
@pytest.mark.parametrize("order", ["F", "C"])
def test_a_matrix_is_asked_about_and_read_as_stated(
    version: str, order: str, tmp_path: Path, ramp: np.ndarray[Any, Any]
) -> None:
    matrix = np.ascontiguousarray(ramp.transpose(2, 0, 1).reshape(6, 20, order=order))
    if order == "F":
        assert matrix[0, 1] == ramp[1, 0, 0]
    path = tmp_path / "s.mat"
    if version == "7.3":
        write_mat73(path, Y=matrix)
    else:
        savemat(path, {"Y": matrix})
    with pytest.raises(AmbiguousFileError, match="6 × 20") as caught:
        open_cube(path)
    stated = f"bands,pixels,rows=4,columns=5,order={order}"
    assert stated in [c.value for c in caught.value.choices]
    np.testing.assert_array_equal(open_cube(path, layout=stated).raw[:, :, :], ramp)
    transposed = tmp_path / "t.mat"
    savemat(transposed, {"Y": matrix.T})
    stated = stated.replace("bands,pixels", "pixels,bands")
    np.testing.assert_array_equal(open_cube(transposed, layout=stated).raw[:, :, :], ramp)


@pytest.mark.parametrize(
    "shape",
    [
        (83, 86, 204),
        (610, 340, 103),
        (512, 217, 204),
        (1476, 256, 145),
        (145, 145, 200),
        (512, 614, 176),
        (349, 1905, 144),
        (300, 300, 144),
        (460, 460, 480),  # no axis that is likelier of bands
        (1, 300, 200),  # one line
        (5, 6, 7),
    ],
)
def test_scenes_as_they_are_published_just_open(shape: tuple[int, int, int]) -> None:
    assert default_layout(Path("scene.mat"), shape) == AS_STORED


@pytest.mark.parametrize(
    "shape",
    [
        (103, 610, 340),
        (200, 145, 145),
        (40, 50, 1905),
        (425, 30, 25),
        (224, 32, 30),
        (198, 100, 90),
        (63, 166, 600),
        (10, 500, 400),
        (600, 500, 1100),
    ],
)
def test_bands_first_is_asked_about(shape: tuple[int, int, int]) -> None:
    with pytest.raises(AmbiguousFileError, match="which axis is the bands") as caught:
        default_layout(Path("scene.mat"), shape)
    choices = [(c.option, c.value) for c in caught.value.choices]
    assert ("layout", "bands,rows,columns") in choices


def test_a_scene_that_was_asked_about_opens_as_stated(tmp_path: Path) -> None:
    path, scene = tmp_path / "s.mat", np.random.default_rng(0).random((40, 9, 8))
    savemat(path, {"scene": scene})
    with pytest.raises(AmbiguousFileError) as caught:
        open_cube(path)
    choice = next(c for c in caught.value.choices if c.value.startswith("bands"))
    cube = open_cube(path, **{choice.option: choice.value})
    np.testing.assert_array_equal(cube.raw[:, :, :], scene.transpose(1, 2, 0))


@pytest.mark.parametrize("version", ["5", "7.3", "plain HDF5"])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_band_centres_tell_the_axis(version: str, axis: int, tmp_path: Path) -> None:
    scene = np.random.default_rng(0).random((9, 8, 40))
    stored = np.moveaxis(scene, 2, axis)
    path = tmp_path / "s.mat"
    if version == "5":
        savemat(path, {"scene": stored})
    elif version == "7.3":
        write_mat73(path, scene=stored)
    else:
        with h5py.File(path, "w") as file:
            file["scene"] = stored
    centres = np.linspace(400, 2400, 40)
    stated = open_cube(path, wavelengths=centres.tolist())
    np.testing.assert_array_equal(stated.raw[:, :, :], scene)
    (tmp_path / "s.wavelengths.txt").write_text("\n".join(map(str, centres)))
    beside = open_cube(path)
    np.testing.assert_array_equal(beside.raw[:, :, :], scene)
    assert beside.wavelengths is not None
    np.testing.assert_allclose(beside.wavelengths, centres)


def test_band_centres_that_fit_two_axes_tell_nothing(tmp_path: Path) -> None:
    savemat(tmp_path / "s.mat", {"scene": np.zeros((40, 9, 9), np.uint8)})
    with pytest.raises(AmbiguousFileError):
        open_cube(tmp_path / "s.mat", wavelengths=np.linspace(400, 2400, 9).tolist())


def test_plain_hdf5_has_no_custom(tmp_path: Path, ramp: np.ndarray[Any, Any]) -> None:
    path = tmp_path / "s.mat"
    with h5py.File(path, "w") as file:
        file["scene"] = ramp
    with pytest.raises(AmbiguousFileError):
        open_cube(path)
    cube = open_cube(path, layout="rows,columns,bands")
    np.testing.assert_array_equal(cube.raw[:, :, :], ramp)
    assert cube.interleave == "bip"


@pytest.mark.parametrize("version", ["5", "5 uncompressed", "7.3"])
@pytest.mark.parametrize("kept", [0.4, 0.99])
def test_truncated_files(version: str, kept: float, tmp_path: Path) -> None:
    path = tmp_path / "s.mat"
    values = np.random.default_rng(0).random((9, 8, 7))
    if version == "7.3":
        write_mat73(path, scene=values)
    else:
        savemat(path, {"scene": values}, do_compression=version == "5")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(FileFormatError, match=r"s\.mat"):
        open_cube(path)


def test_a_variable_larger_than_the_file_can_hold(tmp_path: Path) -> None:
    path = tmp_path / "s.mat"
    savemat(path, {"scene": np.zeros((4, 5, 6), np.int16)})
    absurd = np.array([4, 5, 6], "<i4").tobytes(), np.array([2**30, 2**30, 6], "<i4").tobytes()
    path.write_bytes(path.read_bytes().replace(*absurd))
    with pytest.raises(FileFormatError, match="claims 1073741824 × 1073741824 × 6"):
        open_cube(path)


@pytest.mark.parametrize(
    "content", [b"", b"not a mat file at all", b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"]
)
def test_files_that_hold_no_scene(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "s.mat").write_bytes(content)
    with pytest.raises(FileFormatError, match=r"s\.mat"):
        open_cube(tmp_path / "s.mat")


def test_complex_scenes_are_refused(tmp_path: Path) -> None:
    savemat(tmp_path / "s.mat", {"scene": np.ones((2, 3, 4), complex)})
    with pytest.raises(FileFormatError, match="no array of three axes of real numbers"):
        open_cube(tmp_path / "s.mat")


@pytest.mark.parametrize("layout", ["rows,columns", "bands,pixels", "up,down,left", "order=F"])
def test_a_layout_that_is_none(layout: str, tmp_path: Path) -> None:
    savemat(tmp_path / "s.mat", {"scene": np.ones((2, 3, 4))})
    with pytest.raises(SettingError, match="layout"):
        open_cube(tmp_path / "s.mat", layout=layout)


def test_a_layout_that_does_not_fit(tmp_path: Path) -> None:
    savemat(tmp_path / "s.mat", {"Y": np.ones((3, 20))})
    with pytest.raises(FileFormatError, match=r"20 pixels.*3 rows × 7 columns"):
        open_cube(tmp_path / "s.mat", layout="bands,pixels,rows=3,columns=7")
    with pytest.raises(FileFormatError, match="2 axes"):
        open_cube(tmp_path / "s.mat", layout="bands,rows,columns")


def test_salinas_a_just_opens(shared_data: Path) -> None:
    cube = open_cube(shared_data / "salinas_a" / "SalinasA_corrected.mat")
    assert cube.shape == (83, 86, 204)
    assert cube.raw.dtype == np.int16
    assert cube.raw[:, :, :].max() == 8373


def test_jasper_ridge_is_asked_about_and_then_opens(shared_data: Path) -> None:
    path = shared_data / "jasper_ridge" / "jasperRidge2_R198.mat"
    with pytest.raises(AmbiguousFileError, match="198 × 10000") as caught:
        open_cube(path)
    first = caught.value.choices[0]
    assert first.value == "bands,pixels,rows=100,columns=100,order=F"
    cube = open_cube(path, **{first.option: first.value})
    assert cube.shape == (100, 100, 198)
    spectra = loadmat(path)["Y"]  # MATLAB lists the pixels column by column
    np.testing.assert_array_equal(cube.raw[1:2, 0:1, :][0, 0], spectra[:, 1])
    np.testing.assert_array_equal(cube.raw[0:1, 1:2, :][0, 0], spectra[:, 100])
