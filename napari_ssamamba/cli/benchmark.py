"""``ssamamba benchmark``: how fast the network runs on this machine."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path  # noqa: TC003 (typer reads it)
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import typer

from napari_ssamamba.cli.inputs import (  # noqa: TC001 (typer reads them)
    DebugOption,
    DeviceOption,
    JsonOption,
)
from napari_ssamamba.cli.report import follow, print_json
from napari_ssamamba.errors import SettingError

if TYPE_CHECKING:
    from torch import Tensor

    from napari_ssamamba.model.config import Preset
    from napari_ssamamba.model.network import SSAMamba
    from napari_ssamamba.prediction.benchmark import Row

PRESETS: tuple[Preset, ...] = ("standard", "compact")

CLASSES = 15
"""Classes of the built-in scene that the networks learn, of its 16."""

PER_CLASS = 30

TABLE_WIDTH = 100
"""Characters that a row takes."""

TILE = {"cpu": 32, "cuda": 64}
"""Side of the tiles that are mapped."""


def benchmark(
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads; by default what PyTorch takes.")
    ] = None,
    device: DeviceOption = "cpu",
    quick: Annotated[
        bool, typer.Option("--quick", help="One short round: about a minute, and rough figures.")
    ] = False,
    scene: Annotated[
        list[str],
        typer.Option(
            metavar="ROWSxCOLUMNSxBANDS",
            help="Measure a scene of this size in a window instead; may be given several times.",
        ),
    ] = [],  # noqa: B006 (typer reads it and never changes it)
    interleave: Annotated[
        Literal["bsq", "bil", "bip"], typer.Option(help="Of the stand-in that --scene makes.")
    ] = "bsq",
    geotiff: Annotated[
        bool, typer.Option("--geotiff", help="With --scene: a compressed GeoTIFF, bsq or bip.")
    ] = False,
    labels: Annotated[
        Path | None, typer.Option(help="With --scene: labels that give its geometry.")
    ] = None,
    library: Annotated[
        Path | None, typer.Option(help="With --scene: spectral library that gives its spectra.")
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=1, help="With --scene: how long to map, twice.")
    ] = 60.0,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Measure maps and training on this machine's CPU or GPU, or large scenes in a window.

    Beside each figure: how many times as fast as the equations' recursion, and which share of the
    machine's own matrix-multiply rate. The networks learn the built-in scene for a moment first,
    so that what bfloat16 changes is counted on a trained network.

    With --scene a synthetic stand-in of that size is written to a temporary folder, opened, learned
    from and mapped in a real window; memory is what is added to the idle window with the dock. A
    pixel's cost comes from parts spread over the scene, mapped for --seconds; the whole scene is
    not mapped. Network and expert count alike there, whichever weights the training chose, and
    patches are 7 × 7: the cost of a pixel depends on both.

    With --scene and --device cuda there is no window: the preset standard learns by the published
    recipe and maps the whole scene in bfloat16, and the time is that from file to map.
    """
    from napari_ssamamba.model.device import choose_device
    from napari_ssamamba.prediction.benchmark import PRODUCT_SIZES

    chosen = choose_device(device)
    if chosen.type not in PRODUCT_SIZES:
        raise SettingError("--device", device, "choose cpu or cuda.")
    if scene and chosen.type == "cuda":
        from napari_ssamamba.cli.benchmark_gpu import map_scenes

        measured = map_scenes(scene, interleave, chosen)
        if json:
            print_json({"rows": [asdict(row) for row in measured], "synthetic": True})
        else:
            print_scenes(measured)
        return
    if scene:
        from napari_ssamamba.cli.benchmark_scenes import measure_scenes

        measured = measure_scenes(scene, interleave, seconds, labels, library, geotiff)
        if json:
            print_json({"rows": [asdict(row) for row in measured], "synthetic": True})
        else:
            print_scenes(measured)
        return
    import torch

    from napari_ssamamba.prediction.benchmark import benchmark as measure

    if threads is not None:
        torch.set_num_threads(threads)
    networks: dict[str, SSAMamba] = {}
    blocks: dict[str, list[Tensor]] = {}
    for name in PRESETS:
        networks[name], blocks[name] = _trained(name, quick, TILE[chosen.type])
    rows = follow(measure(networks, blocks, chosen))
    results = {
        "rows": [asdict(row) for row in rows],
        "device": torch.cuda.get_device_name(chosen) if chosen.type == "cuda" else "cpu",
        "threads": torch.get_num_threads(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "bands": networks["standard"].config.bands,
        "classes": networks["standard"].config.classes,
        "patch_size": networks["standard"].config.patch_size,
        "quick": quick,
    }
    if json:
        print_json(results)
    else:
        on_cpu = f"{results['threads']} threads, {results['instructions']}"
        _print(rows, on_cpu if chosen.type == "cpu" else str(results["device"]))


def print_scenes(rows: list[Row]) -> None:
    """Print a column a scene and a row a figure, misses of goals marked."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    figures: dict[str, dict[str, str]] = {}
    for row in rows:
        scene, _, figure = row.name.partition(": ")
        goal = row.ratio_to.get("goal")
        text = f"{row.value:,.{0 if row.value >= 100 else 2}f}"
        text += "" if goal is None or goal <= 1 else " (goal " + f"{row.value / goal:g})"
        figures.setdefault(f"{figure}, {row.unit}".rstrip(", "), {})[scene] = text
    scenes = list(dict.fromkeys(row.name.partition(": ")[0] for row in rows))
    table = Table(title="synthetic stand-ins", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    for scene in scenes:
        table.add_column(scene, justify="right")
    for figure, values in figures.items():
        table.add_row(figure, *(values.get(scene, "") for scene in scenes))
    Console().print(table, markup=False)


def _trained(name: Preset, quick: bool, tile: int) -> tuple[SSAMamba, list[Tensor]]:
    """Train a preset on the built-in scene, all 144 bands; return it with tiles to map."""
    import torch

    from napari_ssamamba.data.labels import LabelMap
    from napari_ssamamba.data.sample import sample_scene
    from napari_ssamamba.data.split import random_split
    from napari_ssamamba.data.tiles import Window, read_tile
    from napari_ssamamba.model.network import load_network
    from napari_ssamamba.training.config import protocol, with_settings
    from napari_ssamamba.training.trainer import train

    cube, reference = sample_scene()
    cube = cube.with_good_bands(np.ones(cube.bands, bool))
    kept = np.isin(reference.ids, reference.classes.ids[:CLASSES])
    reference = LabelMap(np.where(kept, reference.ids, 0).astype(np.uint16), reference.classes)
    steps = "12" if quick else "24"
    settings = {"epochs": "4", "min_steps": steps, "max_steps": steps, "learning_rate": "2e-3"}
    settings |= {"mixture": "network", "follow_scene": "false"}  # whole patches, nothing else
    config = with_settings(protocol("interactive", 0), settings)
    split = random_split(reference, PER_CLASS, config.validation_fraction, 0)
    checkpoint = follow(train(cube, split, reference.classes, name, config, "cpu"))
    side = tile // 2 if quick else tile
    corners = [(60, 60)] if quick else [(40, 200), (130, 120), (220, 40)]
    tiles = [
        read_tile(
            cube,
            Window(row, row + side, column, column + side),
            checkpoint.model.patch_size // 2,
            checkpoint.standardiser,
            checkpoint.band_indices,
        )
        for row, column in corners
    ]
    network = load_network(checkpoint.model, checkpoint.weights)
    return network, [torch.from_numpy(tile.block) for tile in tiles]


def _print(rows: list[Row], title: str) -> None:
    """Print the figures as a table."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("", "value", "unit", "of ceiling", "× recursion"):
        side: Literal["left", "right"] = "left" if heading in ("", "unit") else "right"
        table.add_column(heading, justify=side, no_wrap=True)
    for row in rows:
        ceiling = [f"{100 * r:.0f} %" for to, r in row.ratio_to.items() if to != "recursion"]
        times = [f"{r:.2f}" for to, r in row.ratio_to.items() if to == "recursion"]
        digits = 1 if row.value < 1000 else 0
        value = f"{row.value:.{digits}f}"
        table.add_row(row.name, value, row.unit, "".join(ceiling), "".join(times))
    console = Console()
    console.width = max(console.width, TABLE_WIDTH)
    console.print(table, markup=False)
