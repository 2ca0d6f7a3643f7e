"""Synthetic scenes to compare methods on: the built-in one, and stand-ins for label maps."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.cli.inputs import files_and_variable
from napari_ssamamba.cli.report import follow
from napari_ssamamba.errors import LabelsError, SettingError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.labels import LabelMap

STAND_IN = "stand-in"
"""What the argument SCENE says for a label map that a library's spectra fill."""


def built_in(scene: Sequence[str]) -> tuple[Cube, LabelMap] | None:
    """Make the synthetic scene where that is what the argument asks for, as large as it says.

    Raises
    ------
    SettingError
        Where the scene cannot have that size.
    """
    size = re.fullmatch(r"built-in(?::(\d{1,6})x(\d{1,6}))?", " ".join(scene))
    if size is None:
        return None
    from napari_ssamamba.data.sample import sample_scene

    return sample_scene() if size[1] is None else sample_scene(int(size[1]), int(size[2]))


def stand_in(
    labels: Sequence[str], split: Sequence[str], library: Path | None
) -> tuple[Cube, LabelMap]:
    """Make a stand-in for a label map, as `fill_label_map` says.

    Parameters
    ----------
    labels : sequence of str
        Class raster.
    split : sequence of str
        As of ``--split``; a map of test pixels is filled, too.
    library : Path or None

    Returns
    -------
    cube : Cube
    labels : LabelMap
        Those of the option ``--labels`` alone.

    Raises
    ------
    SettingError, LabelsError, FileFormatError, AmbiguousFileError
    """
    from napari_ssamamba.data.reference import read_labels
    from napari_ssamamba.data.sample.filled_map import fill_label_map
    from napari_ssamamba.data.spectral_library import read_library

    if library is None:
        raise SettingError(
            "--library", "nothing", "name a spectral library with several spectra a class."
        )
    paths, variable = files_and_variable("--labels", labels)
    given = shown = read_labels(paths, None, variable=variable)
    if list(split) not in (["random"], ["disjoint"]):
        paths, variable = files_and_variable("--split", split)
        test = read_labels(paths, None, variable=variable)
        if test.ids.shape != given.ids.shape:
            sizes = (" × ".join(str(n) for n in m.ids.shape) for m in (test, given))
            raise LabelsError(
                "--split: {} pixels where --labels has {}. Give maps of one size.".format(*sizes)
            )
        shown = replace(given, ids=np.where(given.ids > 0, given.ids, test.ids))
    return follow(fill_label_map(shown, read_library(library))), given
