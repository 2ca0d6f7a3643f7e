"""``ssamamba compare`` prints what its table promises, or one line that says what to change."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from command_line import ssamamba

from napari_ssamamba.data.spectral_library import SpectralLibrary, write_library
from napari_ssamamba.data.writers import write_class_map, write_layers

if TYPE_CHECKING:
    from pathlib import Path

SMALL = ("d_model=8", "d_state=2", "heads=2", "depth=1", "patch_size=3")
SHORT = ("epochs=1", "min_steps=6", "max_steps=24")
SETTINGS = [part for text in (*SMALL, *SHORT) for part in ("--set", text)]


@pytest.fixture
def files(tiny_job: Any, tmp_path: Path) -> SimpleNamespace:
    """The scene as a file, its labels, and those of the left and the right half."""
    cube, reference = tiny_job.cube, tiny_job.reference
    scene = tmp_path / "scene.tif"
    bands = [f"band {i}" for i in range(cube.bands)]
    write_layers(scene, np.moveaxis(np.asarray(cube.raw, np.float32), -1, 0), bands, cube)
    left, right = reference.ids.copy(), reference.ids.copy()
    left[:, 10:], right[:, :10] = 0, 0
    paths = {"scene": scene}
    for name, ids in {"labels": reference.ids, "left": left, "right": right}.items():
        paths[name] = tmp_path / f"{name}.tif"
        write_class_map(paths[name], ids, reference.classes, cube=cube)
    return SimpleNamespace(**paths, reference=reference, right_ids=right)


def test_one_object_with_a_row_for_each_method(files: SimpleNamespace) -> None:
    result = ssamamba(
        *("compare", files.scene, "--labels", files.labels, "--train-per-class", 8),
        *("--seeds", "3,4", "--methods", "mixed,lda,svm", "--json", "--device", "cpu", *SETTINGS),
    )
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert [row["method"] for row in told["rows"]] == ["SSA-Mamba + expert (default)", "SVM", "LDA"]
    for row in told["rows"]:
        assert {"oa", "aa", "kappa", "train_seconds", "predict_seconds", "parameters"} <= set(row)
        assert len(row["parameters"]) == 2
    assert told["n_train"] == 24
    assert told["n_test"] == int((files.reference.ids > 0).sum()) - 24
    assert [2 <= m["n"] <= 24 for m in told["mixture"]] == [True, True]


def test_published_tiles_train_and_test(files: SimpleNamespace) -> None:
    result = ssamamba(
        *("compare", files.scene, "--labels", files.left, "--split", files.right),
        *("--seeds", "0", "--methods", "lda", "--json"),
    )
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["n_test"] == int((files.right_ids > 0).sum())
    assert told["n_train"] == int((files.reference.ids > 0).sum()) - told["n_test"]


def test_pixels_without_a_measurement_are_not_counted(
    files: SimpleNamespace, tiny_job: Any, tmp_path: Path
) -> None:
    raw = np.asarray(tiny_job.cube.raw, np.float32)
    raw[raw == tiny_job.cube.nodata] = np.nan
    ids = np.where(files.right_ids > 0, 0, files.reference.ids).astype(np.uint16)
    measured = int((ids > 0).sum())
    ids[:2, :3] = 2  # nothing was measured there
    right_ids = files.right_ids.copy()
    right_ids[2, :3] = 2  # nor there
    write_layers(tmp_path / "nan.tif", np.moveaxis(raw, -1, 0), list("abcdef"), tiny_job.cube)
    write_class_map(tmp_path / "test.tif", ids, files.reference.classes, cube=tiny_job.cube)
    write_class_map(tmp_path / "right.tif", right_ids, files.reference.classes, cube=tiny_job.cube)
    result = ssamamba(
        *("compare", tmp_path / "nan.tif", "--labels", tmp_path / "right.tif"),
        *("--split", tmp_path / "test.tif", "--seeds", "0", "--methods", "lda", "--json"),
    )
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["n_test"] == measured
    assert told["n_train"] == int((files.right_ids > 0).sum())


def test_the_table_names_all_and_the_weights(files: SimpleNamespace) -> None:
    result = ssamamba(
        *("compare", files.scene, "--labels", files.labels, "--train-per-class", 6),
        *("--seeds", "0", "--methods", "mixed,network,lda", "--device", "cpu", *SETTINGS),
    )
    assert result.exit_code == 0, result.output
    for text in ("SSA-Mamba + expert (default)", "SSA-Mamba alone", "LDA", "seed 0: OA on"):
        assert text in result.stdout
    told = re.search(r"^seed 0, OA / AA %: .*, LDA ([\d.]+) / [\d.]+$", result.stderr, re.MULTILINE)
    assert told is not None and re.search(rf"LDA +│ +{told[1]}\d ±", result.stdout)


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("--methods", "svm,magic"), "magic"),
        (("--seeds", "1,x"), "--seeds"),
        (("--methods", "lda"), "No pixel is left to test on"),
    ],
)
def test_what_cannot_be_is_one_line(
    files: SimpleNamespace, arguments: tuple[str, ...], part: str
) -> None:
    result = ssamamba("compare", files.scene, "--labels", files.labels, *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    [line] = result.stderr.splitlines()
    assert line.startswith("error: ") and part in line


def test_the_built_in_scene_brings_its_reference_and_says_that_it_is_synthetic() -> None:
    result = ssamamba(
        *("compare", "built-in:64x80", "--train-per-class", 10),
        *("--seeds", "0", "--methods", "lda", "--json"),
    )
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["synthetic"] is True
    assert 500 < told["n_test"] + told["n_train"] <= 64 * 80


@pytest.fixture
def library(files: SimpleNamespace, tmp_path: Path) -> Path:
    """Six spectra of each class, of which each is bright in another band."""
    rng, classes = np.random.default_rng(0), len(files.reference.classes)
    names = tuple(name for name in files.reference.classes.names for _ in range(6))
    spectra = np.repeat(0.1 + np.eye(classes, 8), 6, axis=0) * rng.uniform(
        0.8, 1.2, (len(names), 1)
    )
    spectra += 0.02 * rng.standard_normal(spectra.shape)
    path, *_ = write_library(tmp_path / "library.csv", SpectralLibrary(names, spectra, None))
    return path


def test_a_stand_in_fills_the_labels_and_says_that_it_is_synthetic(
    files: SimpleNamespace, library: Path
) -> None:
    command = ("compare", "stand-in", "--labels", files.labels, "--library", library)
    options = ("--train-per-class", 8, "--seeds", "0", "--methods", "lda")
    result = ssamamba(*command, *options, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["synthetic"] is True and "(synthetic)" in told["scene"]
    assert told["n_train"] + told["n_test"] == int((files.reference.ids > 0).sum())
    assert told["rows"][0]["oa"] > 90
    assert "SYNTHETIC" in ssamamba(*command, *options).stdout
    fewer = ssamamba(*command, *options, "--json", "--test-pixels", 50)
    assert json.loads(fewer.stdout)["n_test"] == 50


def test_a_stand_in_shows_the_test_pixels_of_another_map_too(
    files: SimpleNamespace, library: Path
) -> None:
    result = ssamamba(
        *("compare", "stand-in", "--labels", files.left, "--split", files.right),
        *("--library", library, "--seeds", "0", "--methods", "lda", "--json"),
    )
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["n_test"] == int((files.right_ids > 0).sum())
    assert told["rows"][0]["oa"] > 90


def test_what_a_stand_in_lacks_is_said(
    files: SimpleNamespace, library: Path, tmp_path: Path
) -> None:
    np.save(tmp_path / "other.npy", np.ones((3, 5), np.uint8))
    labels = ("--labels", files.labels)
    for arguments, named in (
        ((), "--labels"),
        (labels, "--library"),
        ((*labels, "--library", tmp_path / "none.csv"), "none.csv"),
        ((*labels, "--library", library, "--split", tmp_path / "other.npy"), "3 × 5 pixels"),
    ):
        result = ssamamba("compare", "stand-in", *arguments, "--methods", "lda")
        assert result.exit_code == 2
        [line] = result.stderr.splitlines()
        assert line.startswith("error: ") and named in line


def test_what_is_missing_to_compare_is_said(files: SimpleNamespace) -> None:
    for arguments, named in (
        ((files.scene,), "--labels"),
        (("built-in:9x9",), "32 to 2000"),
    ):
        result = ssamamba("compare", *arguments, "--methods", "lda")
        assert result.exit_code == 2
        [line] = result.stderr.splitlines()
        assert line.startswith("error: ") and named in line
