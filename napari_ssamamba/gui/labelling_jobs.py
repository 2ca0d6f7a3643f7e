"""The jobs about labels: what to label next, and which labels are suspect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

if TYPE_CHECKING:
    from napari_ssamamba.audit.suspects import OutOfFold
    from napari_ssamamba.gui.workflow import Workflow

SUGGEST, CHECK = "suggestions", "check of the labels"
"""Kinds of job, see `Workflow`."""


class LabellingJobs(QObject):
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

    def suggest(self) -> None:
        """Find out what to label next."""
        suggestions = self._session.suggestions
        if run := self._workflow.prepared(suggestions.run):
            take = suggestions.set_found
            self._workflow.run(SUGGEST, "Suggesting what to label", run, on_result=take)

    def check(self) -> None:
        """Check the training labels by one another."""
        if run := self._workflow.prepared(self._session.suspects.run):
            self._workflow.run(CHECK, "Checking the labels", run, on_result=self._take_checked)

    def _take_checked(self, checked: OutOfFold) -> None:
        self._session.suspects.set_checked(checked)
        if self._session.audit.truth == "training":
            self._workflow.audit.confuse()
