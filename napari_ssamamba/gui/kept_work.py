"""All that is kept of the scene: labels, maps, decisions, trainings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from napari_ssamamba.gui.kept_decision_jobs import KeptDecisionJobs
from napari_ssamamba.gui.kept_label_jobs import KeptLabelJobs
from napari_ssamamba.gui.kept_map_jobs import KeptMapJobs
from napari_ssamamba.gui.kept_training_jobs import KeptTrainingJobs

if TYPE_CHECKING:
    from napari_ssamamba.gui.offered_work import OfferedWork
    from napari_ssamamba.gui.workflow import Workflow

KEPT = "Kept of this scene from before: {}."


class KeptWork(QObject):
    """Keeps the work of the user and the machine while it is done, and offers it again.

    Parameters
    ----------
    workflow : Workflow
        Its Qt parent.

    Attributes
    ----------
    labels : KeptLabelJobs
    maps : KeptMapJobs
    decisions : KeptDecisionJobs
    trainings : KeptTrainingJobs
    """

    offered = Signal(str)
    """What the user should read of what `restore_latest` would bring back, when a scene is opened
    that was worked on before."""

    def __init__(self, workflow: Workflow) -> None:
        super().__init__(workflow)
        self.labels = KeptLabelJobs(workflow)
        self.maps = KeptMapJobs(workflow)
        self.decisions = KeptDecisionJobs(workflow)
        self.trainings = KeptTrainingJobs(workflow)
        workflow.session.events.cube.connect(self._offer)

    def flush(self) -> None:
        """Write at once what is not in a file yet."""
        for kept in (self.labels, self.maps, self.decisions):
            kept.flush()

    def restore_latest(self) -> None:
        """Bring back what was kept last: the labels first, since they outdate a map."""
        steps = self._all()

        def restore_next() -> None:
            while steps:
                jobs = steps.pop(0)
                if jobs.offered:
                    jobs.restore(jobs.offered[0], restore_next)
                    return

        restore_next()

    def _all(self) -> list[OfferedWork]:
        return [self.labels, self.maps, self.decisions, self.trainings]

    def _offer(self) -> None:
        texts = (kept.offer() for kept in self._all())
        if offered := ", ".join(filter(None, texts)):
            self.offered.emit(KEPT.format(offered))
