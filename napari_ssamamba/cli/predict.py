"""``ssamamba predict``: from a model and a scene to a class map."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import typer

from napari_ssamamba.cli.inputs import (
    DebugOption,
    DeviceOption,
    JsonOption,
    LayoutOption,
    SceneArgument,
    WavelengthsOption,
    check_output,
    open_scene_files,
)
from napari_ssamamba.cli.mapping import mapped
from napari_ssamamba.cli.report import print_facts, print_json
from napari_ssamamba.data.probability_store import SUFFIXES as STORE_SUFFIXES
from napari_ssamamba.data.writers import (
    ENVI_SUFFIXES,
    GEOTIFF_SUFFIXES,
    write_class_map,
    write_layers,
)
from napari_ssamamba.errors import SettingError

if TYPE_CHECKING:
    from napari_ssamamba.data.tiles import Window
    from napari_ssamamba.prediction.plan import MapSettings

ModelArgument = Annotated[Path, typer.Argument(metavar="MODEL", help="A file that train wrote.")]
MapOption = Annotated[
    Path,
    typer.Option(help="The map: .tif, or .hdr, .img, .dat for ENVI.", show_default=False),
]
ConfidenceOption = Annotated[
    Path | None, typer.Option(help="Write the probability of each pixel's class there.")
]
MarginOption = Annotated[
    Path | None,
    typer.Option(help="Write how far the second class's probability is behind the first there."),
]
EntropyOption = Annotated[
    Path | None,
    typer.Option(help="Write the entropy of the probabilities there: 0 sure, 1 no idea."),
]
AttentionOption = Annotated[
    Path | None, typer.Option(help="Write four layers that sum up each pixel's attention there.")
]
ProbabilitiesOption = Annotated[
    Path | None,
    typer.Option(help="Write the probabilities of all classes there as they come: .h5."),
]
RegionOption = Annotated[
    str | None,
    typer.Option(metavar="ROW0:ROW1,COL0:COL1", help="Map this part alone; ends excluded."),
]
BatchOption = Annotated[
    str, typer.Option(metavar="auto|N", help="Patches at once; fewer need less memory.")
]
PrecisionOption = Annotated[
    Literal["auto", "float32", "bfloat16"],
    typer.Option(
        help="Of the network; bfloat16 is faster and changes a few pixels (see benchmark), and is "
        "refused where the device is not fast at it. auto takes it on NVIDIA GPUs with Triton."
    ),
]
MembersOption = Annotated[
    Literal["mixed", "network", "expert"],
    typer.Option(help="What makes the map: network and spectral expert, or one of them alone."),
]

MatchOption = Annotated[
    bool,
    typer.Option(
        "--match-wavelengths",
        help="Read each band trained on from the scene's nearest, within half a band's width.",
    ),
]

SUFFIXES = GEOTIFF_SUFFIXES + ENVI_SUFFIXES


def predict(
    model: ModelArgument,
    scene: SceneArgument,
    out: MapOption,
    confidence: ConfidenceOption = None,
    margin: MarginOption = None,
    entropy: EntropyOption = None,
    attention: AttentionOption = None,
    probabilities: ProbabilitiesOption = None,
    region: RegionOption = None,
    members: MembersOption = "mixed",
    match_wavelengths: MatchOption = False,
    device: DeviceOption = "auto",
    batch_size: BatchOption = "auto",
    precision: PrecisionOption = "auto",
    layout: LayoutOption = None,
    wavelengths: WavelengthsOption = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Map a scene with a trained model.

    Given again, a command that was cut short goes on where it was.
    """
    for option, path in (
        ("--out", out),
        ("--confidence", confidence),
        ("--margin", margin),
        ("--entropy", entropy),
        ("--attention", attention),
    ):
        if path is not None:
            check_output(option, path, SUFFIXES)
    if probabilities is not None:
        check_output("--probabilities", probabilities, STORE_SUFFIXES)
    cube = open_scene_files(scene, layout, wavelengths)
    window = None if region is None else parse_region(region)
    batch = parse_batch_size(batch_size)

    from napari_ssamamba.prediction.class_map import ATTENTION_SCALARS
    from napari_ssamamba.project.checkpoints import load_checkpoint

    checkpoint = load_checkpoint(model)
    if match_wavelengths:
        checkpoint = checkpoint.matched(cube)
    settings: MapSettings = {
        "region": window,
        "attention": attention is not None,
        "members": members,
        "precision": precision,
        "device": device,
        "batch_size": batch,
    }
    with mapped(cube, checkpoint, model, probabilities, **settings) as class_map:
        write_class_map(out, class_map.ids, class_map.classes, cube=cube)
        for name, path in (("confidence", confidence), ("margin", margin), ("entropy", entropy)):
            if path is not None:
                write_layers(path, getattr(class_map, name)[np.newaxis], [name], cube)
        if attention is not None and class_map.attention is not None:
            write_layers(attention, class_map.attention, ATTENTION_SCALARS, cube)
    results = {
        "map": str(out),
        "confidence": None if confidence is None else str(confidence),
        "margin": None if margin is None else str(margin),
        "entropy": None if entropy is None else str(entropy),
        "attention": None if attention is None else str(attention),
        "probabilities": None if probabilities is None else str(probabilities),
        "pixels": class_map.pixels,
        "seconds": class_map.seconds,
        "pixels_per_second": class_map.pixels / max(class_map.seconds, 1e-9),
        "device": class_map.device,
        "precision": class_map.precision,
        "peak_memory_mb": peak_memory_mb(),
        "synthetic": cube.synthetic or checkpoint.record.synthetic,
    }
    if json:
        print_json(results)
    else:
        print_facts({name: value for name, value in results.items() if value is not None})


def parse_region(text: str) -> Window:
    """Read ``ROW0:ROW1,COL0:COL1``.

    Raises
    ------
    SettingError
    """
    from napari_ssamamba.data.tiles import Window

    found = re.fullmatch(r"(\d{1,9}):(\d{1,9}),(\d{1,9}):(\d{1,9})", text.replace(" ", ""))
    if found is None:
        raise SettingError("--region", text, "give ROW0:ROW1,COL0:COL1, e.g. 0:100,50:150.")
    return Window(*(int(number) for number in found.groups()))


def parse_batch_size(text: str) -> int | Literal["auto"]:
    """Read ``auto`` or a number.

    Raises
    ------
    SettingError
    """
    if text == "auto":
        return "auto"
    if not text.isdecimal() or int(text) < 1:
        raise SettingError("--batch-size", text, "give auto, or a whole number from 1.")
    return int(text)


def peak_memory_mb() -> float | None:
    """Return the most main memory that the process has held, in MiB; None on Windows."""
    if sys.platform == "win32":
        return None
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)  # macOS counts bytes
