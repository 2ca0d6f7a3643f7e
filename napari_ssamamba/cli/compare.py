"""``ssamamba compare``: SSA-Mamba beside other methods on the same splits."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from napari_ssamamba.cli.compare_scenes import STAND_IN, built_in, stand_in
from napari_ssamamba.cli.inputs import (
    DebugOption,
    DeviceOption,
    FieldOption,
    JsonOption,
    LabelFilesOption,
    LayoutOption,
    WavelengthsOption,
    open_scene_files,
    read_label_files,
)
from napari_ssamamba.cli.report import (
    follow,
    mixture_values,
    print_json,
    telling_what_is_kept,
)
from napari_ssamamba.cli.splits import make_split
from napari_ssamamba.cli.train import (
    FractionOption,
    PerClassOption,
    PresetOption,
    ProtocolOption,
    SetOption,
    SplitOption,
    configurations,
)
from napari_ssamamba.cli.unpacking import unpack_scene
from napari_ssamamba.errors import SettingError
from napari_ssamamba.project.user_data import data_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_ssamamba.comparison.compare import Row, Scored
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.labels import LabelMap

SceneArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="SCENE...",
        help="As for train; or built-in, or built-in:ROWSxCOLUMNS for the synthetic scene of that "
        "size with its reference; or stand-in for a synthetic scene that fills --labels with the "
        "spectra of --library.",
        show_default=False,
    ),
]
SeedsOption = Annotated[
    str, typer.Option(metavar="N,N,...", help="One split and training for each.")
]
MethodsOption = Annotated[
    str,
    typer.Option(
        metavar="NAME,NAME,...",
        help="all, or some of mixed, network, expert (SSA-Mamba's default map and its two parts), "
        "control (an SVM in the network's place), svm, forest, lda, emp-svm, cnn, metaformer.",
    ),
]
TestPixelsOption = Annotated[
    int | None,
    typer.Option(help="At most so many test pixels, drawn at random, for large scenes."),
]
LibraryOption = Annotated[
    Path | None,
    typer.Option(
        help="Of a stand-in: spectral library (ENVI, CSV). Spectra of one name are one material; "
        "the classes take the materials in order.",
        show_default=False,
    ),
]

ALL_LEARNED = "validation_fraction=0"

TABLE_WIDTH = 110
"""Characters that a row takes."""


def compare(
    scene: SceneArgument,
    labels: LabelFilesOption = [],  # noqa: B006 (typer reads it and never changes it)
    split: SplitOption = ["random"],  # noqa: B006 (as above)
    train_per_class: PerClassOption = None,
    train_fraction: FractionOption = 0.5,
    test_pixels: TestPixelsOption = None,
    seeds: SeedsOption = "0,1,2",
    methods: MethodsOption = "all",
    preset: PresetOption = "compact",
    protocol: ProtocolOption = "interactive",
    device: DeviceOption = "auto",
    settings: SetOption = [],  # noqa: B006 (as above)
    library: LibraryOption = None,
    field: FieldOption = None,
    layout: LayoutOption = None,
    wavelengths: WavelengthsOption = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Train SSA-Mamba and other methods on the same pixels and score them on the same others.

    Pixels count that no method has learned from, whatever the seed's split leaves. With the
    protocol interactive all others are learned from: the test pixels validate (`--set
    validation_fraction=0.1` holds out as a training does).

    Given again, a command that was cut short goes on with the seed that it was at.
    """
    if protocol == "interactive":
        settings = [ALL_LEARNED, *settings]
    chosen_seeds = [_seed(text) for text in seeds.split(",")]
    cube, given = _open(scene, labels, split, library, field, layout, wavelengths)

    from napari_ssamamba.comparison.compare import NAMES
    from napari_ssamamba.data.split import with_fewer_tests
    from napari_ssamamba.project.unfinished_comparisons import UnfinishedComparison

    names = list(NAMES) if methods == "all" else methods.split(",")
    wanted = [method for method in NAMES if method in names]
    if unknown := set(names) - set(NAMES):
        raise SettingError(
            "--methods", ", ".join(sorted(unknown)), f"choose all or some of {', '.join(NAMES)}."
        )
    unpack_scene(cube, device)
    runs = []
    work = UnfinishedComparison(cube, given.classes, wanted, device, data_folder())
    with work as unfinished, telling_what_is_kept(unfinished):
        for seed in chosen_seeds:
            model, config = configurations(cube, preset, protocol, seed, settings)
            made = make_split(
                cube, given, split, train_per_class, train_fraction, model, config, field
            )
            if test_pixels is not None:
                made = with_fewer_tests(made, test_pixels)
            run = follow(unfinished.run(made, model, config))
            runs.append(run)
            found = [f"{NAMES[s.method]} {s.accuracy.oa:.1f} / {s.accuracy.aa:.1f}" for s in run]
            typer.echo(f"seed {seed}, OA / AA %: {', '.join(found)}", err=True)
        _tell(cube, made.description, chosen_seeds, runs, json)


def _tell(
    cube: Cube, split: str, seeds: Sequence[int], runs: Sequence[Sequence[Scored]], json: bool
) -> None:
    """Print what was found on the splits of all seeds, of which the last one is described."""
    from napari_ssamamba.comparison.compare import summarise

    rows = summarise(runs)
    n_train, n_test = runs[-1][0].n_learned, runs[-1][0].accuracy.n
    if json:
        print_json(
            {
                "rows": [asdict(row) for row in rows],
                "scene": cube.name,
                "seeds": list(seeds),
                "split": split,
                "n_train": n_train,
                "n_test": n_test,
                "mixture": [mixture_values(run[0].mixture) for run in runs],
                "synthetic": cube.synthetic,
            }
        )
        return
    synthetic = ", SYNTHETIC" if cube.synthetic else ""
    of_seeds = ",".join(map(str, seeds))
    title = f"{cube.name}{synthetic}: {n_train} labels, {n_test} test pixels, seeds {of_seeds}"
    console = Console()
    console.width = max(console.width, TABLE_WIDTH)
    console.print(_table(rows, title), markup=False)
    for seed, run in zip(seeds, runs, strict=True):
        if run[0].mixture is not None:
            typer.echo(f"seed {seed}: {run[0].mixture.summary()}")


def _open(
    scene: list[str],
    labels: list[str],
    split: list[str],
    library: Path | None,
    field: str | None,
    layout: str | None,
    wavelengths: Path | None,
) -> tuple[Cube, LabelMap]:
    """Open, or make, the scene and its labels."""
    if (found := built_in(scene)) is not None:
        return found
    if not labels:
        raise SettingError("--labels", "nothing", "name a class raster or polygons.")
    if scene == [STAND_IN]:
        return stand_in(labels, split, library)
    cube = open_scene_files(scene, layout, wavelengths)
    return cube, read_label_files("--labels", labels, cube, field)


def _table(rows: list[Row], title: str) -> Table:
    table = Table(title=title, caption="mean ± deviation over the seeds; seconds are means")
    table.add_column("method")
    for name in ("OA %", "AA %", "κ × 100", "train s", "predict s"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            row.method,
            f"{row.oa:.2f} ± {row.oa_std:.2f}",
            f"{row.aa:.2f} ± {row.aa_std:.2f}",
            f"{row.kappa:.2f} ± {row.kappa_std:.2f}",
            f"{row.train_seconds:.1f}",
            f"{row.predict_seconds:.1f}",
        )
    return table


def _seed(text: str) -> int:
    """Read one of the seeds."""
    if not text.strip().isdigit():
        raise SettingError("--seeds", text, "give whole numbers, e.g. 0,1,2.")
    return int(text)
