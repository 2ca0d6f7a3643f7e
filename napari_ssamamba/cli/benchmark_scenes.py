"""``ssamamba benchmark --scene``: large scenes in a real window, on stand-ins made for it."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.cli.report import follow
from napari_ssamamba.cli.viewer import INSTALL, has_viewer, run_window
from napari_ssamamba.data.downloads import CACHE
from napari_ssamamba.data.labels import LabelMap, draw_training_pixels
from napari_ssamamba.data.sample.stand_in import plan_stand_in, write_stand_in
from napari_ssamamba.errors import FileFormatError, SettingError, SSAMambaError
from napari_ssamamba.prediction.benchmark import Row
from napari_ssamamba.project.user_data import DATA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_ssamamba.data.sample.stand_in import Interleave

BENCH = "napari_ssamamba.plugin.scene_benchmark"
"""Started as a program: the command line imports nothing of the window's."""

GOALS = {
    "first composite, s": 2.0,
    "opening: memory added at most, MB": 150.0,
    "a band, longest ms": 200.0,
    "training: memory added at most, MB": 500.0,
    "previews' share of the training, %": 15.0,
    "first view of the map, s": 1.0,
    "mapping: memory added at most, MB": 500.0,
}
"""What the figures should be at most on a scene of 3 GB."""

CLICKS = "audit clicks: "
"""What the figures of clicks and keys begin with."""

ANSWER_MS = 300.0
"""Within which each is to be answered."""

LABELS_A_CLASS = 10

COST = "a pixel, µs"


def measure_scenes(
    sizes: Sequence[str],
    interleave: Interleave,
    seconds: float,
    labels: Path | None,
    library: Path | None,
    geotiff: bool = False,
) -> list[Row]:
    """Measure the plugin on stand-ins of some sizes, each in a window of its own.

    Parameters
    ----------
    sizes : sequence of str
        ``ROWSxCOLUMNSxBANDS``.
    interleave : {"bsq", "bil", "bip"}
    seconds : float
        How long each is mapped, twice.
    labels : Path or None
        Class raster that gives the geometry.
    library : Path or None
        Spectral library that gives the spectra.
    geotiff : bool
        Whether they are compressed GeoTIFFs and not ENVI files.

    Returns
    -------
    list of Row
        Of each scene its figures, each with the ratio to its goal, or to the first scene.

    Raises
    ------
    SettingError
        For a size that cannot be read.
    SSAMambaError
        Where there is no window, or too little room for the stand-in.
    """
    shapes = [parse_size(text) for text in sizes]
    if not has_viewer():
        raise SSAMambaError(f"The window needs napari and Qt. {INSTALL}")
    geometry = None if labels is None else _read_geometry(labels)
    spectra = None if library is None else _read_library(library)
    rows: list[Row] = []
    first: dict[str, float] = {}
    for shape in shapes:
        name = " × ".join(str(n) for n in shape) + f" {interleave}" + " GeoTIFF" * geotiff
        check_room(name, shape, files=2 if geotiff else 1)
        with tempfile.TemporaryDirectory(prefix="ssamamba-") as folder:
            scene = Path(folder) / ("stand-in.tif" if geotiff else "stand-in.img")
            plan = plan_stand_in(*shape, labels=geometry, library=spectra)
            follow(write_stand_in(scene, plan, interleave))
            training = draw_training_pixels(LabelMap(plan.ids, plan.classes), LABELS_A_CLASS, 0)
            figures = _in_window(scene, training, seconds)
        for figure, value in figures.items():
            is_act = figure.startswith(CLICKS) and figure.endswith(", ms")
            goal = ANSWER_MS if is_act else GOALS.get(figure)
            ratios = {} if goal is None else {"goal": value / goal}
            if figure == COST:
                ratios["first scene"] = value / first.setdefault(figure, value)
            text, _, unit = figure.rpartition(", ")
            rows.append(Row(f"{name}: {text or figure}", value, unit if text else "", ratios))
    return rows


def check_room(name: str, shape: tuple[int, int, int], files: int = 1) -> None:
    """Check that a stand-in, in so many files, has room on the disk.

    Raises
    ------
    SSAMambaError
    """
    needed, free = 2 * files * int(np.prod(shape)), shutil.disk_usage(tempfile.gettempdir()).free
    if needed > 0.9 * free:
        raise SSAMambaError(
            f"A stand-in of {name} takes {needed / 1e9:.1f} GB, and {tempfile.gettempdir()} "
            f"has {free / 1e9:.1f} GB left. Set TMPDIR to a folder with more room."
        )


def parse_size(text: str) -> tuple[int, int, int]:
    """Read ``ROWSxCOLUMNSxBANDS``.

    Raises
    ------
    SettingError
    """
    found = re.fullmatch(r"(\d{1,6})[x×](\d{1,6})[x×](\d{1,4})", text.replace(" ", ""))
    if found is None or 0 in (sizes := tuple(int(n) for n in found.groups())):
        raise SettingError("--scene", text, "give ROWSxCOLUMNSxBANDS, e.g. 1580x3750x256.")
    rows, columns, bands = sizes
    return rows, columns, bands


def _in_window(scene: Path, ids: NDArray[np.uint16], seconds: float) -> dict[str, float]:
    """Run the measurement as a program with a window, on a virtual display where there is none."""
    labels, out = scene.with_name("labels.npy"), scene.with_name("figures.json")
    np.save(labels, ids)
    own = {CACHE: str(scene.parent / "cache"), DATA: str(scene.parent / "data")}
    run_window(BENCH, str(scene), str(labels), f"{seconds:g}", str(out), environment=own)
    if not out.exists():
        raise SSAMambaError("The window was closed before all was measured.")
    figures: dict[str, float] = json.loads(out.read_text(encoding="utf-8"))
    return figures


def _read_geometry(path: Path) -> NDArray[np.uint16]:
    from napari_ssamamba.data.reference import read_labels

    return read_labels(path, None).ids


def _read_library(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read a spectral library: wavelengths in nm, ascending, and reflectances, 0 to 1."""
    from napari_ssamamba.data.spectral_library import read_library

    library = read_library(path)
    if library.wavelengths is None:
        raise FileFormatError(path, "it has no wavelengths", "Give a library with wavelengths.")
    order = np.argsort(library.wavelengths)
    spectra = np.nan_to_num(library.spectra[:, order], nan=0.0)
    most = max(float(spectra.max()), 1.0)  # of libraries in percent or counts
    return library.wavelengths[order], spectra / most
