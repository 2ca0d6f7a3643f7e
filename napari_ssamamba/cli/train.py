"""``ssamamba train``: from a scene and labels to a model."""

from __future__ import annotations

from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    check_output,
    open_scene_files,
    read_label_files,
)
from napari_ssamamba.cli.report import (
    follow,
    mixture_values,
    print_facts,
    print_json,
    telling_what_is_kept,
)
from napari_ssamamba.cli.splits import make_split
from napari_ssamamba.cli.unpacking import unpack_scene
from napari_ssamamba.errors import SettingError
from napari_ssamamba.model.config import ModelConfig, Preset
from napari_ssamamba.project.user_data import data_folder
from napari_ssamamba.training.config import Protocol, TrainingConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_ssamamba.data.cube import Cube

OutOption = Annotated[Path, typer.Option(help="The model file to write.", show_default=False)]
PresetOption = Annotated[Preset, typer.Option(help="Size of the network.")]
ProtocolOption = Annotated[
    Protocol, typer.Option(help="For few labels in a minute, or the published recipe.")
]
SplitOption = Annotated[
    list[str],
    typer.Option(
        metavar="random|disjoint|FILE",
        help="random: pixels drawn from all labels; disjoint: blocks of the scene, so far apart "
        "that no patches overlap; FILE: a class raster of test pixels, which are left out, again "
        "for each tile.",
    ),
]
PerClassOption = Annotated[
    int | None,
    typer.Option(help="Labels drawn of each class, validation included; by default all."),
]
FractionOption = Annotated[
    float, typer.Option(help="With --split disjoint: share of each class in training blocks.")
]
SeedOption = Annotated[int, typer.Option(help="The same seed gives the same model.")]
StartOption = Annotated[
    Path | None,
    typer.Option(
        metavar="MODEL",
        help="A model of the same scene and network to go on from, after labels were added; in a "
        "quarter of the steps.",
    ),
]
SetOption = Annotated[
    list[str],
    typer.Option("--set", metavar="NAME=VALUE", help="Any setting of network or training."),
]


def train(
    scene: SceneArgument,
    labels: LabelFilesOption,
    out: OutOption,
    preset: PresetOption = "compact",
    protocol: ProtocolOption = "interactive",
    split: SplitOption = ["random"],  # noqa: B006 (typer reads it and never changes it)
    train_per_class: PerClassOption = None,
    train_fraction: FractionOption = 0.5,
    seed: SeedOption = 0,
    device: DeviceOption = "auto",
    start_from: StartOption = None,
    settings: SetOption = [],  # noqa: B006 (as above)
    field: FieldOption = None,
    layout: LayoutOption = None,
    wavelengths: WavelengthsOption = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Train a network on a scene's labels; on from where the same command was cut short."""
    check_output("--out", out)
    cube = open_scene_files(scene, layout, wavelengths)
    given = read_label_files("--labels", labels, cube, field)
    model, config = configurations(cube, preset, protocol, seed, settings)
    made = make_split(cube, given, split, train_per_class, train_fraction, model, config, field)

    from napari_ssamamba.project.checkpoints import load_checkpoint, save_checkpoint
    from napari_ssamamba.project.unfinished_trainings import UnfinishedTraining
    from napari_ssamamba.training.trainer import train as train_network

    start = None if start_from is None else load_checkpoint(start_from)
    unpack_scene(cube, device)
    job = cube, made, given.classes, model, config, device, start
    with UnfinishedTraining(*job, data_folder()) as unfinished, telling_what_is_kept(unfinished):
        checkpoint = follow(unfinished.run(partial(train_network, *job)))
        save_checkpoint(checkpoint, out)
    record = checkpoint.record
    results = {
        "model": str(out),
        "epochs": record.epochs,
        "seconds": record.seconds,
        "n_train": record.n_train,
        "n_validation": record.n_validation,
        "n_test": int(made.test.sum()),
        "validation_oa": record.validation_oa,
        "device": record.device,
        "classes": list(checkpoint.classes.names),
        "split": record.split,
        "protocol": record.protocol,
        "seed": record.seed,
        "synthetic": record.synthetic,
        "patch_size": checkpoint.model.patch_size,
        "mixture": mixture_values(record.mixture),
    }
    if json:
        print_json(results)
    else:
        mixture = "the network alone" if record.mixture is None else record.mixture.summary()
        shown = {"classes": ", ".join(checkpoint.classes.names), "mixture": mixture}
        print_facts(results | shown)


def configurations(
    cube: Cube, preset: Preset, protocol: Protocol, seed: int, settings: Sequence[str]
) -> tuple[ModelConfig, TrainingConfig]:
    """Return the network's and the training's configuration, with the settings of ``--set``.

    Parameters
    ----------
    cube : Cube
    preset, protocol, seed
        What the settings change.
    settings : sequence of str
        ``name=value``.

    Returns
    -------
    model : ModelConfig
        Its number of classes stands for nothing yet; the training knows it.
    config : TrainingConfig

    Raises
    ------
    SettingError
        For unknown names and impossible values.
    """
    from napari_ssamamba.model.config import preset as preset_config
    from napari_ssamamba.training.config import protocol as protocol_config
    from napari_ssamamba.training.config import with_settings

    sizes = {f.name for f in fields(ModelConfig)} - {"bands", "classes"}  # the data's own
    known = sizes | {f.name for f in fields(TrainingConfig)}
    pairs: dict[str, str] = {}
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals or name.strip() not in known:
            raise SettingError(
                "--set", text, f"give NAME=VALUE with one of {', '.join(sorted(known))}."
            )
        pairs[name.strip()] = value
    model = preset_config(preset, max(1, int(cube.good_indices.size)), classes=2)
    return (
        with_settings(model, {n: v for n, v in pairs.items() if n in sizes}),
        with_settings(
            protocol_config(protocol, seed), {n: v for n, v in pairs.items() if n not in sizes}
        ),
    )
