from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from command_line import SETTINGS, TRANSFORM, ssamamba, strips, strips_job, values_of
from typer.testing import CliRunner

from napari_ssamamba.cli import app
from napari_ssamamba.cli.demo import run as run_demo
from napari_ssamamba.data.cube import Cube
from napari_ssamamba.data.writers import write_class_map, write_layers

if TYPE_CHECKING:
    from pathlib import Path
    from types import SimpleNamespace

    from click.testing import Result


def assert_one_error(result: Result, *parts: str) -> None:
    assert result.exit_code == 2
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("error: ")
    for part in parts:
        assert part in lines[0]


@pytest.fixture(scope="session")
def job(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    return strips_job(tmp_path_factory.mktemp("job"))


def test_importing_and_asking_for_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from napari_ssamamba.cli import app\n"
        "heavy = {'torch', 'rasterio', 'scipy', 'sklearn', 'spectral', 'napari', 'qtpy', "
        "'matplotlib', 'napari_ssamamba.gui', 'napari_ssamamba.plugin'}\n"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_command_explains_itself() -> None:
    for command in ("open", "demo", "info", "train", "predict", "evaluate", "audit"):
        result = ssamamba(command, "--help")
        assert result.exit_code == 0
        assert "--debug" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ((), "Missing command"),
        (("bogus",), "bogus"),
        (("info",), "SCENE"),
        (("info", "nowhere.tif"), "nowhere.tif"),
        (("train", "nowhere.tif", "--out", "m"), "--labels"),
        (("predict", "m", "nowhere.tif", "--out", "map.jpg"), ".tif"),
        (("predict", "m", "nowhere.tif", "--out", "/dev/null/map.tif"), "/dev/null"),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(arguments: tuple[str, ...], part: str) -> None:
    assert_one_error(ssamamba(*arguments), part)


def test_bad_settings_are_one_line_and_train_nothing(job: SimpleNamespace, tmp_path: Path) -> None:
    base = ("train", job.scene, "--labels", job.labels, "--out", tmp_path / "m")
    assert_one_error(ssamamba(*base, "--set", "epoch=3"), "epoch=3", "epochs")
    assert_one_error(ssamamba(*base, "--set", "bands=3"), "bands=3")
    assert_one_error(ssamamba(*base, "--set", "epochs=many"), "epochs", "many")
    assert_one_error(ssamamba(*base, "--preset", "huge"), "huge")
    assert_one_error(ssamamba(*base, "--split", tmp_path / "no.tif"), "no.tif")
    assert_one_error(ssamamba(*base, "--device", "cuda:99"), "cuda:99")
    assert list(tmp_path.iterdir()) == []
    predict = ("predict", job.model, job.scene, "--out", tmp_path / "map.tif")
    assert_one_error(ssamamba(*predict, "--region", "0:5"), "ROW0:ROW1,COL0:COL1")
    assert_one_error(ssamamba(*predict, "--region", "0:500,0:5"), "0:500,0:5")
    assert_one_error(ssamamba(*predict, "--batch-size", "0"), "--batch-size")


def test_a_code_page_without_a_letter_ends_no_command(tmp_path: Path) -> None:
    np.save(tmp_path / "αγρός.npy", np.ones((3, 4, 5)))
    told = CliRunner(charset="cp1252").invoke(app, ["info", str(tmp_path / "αγρός.npy")])
    assert told.exit_code == 0 and r"\u03b1\u03b3\u03c1\u03cc\u03c2" in told.stdout
    missing = CliRunner(charset="cp1252").invoke(app, ["info", str(tmp_path / "λείπει.npy")])
    assert_one_error(missing, r"\u03bb", "there is no such file")


def test_debug_shows_the_traceback_before_the_line() -> None:
    result = ssamamba("info", "nowhere.tif", "--debug")
    assert result.exit_code == 2
    assert "Traceback" in result.stderr
    assert result.stderr.splitlines()[-1].startswith("error: nowhere.tif")


def test_train_tells_what_it_did(job: SimpleNamespace) -> None:
    trained = job.trained
    assert {"model", "epochs", "seconds", "validation_oa", "device"} <= trained.keys()
    assert (trained["n_train"], trained["n_validation"]) == (33, 3)
    assert trained["n_test"] == 24 * 20 - 36
    assert trained["classes"] == ["Wheat", "Maize", "Water"]
    assert job.model.is_file()


def test_the_map_lies_where_the_scene_does(job: SimpleNamespace, tmp_path: Path) -> None:
    import rasterio

    names = ("map", "confidence", "margin", "entropy", "attention")
    out = {name: tmp_path / f"{name}.tif" for name in names}
    told = values_of(
        *("predict", job.model, job.scene, "--out", out["map"], "--region", "0:16,5:20"),
        *("--confidence", out["confidence"], "--attention", out["attention"], "--device", "cpu"),
        *("--margin", out["margin"], "--entropy", out["entropy"]),
    )
    assert told["pixels"] == 16 * 15
    assert told["pixels_per_second"] > 0
    assert told["peak_memory_mb"] is None or told["peak_memory_mb"] > 10
    with rasterio.open(job.scene) as scene:
        for name, layers in zip(names, (1, 1, 1, 1, 4), strict=True):
            with rasterio.open(out[name]) as file:
                assert (file.count, file.crs, file.transform) == (
                    layers,
                    scene.crs,
                    scene.transform,
                )
    with rasterio.open(out["map"]) as file:
        ids = file.read(1)
    assert set(np.unique(ids[:16, 5:])) <= {2, 5, 9}
    assert not ids[16:].any()
    assert not ids[:, :5].any()


def test_a_map_in_half_precision_keeps_nearly_all_classes_or_is_refused(
    job: SimpleNamespace, tmp_path: Path
) -> None:
    import rasterio
    import torch

    from napari_ssamamba.model.device import has_fast_bfloat16

    whole, half = tmp_path / "whole.tif", tmp_path / "half.tif"
    network = ("predict", job.model, job.scene, "--device", "cpu", "--members", "network")
    assert values_of(*network, "--out", whole)["precision"] == "float32"
    asked = (*network, "--out", half, "--precision", "bfloat16")
    if not has_fast_bfloat16(torch.device("cpu")):
        assert_one_error(ssamamba(*asked), "precision", "choose float32")
        return
    assert values_of(*asked)["precision"] == "bfloat16"
    with rasterio.open(whole) as one, rasterio.open(half) as other:
        assert (one.read(1) == other.read(1)).mean() > 0.95


def test_evaluation_leaves_out_what_was_learned_from(job: SimpleNamespace) -> None:
    told = values_of("evaluate", job.model, job.scene, "--reference", job.labels)
    assert told["n"] == 24 * 20 - 36 == np.sum(told["confusion"])
    assert told["left_out"] == 36
    assert told["min_distance_to_training"] == 1
    assert told["classes"] == ["Wheat", "Maize", "Water"]
    assert len(told["per_class"]) == 3
    assert told["synthetic"] is False
    assert told["oa"] > 90
    table = ssamamba("evaluate", job.model, job.scene, "--reference", job.labels)
    assert table.exit_code == 0
    assert "Maize" in table.stdout
    assert "overlap with" in table.stdout


def test_another_scene_has_no_distance_to_training(job: SimpleNamespace, tmp_path: Path) -> None:
    cube, reference = strips(rows=27)
    write_layers(tmp_path / "s.tif", np.moveaxis(np.asarray(cube.raw), -1, 0), list("abcde"), cube)
    write_class_map(tmp_path / "r.tif", reference.ids, reference.classes, cube=cube)
    told = values_of("evaluate", job.model, tmp_path / "s.tif", "--reference", tmp_path / "r.tif")
    assert told["n"] == 27 * 20
    assert told["min_distance_to_training"] is None


def test_a_file_of_test_pixels_is_never_learned_from(job: SimpleNamespace, tmp_path: Path) -> None:
    from napari_ssamamba.project.checkpoints import load_checkpoint

    cube, reference = strips()
    right = reference.ids.copy()
    right[:, :10] = 0
    write_class_map(tmp_path / "test.tif", right, reference.classes, cube=cube)
    base = ("train", job.scene, "--labels", job.labels, "--out", tmp_path / "m", *SETTINGS)
    told = values_of(*base, "--split", tmp_path / "test.tif", "--train-per-class", 8)
    assert (told["n_train"] + told["n_validation"], told["n_test"]) == (24, 240)
    checkpoint = load_checkpoint(tmp_path / "m")
    assert checkpoint.training_pixels[:, 1].max() < 10
    assert_one_error(ssamamba(*base, "--split", job.labels), "none is left to train on")


def test_tiles_of_test_pixels_all_count(job: SimpleNamespace, tmp_path: Path) -> None:
    from napari_ssamamba.project.checkpoints import load_checkpoint

    _, reference = strips()
    tiles: list[object] = []
    for name, first in (("left", 0), ("right", 15)):  # five columns each
        ids = reference.ids[:, first : first + 5]
        place = (TRANSFORM[0] + 30 * first, *TRANSFORM[1:])
        tile = Cube(name, np.zeros((*ids.shape, 1), np.float32), crs="EPSG:32633", transform=place)
        write_class_map(tmp_path / f"{name}.tif", ids, reference.classes, cube=tile)
        tiles += ["--split", tmp_path / f"{name}.tif"]
    base = ("train", job.scene, "--labels", job.labels, "--out", tmp_path / "m", *SETTINGS)
    assert values_of(*base, *tiles)["n_test"] == 240
    checkpoint = load_checkpoint(tmp_path / "m")
    columns = np.concatenate([checkpoint.training_pixels, checkpoint.validation_pixels])[:, 1]
    assert (columns.min(), columns.max()) == (5, 14)


def test_a_disjoint_split_keeps_patches_apart(job: SimpleNamespace, tmp_path: Path) -> None:
    base = ("train", job.scene, "--labels", job.labels, "--out", tmp_path / "m", *SETTINGS)
    told = values_of(*base, "--split", "disjoint", "--train-per-class", 10)
    assert told["n_train"] + told["n_validation"] == 30
    assert 0 < told["n_test"] < 24 * 20 - 30
    assert "guard" in told["split"]


def test_the_demo_leaves_all_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from dataclasses import replace

    monkeypatch.setattr(
        "napari_ssamamba.cli.demo.SETTINGS", {"epochs": "1", "min_steps": "4", "max_steps": "4"}
    )
    cube, reference = strips(36, 10)
    cube = replace(cube, synthetic=True)
    run_demo(cube, reference, tmp_path / "new", device="cpu", as_json=True)
    told = json.loads(capsys.readouterr().out)
    names = "map.tif confidence.tif model.safetensors accuracy.json map.png report.html"
    assert {p.name for p in (tmp_path / "new").iterdir()} == set(names.split())
    assert json.loads((tmp_path / "new" / "accuracy.json").read_text("utf-8")) == told
    assert told["synthetic"] is True
    assert told["n"] == 36 * 10 - 90
    assert (tmp_path / "new" / "map.png").read_bytes().startswith(b"\x89PNG")
    report = (tmp_path / "new" / "report.html").read_text("utf-8")
    assert "Audit of strips (synthetic scene)" in report and f"{told['oa']:.1f} %" in report


def test_an_enmap_map_has_the_tile_position(shared_data: Path, tmp_path: Path) -> None:
    import rasterio

    name = "enmap_potsdam_tile_128_128.tif"
    image = shared_data / "enmap_potsdam" / "images" / name
    labels = shared_data / "enmap_potsdam" / "labels" / name
    values_of("train", image, "--labels", labels, "--out", tmp_path / "m", *SETTINGS)
    values_of("predict", tmp_path / "m", image, "--out", tmp_path / "map.tif")
    with rasterio.open(image) as scene, rasterio.open(tmp_path / "map.tif") as file:
        assert (file.crs, file.transform, file.shape) == (scene.crs, scene.transform, scene.shape)


def test_training_goes_on_from_a_model(job: SimpleNamespace, tmp_path: Path) -> None:
    from napari_ssamamba.project.checkpoints import load_checkpoint

    base = ("train", job.scene, "--labels", job.labels, "--out", tmp_path / "m", *SETTINGS)
    more = ("--train-per-class", 20, "--start-from", job.model)
    told = values_of(*base, *more)
    assert "from a model of 33 pixels" in told["protocol"]
    assert told["n_train"] + told["n_validation"] == 60
    before, after = load_checkpoint(job.model), load_checkpoint(tmp_path / "m")
    assert len(after.training_pixels) > told["n_train"]  # those of the first model count too
    assert after.standardiser.fitted_on == before.standardiser.fitted_on
    result = ssamamba(*base, *more, "--set", "depth=3")
    assert_one_error(result, "depth = 3", "the model to start from has")
