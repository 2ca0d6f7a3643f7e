"""What commands take: their common options, scenes, labels, and places to write to."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_ssamamba.errors import FileFormatError, SettingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.labels import LabelMap


@dataclass(slots=True)
class Errors:
    """How errors are told.

    Attributes
    ----------
    debug : bool
        Whether with their traceback.
    """

    debug: bool = False


def _set_debug(context: typer.Context, debug: bool) -> bool:
    if isinstance(context.obj, Errors):
        context.obj.debug = debug
    return debug


DebugOption = Annotated[
    bool, typer.Option("--debug", help="Show the traceback of errors.", callback=_set_debug)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
SceneArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="SCENE...",
        help="ENVI, MATLAB (file.mat:variable where it holds several), GeoTIFF or NumPy file; "
        "several GeoTIFF tiles are one scene.",
        show_default=False,
    ),
]
LayoutOption = Annotated[
    str | None,
    typer.Option(
        help="Axes of a .mat or .npy array, in the file's order, where they cannot be told."
    ),
]
WavelengthsOption = Annotated[
    Path | None, typer.Option(help="File with the band centres, in place of the scene's own.")
]
LabelFilesOption = Annotated[
    list[str],
    typer.Option(
        help="Class raster (file.mat:variable where it holds several) or polygons; again for "
        "each tile.",
        show_default=False,
    ),
]
FieldOption = Annotated[
    str | None, typer.Option(help="Field of label polygons that holds the class.")
]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:<number> or mps.")]


def open_scene_files(
    scene: Sequence[str], layout: str | None = None, wavelengths: Path | None = None
) -> Cube:
    """Open what the argument SCENE names.

    Raises
    ------
    SettingError
        For variables of several files.
    FileFormatError, AmbiguousFileError
        See `open_cube`.
    """
    from napari_ssamamba.data.readers import open_cube

    paths, variable = files_and_variable("SCENE", scene)
    return open_cube(paths, variable=variable, layout=layout, wavelengths=wavelengths)


def read_label_files(option: str, files: Sequence[str], cube: Cube, field: str | None) -> LabelMap:
    """Read the labels that an option names, onto a scene's grid.

    Parameters
    ----------
    option : str
        For messages, e.g. ``"--labels"``.
    files : sequence of str
        ``file`` or ``file.mat:variable``; several GeoTIFF tiles.
    cube : Cube
    field : str or None
        Of polygons.

    Raises
    ------
    LabelsError, SettingError, FileFormatError, AmbiguousFileError
        See `read_labels`.
    """
    from napari_ssamamba.data.reference import read_labels

    paths, variable = files_and_variable(option, files)
    return read_labels(paths, cube, variable=variable, field=field)


def files_and_variable(option: str, files: Sequence[str]) -> tuple[list[Path], str | None]:
    """Split what an option names into files and the variable.

    Parameters
    ----------
    option : str
        For messages.
    files : sequence of str
        ``file`` or ``file.mat:variable``.

    Returns
    -------
    paths : list of Path
    variable : str or None
        None where none is named.

    Raises
    ------
    SettingError
        For variables of several files.
    """
    from napari_ssamamba.data.readers import split_variable

    named = [split_variable(text) for text in files]
    paths = [path for path, _ in named]
    variables = [variable for _, variable in named if variable is not None]
    if variables and len(named) > 1:
        raise SettingError(
            option, [str(p) for p in paths], "name one file where a variable is named."
        )
    return paths, variables[0] if variables else None


def check_output(option: str, path: Path, suffixes: Sequence[str] = ()) -> None:
    """Refuse a place that cannot be written to, before hours of work are lost there.

    Parameters
    ----------
    option : str
    path : Path
        The file to be.
    suffixes : sequence of str
        Those it may have; any if there is none.

    Raises
    ------
    SettingError, FileFormatError
    """
    if suffixes and path.suffix.lower() not in suffixes:
        raise SettingError(option, str(path), f"end the name in {', '.join(suffixes)}.")
    if path.is_dir():
        raise FileFormatError(path, "it is a folder", f"Name a file for {option}.")
    check_folder(option, path.absolute().parent)


def check_folder(option: str, folder: Path) -> None:
    """Refuse a folder that neither can be written to nor made.

    Raises
    ------
    FileFormatError
    """
    existing = folder.absolute()
    while not existing.exists():
        existing = existing.parent
    if not existing.is_dir():
        raise FileFormatError(existing, "it is no folder", f"Choose another place for {option}.")
    if not os.access(existing, os.W_OK):
        raise FileFormatError(
            existing, "it cannot be written to", f"Choose another folder for {option}."
        )
