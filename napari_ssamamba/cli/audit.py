"""``ssamamba audit``: where a map is wrong and why, as one page of HTML."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_ssamamba.cli.evaluate import counted_truth
from napari_ssamamba.cli.inputs import (
    DebugOption,
    DeviceOption,
    FieldOption,
    JsonOption,
    LabelFilesOption,
    LayoutOption,
    SceneArgument,
    WavelengthsOption,
    check_folder,
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
from napari_ssamamba.cli.report import accuracy_values, follow, print_accuracy, print_json

if TYPE_CHECKING:
    from napari_ssamamba.prediction.plan import MapSettings

REPORT = "report.html"

FolderOption = Annotated[
    Path, typer.Option(metavar="DIR", help=f"Folder of {REPORT}.", show_default=False)
]


def audit(
    model: ModelArgument,
    scene: SceneArgument,
    reference: LabelFilesOption,
    out: FolderOption,
    members: MembersOption = "mixed",
    device: DeviceOption = "auto",
    batch_size: BatchOption = "auto",
    field: FieldOption = None,
    layout: LayoutOption = None,
    wavelengths: WavelengthsOption = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Map a scene, and write where the map is wrong and why as one page, report.html.

    Pixels that the model was trained or validated on do not count.
    """
    started = time.monotonic()
    check_folder("--out", out)
    cube = open_scene_files(scene, layout, wavelengths)
    given = read_label_files("--reference", reference, cube, field)
    batch = parse_batch_size(batch_size)

    from napari_ssamamba.data.atomic import written_whole
    from napari_ssamamba.project.checkpoints import load_checkpoint
    from napari_ssamamba.report.findings import AuditCase
    from napari_ssamamba.report.page import audit_report

    checkpoint = load_checkpoint(model)
    truth = counted_truth(given, cube, checkpoint)
    settings: MapSettings = {"members": members, "device": device, "batch_size": batch}
    with mapped(cube, checkpoint, model, **settings) as class_map:
        case = AuditCase(
            cube=cube,
            checkpoint=checkpoint,
            model_name=model.name,
            reference=given,
            truth=truth,
            class_map=class_map,
            members=members,
        )
        report = follow(audit_report(case))
        with written_whole(out) as folder:
            (folder / REPORT).write_text(report.html, encoding="utf-8")
    confusion = report.confusion
    if json:
        print_json(
            {"report": str(out / REPORT)}
            | accuracy_values(confusion.accuracy)
            | {
                "worst": [
                    {
                        "reference": confusion.classes[cell.reference].name,
                        "predicted": confusion.classes[cell.predicted].name,
                        "n": confusion.count(cell),
                    }
                    for cell in confusion.worst()
                ],
                "seconds": time.monotonic() - started,
                "device": class_map.device,
                "synthetic": case.synthetic,
            }
        )
        return
    print_accuracy(
        confusion.accuracy, f"{cube.name}, {'synthetic, ' if case.synthetic else ''}{given.name}"
    )
    typer.echo(f"Written to {out / REPORT}")
