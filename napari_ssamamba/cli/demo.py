"""``ssamamba demo``: the whole job on the built-in scene."""

from __future__ import annotations

import json as json_format
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from napari_ssamamba.cli.audit import REPORT
from napari_ssamamba.cli.evaluate import counted_truth
from napari_ssamamba.cli.inputs import DebugOption, DeviceOption, JsonOption, check_folder
from napari_ssamamba.cli.report import accuracy_values, follow, print_accuracy, print_json
from napari_ssamamba.cli.viewer import show_demo

if TYPE_CHECKING:
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.labels import LabelMap

PER_CLASS = 30
"""Labels of each class that the demo learns from."""

SETTINGS = {"epochs": "8", "min_steps": "160", "max_steps": "320"}
"""About a quarter of the steps of the protocol ``interactive``: two minutes on two cores."""

FOLDER = Path("demo")
MODEL = "model.safetensors"

FolderOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help=f"Folder of the results; by default {FOLDER}, and then napari stays open on them "
        "where there is a display.",
    ),
]


def demo(
    out: FolderOption = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same map.")] = 0,
    device: DeviceOption = "auto",
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Train on the built-in synthetic scene, map it, and check the map.

    Writes map.tif, confidence.tif, model.safetensors, accuracy.json, map.png, report.html, and
    pictures of napari with them, window-*.png.
    """
    from napari_ssamamba.data.sample import sample_scene

    folder = FOLDER if out is None else out
    check_folder("--out", folder)
    cube, reference = sample_scene()
    run(cube, reference, folder, seed=seed, device=device, as_json=json)
    if missing := show_demo(folder, stay=out is None):
        typer.echo(f"No pictures of the window: {missing}", err=True)


def run(
    cube: Cube,
    reference: LabelMap,
    folder: Path,
    *,
    seed: int = 0,
    device: str = "auto",
    as_json: bool = False,
) -> None:
    """Train, map and check; all files appear in the folder at the end, or none.

    Parameters
    ----------
    cube : Cube
    reference : LabelMap
        Training pixels are drawn from it; the others are checked against.
    folder : Path
    seed, device
        See `train`.
    as_json : bool
        Whether one JSON object is printed, in place of a table.
    """
    from napari_ssamamba.data.atomic import written_whole
    from napari_ssamamba.data.split import random_split
    from napari_ssamamba.data.writers import write_class_map, write_layers
    from napari_ssamamba.prediction.predictor import predict
    from napari_ssamamba.project.checkpoints import save_checkpoint
    from napari_ssamamba.report.figure import save_figure
    from napari_ssamamba.report.findings import AuditCase
    from napari_ssamamba.report.page import audit_report
    from napari_ssamamba.training.config import protocol, with_settings
    from napari_ssamamba.training.metrics import assess, distance_to_training
    from napari_ssamamba.training.trainer import train

    config = with_settings(protocol("interactive", seed), SETTINGS)
    split = random_split(reference, PER_CLASS, config.validation_fraction, seed)
    checkpoint = follow(train(cube, split, reference.classes, "compact", config, device))
    class_map = follow(predict(cube, checkpoint, device=device))
    truth = counted_truth(reference, cube, checkpoint)
    accuracy = assess(truth.ids, class_map.ids, reference.classes)
    far = distance_to_training(cube.shape[:2], checkpoint.training_pixels)

    title = f"{cube.name}: OA {accuracy.oa:.1f} % on {accuracy.n} pixels that it never saw"
    results = accuracy_values(accuracy) | {
        "min_distance_to_training": int(far[split.test].min()),
        "patch_size": checkpoint.model.patch_size,
        "split": split.description,
        "scene": cube.name,
        "synthetic": cube.synthetic,
        "training_seconds": checkpoint.record.seconds,
        "mapping_seconds": class_map.seconds,
        "device": class_map.device,
        "folder": str(folder),
    }
    case = AuditCase(
        cube=cube,
        checkpoint=checkpoint,
        model_name=MODEL,
        reference=reference,
        truth=truth,
        class_map=class_map,
        members="mixed",
    )
    report = follow(audit_report(case))
    with written_whole(folder) as new:
        write_class_map(new / "map.tif", class_map.ids, class_map.classes, cube=cube)
        write_layers(new / "confidence.tif", class_map.confidence[np.newaxis], ["confidence"], cube)
        save_checkpoint(checkpoint, new / MODEL)
        save_figure(new / "map.png", cube, reference, class_map, title)
        (new / REPORT).write_text(report.html, encoding="utf-8")
        text = json_format.dumps(results, ensure_ascii=False, allow_nan=False, indent=1)
        (new / "accuracy.json").write_text(text + "\n", encoding="utf-8")
    if as_json:
        print_json(results)
        return
    print_accuracy(accuracy, title)
    typer.echo(f"{'Synthetic scene. ' if cube.synthetic else ''}Written to {folder}")
