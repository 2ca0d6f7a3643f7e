"""``ssamamba evaluate``: how well a model's map agrees with a reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import typer

from napari_ssamamba.cli.inputs import (
    DebugOption,
    DeviceOption,
    FieldOption,
    JsonOption,
    LabelFilesOption,
    LayoutOption,
    SceneArgument,
    WavelengthsOption,
    open_scene_files,
    read_label_files,
)
from napari_ssamamba.cli.mapping import mapped
from napari_ssamamba.cli.predict import (
    BatchOption,
    MembersOption,
    ModelArgument,
    parse_batch_size,
)
from napari_ssamamba.cli.report import accuracy_values, print_accuracy, print_json
from napari_ssamamba.data.classes import UNLABELLED, ClassTable
from napari_ssamamba.data.tiles import Window
from napari_ssamamba.errors import LabelsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_ssamamba.audit.truth import Truth
    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.labels import LabelMap
    from napari_ssamamba.prediction.plan import MapSettings


def evaluate(
    model: ModelArgument,
    scene: SceneArgument,
    reference: LabelFilesOption,
    members: MembersOption = "mixed",
    device: DeviceOption = "auto",
    batch_size: BatchOption = "auto",
    field: FieldOption = None,
    layout: LayoutOption = None,
    wavelengths: WavelengthsOption = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Compare a model's map of a scene with a reference.

    Pixels that the model was trained or validated on do not count.
    """
    cube = open_scene_files(scene, layout, wavelengths)
    given = read_label_files("--reference", reference, cube, field)
    batch = parse_batch_size(batch_size)

    from napari_ssamamba.project.checkpoints import load_checkpoint
    from napari_ssamamba.training.metrics import assess, distance_to_training

    checkpoint = load_checkpoint(model)
    truth = counted_truth(given, cube, checkpoint)
    counted = truth.ids != UNLABELLED
    window = bounding_window(counted)
    settings: MapSettings = {
        "region": window,
        "members": members,
        "device": device,
        "batch_size": batch,
    }
    with mapped(cube, checkpoint, model, **settings) as class_map:
        accuracy = assess(
            truth.ids,
            class_map.ids,
            joined_classes(checkpoint.classes, truth.classes),
        )
    nearest = None
    if checkpoint.is_of(cube):
        far = distance_to_training(cube.shape[:2], checkpoint.training_pixels)
        nearest = int(far[counted].min())
    left_out = int((given.ids != UNLABELLED).sum() - counted.sum())
    synthetic = cube.synthetic or checkpoint.record.synthetic
    if json:
        print_json(
            accuracy_values(accuracy)
            | {
                "min_distance_to_training": nearest,
                "patch_size": checkpoint.model.patch_size,
                "left_out": left_out,
                "split": checkpoint.record.split,
                "synthetic": synthetic,
                "model": str(model),
                "scene": cube.name,
                "device": class_map.device,
            }
        )
        return
    print_accuracy(accuracy, f"{cube.name}, {'synthetic, ' if synthetic else ''}{given.name}")
    typer.echo(
        f"{left_out} pixels that were trained or validated on do not count.\n"
        + distance_text(nearest, checkpoint.model.patch_size)
    )


def counted_truth(reference: LabelMap, cube: Cube, checkpoint: Checkpoint) -> Truth:
    """Return the reference without the pixels that the model has learned from.

    Raises
    ------
    LabelsError
        Where none is left.
    """
    from napari_ssamamba.audit.truth import TRUTH_NAMES, Truth

    ids = reference.ids.copy()
    ids[tuple(checkpoint.seen_pixels(cube).T)] = UNLABELLED
    if not ids.any():
        raise LabelsError(
            f"{reference.name}: the model was trained on all its pixels; none is left to check "
            "against. Give a reference with more pixels."
        )
    name = f"{TRUTH_NAMES['reference']} ({reference.name})"
    return Truth("reference", name, ids, reference.classes)


def bounding_window(mask: NDArray[np.bool_]) -> Window:
    """Return the smallest window that holds a mask's pixels; the rest need not be mapped."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return Window(int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1)


def joined_classes(trained: ClassTable, reference: ClassTable) -> ClassTable:
    """Return the trained classes, then those that only the reference has."""
    return ClassTable((*trained, *(c for c in reference if c.id not in trained)))


def distance_text(nearest: int | None, patch_size: int) -> str:
    """Say how independent the pixels that count are of those trained on."""
    if nearest is None:
        return "The scene is not the one that was trained on."
    overlap = "overlap with" if nearest < patch_size else "do not overlap with"
    return (
        f"The others lie {nearest} pixels or more from training pixels; patches of {patch_size} "
        f"pixels {overlap} those of training pixels."
    )
