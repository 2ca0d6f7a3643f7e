"""The copy that commands read a large compressed scene from, as the window does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from napari_ssamamba.cli.report import follow

if TYPE_CHECKING:
    from napari_ssamamba.data.cube import Cube


def unpack_scene(cube: Cube, device: str) -> None:
    """Let a large compressed scene be read from a copy in the cache; others stay as they are.

    Where the disk does not take the copy, the user is told, and the files are read.

    Parameters
    ----------
    cube : Cube
    device : str
        For which the scene is unpacked.

    Raises
    ------
    SettingError
        Where there is no such device.
    """
    from napari_ssamamba.data.unpacked import needs_unpacking, read_from_copy

    if needs_unpacking(cube):
        from napari_ssamamba.model.device import choose_device

        choose_device(device)
        try:
            found = follow(read_from_copy(cube)) is not None
            why = "the disk has too little room for a copy of it"
        except OSError as error:
            found, why = False, f"no copy of it could be written ({error})"
        if not found:
            typer.echo(f"{cube.name} is read from its compressed files, slowly: {why}.", err=True)
