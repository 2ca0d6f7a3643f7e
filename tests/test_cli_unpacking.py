"""Commands read a large compressed scene from a copy, and go on where there can be none."""

from __future__ import annotations

import shutil
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio
from command_line import ssamamba, values_of

from napari_ssamamba.data import unpacked
from napari_ssamamba.data.classes import ClassTable
from napari_ssamamba.data.downloads import CACHE
from napari_ssamamba.data.georeferencing import without_georeference_warning
from napari_ssamamba.data.labels import LabelMap
from napari_ssamamba.data.readers import open_cube
from napari_ssamamba.data.writers import write_labels

if TYPE_CHECKING:
    from pathlib import Path

    from napari_ssamamba.data.cube import Cube

SETTINGS = ("--set", "mixture=network", "--set", "min_steps=2", "--set", "max_steps=2")

IDS = np.repeat([1, 2], 12)[:, None].repeat(20, axis=1).astype(np.uint16)


def write_scene(path: str, bands: int) -> None:
    values = np.random.default_rng(0).normal(size=(bands, 24, 20)) + 9 * IDS
    size = {"height": 24, "width": 20, "count": bands, "dtype": "float32"}
    with (
        without_georeference_warning(),
        rasterio.open(path, "w", driver="GTiff", compress="deflate", **size) as file,
    ):
        file.write(values.astype(np.float32))


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A compressed scene that counts as large, its labels, a model, and an empty cache."""
    monkeypatch.setattr(unpacked, "COSTLY_BYTES", 0)
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    files = {name: str(tmp_path / f"{name}.tif") for name in ("scene", "labels", "map")}
    write_scene(files["scene"], bands=5)
    labels = LabelMap(IDS, ClassTable.from_ids([1, 2]))
    write_labels(tmp_path / "labels.tif", labels, cube=open_cube(files["scene"]))
    found = SimpleNamespace(**files, model=str(tmp_path / "m"), cache=tmp_path / "cache")
    drawn = ("--labels", found.labels, "--train-per-class", 5)
    assert ssamamba("train", found.scene, *drawn, *SETTINGS, "--out", found.model).exit_code == 0
    shutil.rmtree(found.cache)
    return found


def copies(job: SimpleNamespace) -> int:
    return len(list(job.cache.rglob("*.npy")))


@pytest.mark.parametrize("command", ["train", "predict", "evaluate", "audit", "compare"])
def test_a_command_makes_a_copy_and_reads_it(
    job: SimpleNamespace, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[Any] = []
    read = unpacked.read_from_copy

    def noted(cube: Cube) -> Any:
        used.append(cube.raw)
        return read(cube)

    monkeypatch.setattr(unpacked, "read_from_copy", noted)
    drawn = ("--train-per-class", 5)
    arguments = {
        "train": ("--labels", job.labels, *drawn, *SETTINGS, "--out", job.model),
        "predict": ("--out", job.map),
        "evaluate": ("--reference", job.labels),
        "audit": ("--reference", job.labels, "--out", job.map + ".audit"),
        "compare": ("--labels", job.labels, *drawn, "--methods", "lda", "--seeds", "0,1"),
    }[command]
    scene = (job.scene,) if command in ("train", "compare") else (job.model, job.scene)
    values_of(command, *scene, *arguments)
    assert copies(job) == 1
    assert len(used) == 1 and used[0].copy is not None


def test_for_a_small_part_or_an_error_nothing_is_copied(job: SimpleNamespace) -> None:
    values_of("predict", job.model, job.scene, "--out", job.map, "--region", "0:4,0:5")
    assert copies(job) == 0
    beyond = ssamamba("predict", job.model, job.scene, "--out", job.map, "--region", "0:24,0:21")
    assert beyond.exit_code == 2 and copies(job) == 0
    drawn = ("--labels", job.labels, "--train-per-class", 5)
    for arguments in (
        ("predict", job.model, job.scene, "--out", job.map, "--device", "abacus"),
        ("predict", job.model, job.scene, "--out", job.map, "--batch-size", 0),
        ("evaluate", job.model, job.scene, "--reference", job.labels, "--device", "abacus"),
        ("train", job.scene, *drawn, "--out", job.model, "--device", "abacus"),
        ("compare", job.scene, *drawn, "--methods", "lda", "--device", "abacus"),
    ):
        assert ssamamba(*arguments).exit_code == 2 and copies(job) == 0
    write_scene(job.scene, bands=4)
    refused = ssamamba("predict", job.model, job.scene, "--out", job.map)
    assert refused.exit_code == 2 and "band" in refused.stderr
    assert copies(job) == 0


def test_without_room_the_files_are_read(
    job: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacked, "SPARED_BYTES", 2**62)
    told = ssamamba("predict", job.model, job.scene, "--out", job.map)
    assert told.exit_code == 0 and "scene is read from its compressed files" in told.stderr
    assert "too little room" in told.stderr and copies(job) == 0


def test_a_copy_that_cannot_be_written_ends_nothing(job: SimpleNamespace) -> None:
    job.cache.write_text("a file in the folder's place")
    told = ssamamba("predict", job.model, job.scene, "--out", job.map)
    assert told.exit_code == 0 and "no copy of it could be written" in told.stderr


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_a_gpu_that_a_map_leaves_idle_is_told(
    job: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    monkeypatch.setattr("napari_ssamamba.model.device.gpu_left_out", lambda: "It stands idle.")
    told = ssamamba("predict", job.model, job.scene, "--out", job.map, "--device", device)
    assert told.exit_code == 0 and ("It stands idle." in told.stderr) == (device == "auto")
