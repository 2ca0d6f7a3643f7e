"""The command line, as the tests of its commands call it."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from typer.testing import CliRunner

from napari_ssamamba.cli import app
from napari_ssamamba.data.classes import ClassTable
from napari_ssamamba.data.cube import Cube
from napari_ssamamba.data.labels import LabelMap
from napari_ssamamba.data.writers import write_class_map, write_layers

if TYPE_CHECKING:
    from pathlib import Path

TINY = {
    "d_model": 8,
    "d_state": 2,
    "heads": 2,
    "depth": 1,
    "patch_size": 3,
    "epochs": 3,
    "min_steps": 30,
    "max_steps": 30,
    "learning_rate": 5e-3,
}
SETTINGS = [part for name, value in TINY.items() for part in ("--set", f"{name}={value}")]
TRANSFORM = (500000.0, 30.0, 0.0, 5800000.0, 0.0, -30.0)


def ssamamba(*arguments: object) -> Any:
    """Run a command; see `click.testing.Result`."""
    return CliRunner().invoke(app, [str(a) for a in arguments])


def values_of(*arguments: object) -> dict[str, Any]:
    """Run with --json and return the one object on stdout."""
    result = ssamamba(*arguments, "--json")
    assert result.exit_code == 0, result.output
    values: dict[str, Any] = json.loads(result.stdout)  # fails where there is anything beside it
    return values


def strips(rows: int = 24, columns: int = 20) -> tuple[Cube, LabelMap]:
    """Three strips that are easily told apart, in five bands, with a position."""
    rng = np.random.default_rng(0)
    strip = (np.arange(rows) * 3 // rows)[:, None].repeat(columns, axis=1)
    values = rng.normal(500, 200, (3, 5))[strip] + rng.normal(0, 5, (rows, columns, 5))
    cube = Cube("strips", values.astype(np.float32), crs="EPSG:32633", transform=TRANSFORM)
    table = ClassTable().add("Wheat", id=2).add("Maize", id=5).add("Water", id=9)
    return cube, LabelMap(np.array([2, 5, 9], np.uint16)[strip], table)


def strips_job(folder: Path) -> SimpleNamespace:
    """Write the strips, their reference and a model trained on them as files."""
    cube, reference = strips()
    scene, labels, model = folder / "scene.tif", folder / "labels.tif", folder / "model"
    write_layers(scene, np.moveaxis(np.asarray(cube.raw), -1, 0), list("abcde"), cube)
    write_class_map(labels, reference.ids, reference.classes, cube=cube)
    trained = values_of(
        *("train", scene, "--labels", labels, "--train-per-class", 12, "--seed", 1),
        *("--device", "cpu", "--out", model, *SETTINGS),
    )
    return SimpleNamespace(scene=scene, labels=labels, model=model, trained=trained)
