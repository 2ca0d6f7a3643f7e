"""The jobs that find which bands decided, and what masking some does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

if TYPE_CHECKING:
    from napari_ssamamba.gui.workflow import Workflow

ATTRIBUTION, MASKING = "attribution", "masking"
"""Kinds of job, see `Workflow`."""


class AttributionJobs(QObject):
    """Starts them while someone looks, and hands what they find to the session's attribution.

    Parameters
    ----------
    workflow : Workflow
        Its Qt parent.
    """

    def __init__(self, workflow: Workflow) -> None:
        super().__init__(workflow)
        self._workflow = workflow
        self._attribution = workflow.session.attribution
        self._follows = False
        session = workflow.session
        events = session.events
        for changed in (events.cube, events.bands):
            changed.connect(self.explain)
        events.picked.connect(self._picked)
        session.audit.events.cell.connect(self._selected)
        self._attribution.events.subject.connect(self.explain)

    def follow(self, wanted: bool) -> None:
        """Explain what is chosen from now on, or no longer: it takes time."""
        self._follows = wanted
        self.explain()

    def explain(self) -> None:
        """Find which bands decided, where nothing is missing for that."""
        for kind in (ATTRIBUTION, MASKING):
            self._workflow.cancel(kind)
        self._attribution.set_found(None)
        run = self._attribution.run() if self._follows else None
        if run is not None:
            take = self._attribution.set_found
            title = "Finding which bands decided"
            self._workflow.run(ATTRIBUTION, title, lambda: run, on_result=take)

    def mask(self, low: float, high: float) -> None:
        """Map what is explained anew without some bands, from one position to another."""
        self._workflow.cancel(MASKING)
        run = self._attribution.mask_run(low, high)
        if run is not None:
            take = self._attribution.set_masking
            self._workflow.run(MASKING, "Masking bands", lambda: run, on_result=take)

    def _picked(self) -> None:
        if not self._attribution.of_selection:
            self.explain()

    def _selected(self) -> None:
        if self._attribution.of_selection:
            self.explain()
