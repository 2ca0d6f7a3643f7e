"""``ssamamba open``: napari with the dock open on a scene."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

import typer

from napari_ssamamba.cli.inputs import DebugOption, files_and_variable
from napari_ssamamba.errors import SSAMambaError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SCENE_WINDOW = "napari_ssamamba.plugin.scene_window"
DEMO_WINDOW = "napari_ssamamba.plugin.demo_window"
"""Started as programs: the command line imports nothing of the window's."""

PROGRAM = (sys.executable, "-P", "-m")
"""What starts one; a ``spectral.py`` of the user's, in the folder of the scene, is not imported."""

VIRTUAL_DISPLAY = ("xvfb-run", "-a", "-s", "-screen 0 1440x900x24")

QT_BINDINGS = ("PyQt6", "PySide6", "PyQt5", "PySide2")

INSTALL = 'Install both with: pip install "napari-ssamamba[all]"'

ScenesArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="[SCENE...]",
        help="Files of one scene, or file.mat:variable; without any, the window opens empty.",
    ),
]


def open_scene(
    scene: ScenesArgument = [],  # noqa: B006 (typer reads it and never changes it)
    debug: DebugOption = False,
) -> None:
    """Open napari with the dock, on a scene."""
    from napari_ssamamba.data.readers import file_kind

    paths, variable = files_and_variable("SCENE", scene)
    for path in paths:
        file_kind(path)  # a missing or unknown file is told before the window comes up
    show(paths, variable)


def show(paths: Sequence[Path] = (), variable: str | None = None) -> None:
    """Open napari with the dock and stay until the window is closed.

    Parameters
    ----------
    paths : sequence of Path
        Files of one scene.
    variable : str, optional
        Which variable of a ``.mat`` file.

    Raises
    ------
    SSAMambaError
        Where napari or Qt is not installed, there is no display, or the window failed.
    """
    if not has_display():
        raise SSAMambaError(
            "There is no display to open a window on. Use train, predict and evaluate, or demo "
            "with --out, which need none."
        )
    if not has_viewer():
        raise SSAMambaError(f"The window needs napari and Qt. {INSTALL}")
    command = [*PROGRAM, SCENE_WINDOW]
    command += [] if variable is None else [f"--variable={variable}"]
    window = subprocess.Popen([*command, "--", *map(str, paths)])
    try:
        code = window.wait()
    except KeyboardInterrupt:
        window.wait()  # napari gets Ctrl-C too, and ends its work before it closes
        raise
    if code != 0:
        raise SSAMambaError(f"The window ended with an error, see above (exit code {code}).")


def show_demo(folder: Path, *, stay: bool) -> str | None:
    """Show the demo's result in napari, and keep pictures of the window.

    Where there is no display, a virtual one is used if the system has one.

    Parameters
    ----------
    folder : Path
        The demo's results; the pictures are added.
    stay : bool
        Whether the window stays open until the user closes it.

    Returns
    -------
    str or None
        Why there are no pictures; None where there are.
    """
    if not has_viewer():
        return f"napari and Qt are not installed. {INSTALL}"
    stays = ["--stay"] if stay and has_display() else []
    try:
        run_window(DEMO_WINDOW, str(folder), *stays)
    except SSAMambaError as error:
        return str(error)
    return None


def run_window(
    program: str, *arguments: str, environment: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Run a program with a window to its end, on a virtual display where there is none.

    Parameters
    ----------
    program : str
        The module.
    *arguments : str
    environment : mapping of str to str
        Variables set for it.

    Raises
    ------
    SSAMambaError
        Where there is neither, or with the last line that a program that failed has written.
    """
    command, variables = [*PROGRAM, program, *arguments], {**os.environ, **environment}
    if not has_display():
        if not shutil.which(VIRTUAL_DISPLAY[0]):
            raise SSAMambaError("There is no display, and no xvfb-run to stand in for one.")
        command = [*VIRTUAL_DISPLAY, *command]
        variables["QT_QPA_PLATFORM"] = "xcb"
    ended = subprocess.run(
        command,
        env=variables,
        check=False,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",  # on Windows it writes in the system's code page
    )
    if ended.returncode != 0:
        last = (ended.stderr.strip().splitlines() or ["no message"])[-1]
        raise SSAMambaError(f"The window ended with an error ({last}).")


def has_display() -> bool:
    """Tell whether windows can be shown; a Qt platform that is set decides by itself."""
    platform = os.environ.get("QT_QPA_PLATFORM")
    if platform:
        return platform not in ("offscreen", "minimal")
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def has_viewer() -> bool:
    """Tell whether napari and a Qt binding are installed; neither is imported."""
    return find_spec("napari") is not None and any(find_spec(name) for name in QT_BINDINGS)
