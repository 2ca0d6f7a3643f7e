"""The jobs of the audit: the confusion matrix, and mean spectra."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

if TYPE_CHECKING:
    from napari_ssamamba.gui.workflow import Workflow

CONFUSION, CELL, SPECTRA = "confusion", "cell", "spectra"
"""Kinds of job, see `Workflow`."""


class AuditJobs(QObject):
    """Starts them, and hands what they find to the session.

    Parameters
    ----------
    workflow : Workflow
        Its Qt parent.
    """

    def __init__(self, workflow: Workflow) -> None:
        super().__init__(workflow)
        self._workflow = workflow
        self._session = workflow.session

    def confuse(self) -> None:
        """Compute the confusion matrix, where nothing is missing for it.

        Training labels are checked first, where they changed since that was done.
        """
        self._workflow.cancel(CONFUSION)
        suspects = self._session.suspects
        if self._session.audit.truth == "training" and not suspects.missing():
            if suspects.shown is None or suspects.outdated:
                self._workflow.labelling.check()
                return
        if (run := self._session.audit.confusion_run()) is not None:
            take = self._session.audit.set_confusion
            self._workflow.run(CONFUSION, "Confusion matrix", lambda: run, on_result=take)

    def average_cell(self) -> None:
        """Compute the mean spectrum of the audited cell, where it has pixels."""
        self._workflow.cancel(CELL)
        if (run := self._session.audit.spectrum_run()) is not None:
            take = self._session.audit.set_spectrum
            self._workflow.run(CELL, "Averaging the selection", lambda: run, on_result=take)

    def compute_class_spectra(self) -> None:
        """Compute the mean spectra of the labelled classes."""
        from napari_ssamamba.audit.spectra import class_spectra

        cube, labels = self._session.cube, self._session.labels
        if cube is not None and labels is not None:
            classes, view = self._session.classes, self._session.curves.view
            start = partial(class_spectra, cube, labels.copy(), classes, view=view)
            take = self._session.set_class_spectra
            self._workflow.run(SPECTRA, "Averaging spectra", start, on_result=take)
