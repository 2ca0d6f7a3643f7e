"""The demo's result in napari: ``python -m napari_ssamamba.plugin.demo_window FOLDER [--stay]``.

A program of its own, which the command line starts: with a virtual display where there is none,
and a graphics driver that fails takes only this process along.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtGui import QImage, QPainter

from napari_ssamamba.gui.attention_jobs import PIXEL
from napari_ssamamba.gui.audit_jobs import CELL
from napari_ssamamba.gui.curve_jobs import PAIR
from napari_ssamamba.gui.fixing_jobs import EVIDENCE
from napari_ssamamba.plugin.viewers import session_of
from napari_ssamamba.plugin.waiting import run_for, run_until
from napari_ssamamba.project.user_data import DATA

if TYPE_CHECKING:
    from napari import Viewer

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.labels import LabelMap
    from napari_ssamamba.plugin.viewers import OpenSession
    from napari_ssamamba.session import Session

PLUGIN = "napari-ssamamba"
MODEL = "model.safetensors"
SIZE = 1400, 860
SECONDS_TO_DRAW = 0.7
PART_MAPPED = 0.4
"""Of the scene, when the picture of the growing map is taken."""


def main() -> None:
    """Read the arguments, show, and stay where asked to."""
    import napari

    folder, stay = Path(sys.argv[1]), "--stay" in sys.argv[2:]
    with tempfile.TemporaryDirectory(prefix="ssamamba-") as passing:
        if not stay:  # nobody works on: nothing of it is kept, and nothing of before offered
            os.environ[DATA] = passing
        viewer = napari.Viewer(show_welcome_screen=False)
        viewer.window.resize(*SIZE)
        show_result(viewer, folder)
        if stay:
            napari.run()
        viewer.close()


def show_result(viewer: Viewer, folder: Path) -> None:
    """Open the built-in scene with the demo's labels, map it with its model, and take pictures.

    Writes window-labels.png, window-mapping.png, window-map.png and window-audit.png, and
    window-audit-tabs.png with what four of the tabs show of one error.

    Parameters
    ----------
    viewer : napari.Viewer
    folder : Path
        Where ``ssamamba demo`` wrote its model.

    Raises
    ------
    CheckpointError
        Where the folder's model cannot be read.
    """
    from napari_ssamamba.project.checkpoints import load_checkpoint

    checkpoint = load_checkpoint(folder / MODEL)
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN)
    opened = session_of(viewer)
    session, workflow = opened.session, opened.workflow
    workflow.open_sample()
    run_until(lambda: session.composite_image is not None and session.reference is not None)
    if session.reference is not None:
        session.set_labels(labels_of(checkpoint, session.reference))
    run_until(lambda: len(session.class_spectra) > 0)
    _take_picture(viewer, folder / "window-labels.png")

    session.set_checkpoint(checkpoint)
    workflow.mapping.map_scene()
    run_until(lambda: session.map is not None and bool((session.map.ids > 0).mean() > PART_MAPPED))
    _take_picture(viewer, folder / "window-mapping.png")
    run_until(lambda: session.accuracy is not None)
    _pick_wrong_pixel(session)
    widget.main.scroll.ensureWidgetVisible(widget.main.map)
    _take_picture(viewer, folder / "window-map.png")
    _show_audit(viewer, opened, widget, folder)


def labels_of(checkpoint: Checkpoint, reference: LabelMap) -> LabelMap:
    """Return the reference at the pixels that a model learned from, and nothing elsewhere.

    Parameters
    ----------
    checkpoint : Checkpoint
    reference : LabelMap
        The one that its labels were drawn from.
    """
    from napari_ssamamba.data.labels import LabelMap

    ids = np.zeros_like(reference.ids)
    here = tuple(np.concatenate((checkpoint.training_pixels, checkpoint.validation_pixels)).T)
    ids[here] = reference.ids[here]
    return LabelMap(ids, reference.classes, "labels of the demo")


def _pick_wrong_pixel(session: Session) -> None:
    """Pick the pixel that the model is surest of, and wrong."""
    if session.map is None or session.reference is None:
        return
    truth = session.reference.ids
    wrong = (truth != 0) & (session.map.ids != truth)
    if wrong.any():
        surest = np.where(wrong, session.map.confidence, -1.0).argmax()
        row, column = np.unravel_index(int(surest), truth.shape)
        session.pick(int(row), int(column))


def _show_audit(viewer: Viewer, opened: OpenSession, widget: Any, folder: Path) -> None:
    """Go to the surest error of the largest confusion, and take pictures of what is known of it."""
    session, workflow, plots = opened.session, opened.workflow, widget.plots
    run_until(lambda: session.audit.confusion is not None)
    if session.audit.confusion is None or not session.audit.confusion.worst():
        return
    opened.bridge.layers["map"].visible = False
    viewer.reset_view()
    session.audit.step(1)
    viewer.scene.camera.zoom /= 2
    jobs = EVIDENCE, CELL, PAIR, PIXEL
    grabs = []
    for tab in (plots.confusion, plots.crops, plots.spectra, plots.attention):
        plots.setCurrentWidget(tab)
        run_for(SECONDS_TO_DRAW)
        run_until(lambda: not any(map(workflow.job, jobs)))
        if tab is plots.confusion:
            main = widget.main
            main.scroll.ensureWidgetVisible(main.audit.decisions)
            main.scroll.ensureWidgetVisible(main.audit.worst)
            _take_picture(viewer, folder / "window-audit.png")
        run_for(SECONDS_TO_DRAW)
        grabs.append(plots.grab().toImage())
    two_by_two(grabs).save(str(folder / "window-audit-tabs.png"))


def two_by_two(pictures: list[QImage]) -> QImage:
    """Lay four pictures of one size beside and below each other, by the screen's own pixels."""
    width, height = pictures[0].width(), pictures[0].height()
    joined = QImage(2 * width, 2 * height, QImage.Format.Format_RGB32)
    painter = QPainter(joined)
    for n, picture in enumerate(pictures):
        picture.setDevicePixelRatio(1)  # a scaled screen's count several as one
        painter.drawImage(n % 2 * width, n // 2 * height, picture)
    painter.end()
    return joined


def _take_picture(viewer: Viewer, path: Path) -> None:
    """Draw what has come, then write the whole window as PNG."""
    run_for(SECONDS_TO_DRAW)
    viewer.window.screenshot(str(path), canvas_only=False, flash=False)


if __name__ == "__main__":
    main()
