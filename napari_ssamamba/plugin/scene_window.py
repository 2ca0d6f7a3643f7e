"""A scene in napari: ``python -m napari_ssamamba.plugin.scene_window [--variable NAME] [FILE...]``.

A program of its own, which the command line starts, as `demo_window` is.
"""

from __future__ import annotations

from argparse import ArgumentParser
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from napari_ssamamba.plugin.viewers import session_of

if TYPE_CHECKING:
    from collections.abc import Sequence

PLUGIN = "napari-ssamamba"


def main(arguments: Sequence[str] | None = None) -> None:
    """Open napari with the dock, and the files as one scene, until the user closes the window.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the program itself by default.
    """
    import napari

    parser = ArgumentParser()
    parser.add_argument("--variable", help="which variable of a .mat file")
    parser.add_argument("files", nargs="*", type=Path)
    given = parser.parse_args(arguments)
    viewer = napari.Viewer()
    viewer.window.add_plugin_dock_widget(PLUGIN)
    if given.files:  # by the session: napari opens files by their names alone, without a variable
        session_of(viewer).workflow.open(given.files, variable=given.variable)
    with suppress(KeyboardInterrupt):  # the command line gets Ctrl-C too, and tells of it
        napari.run()
    viewer.close()


if __name__ == "__main__":
    main()
