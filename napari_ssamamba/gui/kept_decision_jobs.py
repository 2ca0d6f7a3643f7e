"""Keeps decisions while they are made, in the background, and offers those of before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_ssamamba.data.classes import ClassTable
from napari_ssamamba.gui.kept_jobs import KeptJobs
from napari_ssamamba.project.kept_decisions import (
    KeptDecisions,
    are_kept,
    keep_decisions,
    kept_decisions,
)
from napari_ssamamba.project.user_data import data_folder, new_begun
from napari_ssamamba.session.renaming import adopt_classes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_ssamamba.audit.decision import Decision
    from napari_ssamamba.data.classes import LandClass
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.gui.workflow import Workflow

MILLISECONDS_TO_KEEP = 5000
"""After so long what was decided is in a file."""


@dataclass(slots=True, eq=False)
class _Decided:
    """The decisions about one scene, as they are to be written.

    Attributes
    ----------
    cube : Cube
    listed : list of Decision
        The session's own, which tells them from those about another scene.
    begun : str
        See `new_begun`.
    made, classes : tuple
        As they were when the list last changed.
    written : tuple of Decision
        What the file holds.
    kept : bool
        Whether there was a file, or one that they were restored from: so there should be one.
    restored : Path or None
        The file that they began with. It stays as it is: another window may restore it, too.
    """

    cube: Cube
    listed: list[Decision]
    begun: str
    made: tuple[Decision, ...] = ()
    classes: tuple[LandClass, ...] = ()
    written: tuple[Decision, ...] = ()
    kept: bool = False
    restored: Path | None = None

    def is_gone(self, root: Path) -> bool:
        """Tell whether another window, which made room, or the user removed what holds them."""
        is_there = self.restored is not None and self.restored.exists()
        return self.kept and not is_there and not are_kept(self.cube, root, self.begun)


class KeptDecisionJobs(KeptJobs):
    """Keeps what is decided about the scene that is open.

    Parameters
    ----------
    workflow : Workflow
    """

    what = "decisions"
    where = "decisions in Audit"
    remedy = "Free some space, or export them in the section Audit."

    def __init__(self, workflow: Workflow) -> None:
        super().__init__(workflow, MILLISECONDS_TO_KEEP)
        self._decided: _Decided | None = None
        self._session.decisions.events.made.connect(self._made)
        self._made()
        self.list_again()

    def _made(self) -> None:
        decisions, decided = self._session.decisions, self._decided
        if decided is None or decided.listed is not decisions.made:
            self._begin()
        elif decided.made != tuple(decisions.made):
            decided.made, decided.classes = tuple(decisions.made), tuple(decisions.classes())
            self.change()

    def _begin(self) -> None:
        """Write what was decided until now, and look at what is there instead."""
        self.flush()
        decisions, cube = self._session.decisions, self._session.cube
        self._decided = None
        if cube is not None:
            made = tuple(decisions.made)
            classes = tuple(decisions.classes())
            self._decided = _Decided(cube, decisions.made, new_begun(), made, classes, written=made)
        self.list_again()

    # --- keeping it ------------------------------------------------------------------------

    def write(self) -> None:
        """Write what was decided, in any thread."""
        decided, root = self._decided, data_folder()
        if decided is None:
            return
        if decided.is_gone(root) or decided.made != decided.written:
            made = decided.made
            keep_decisions(made, decided.classes, decided.cube, root, decided.begun, self.used)
            decided.written, decided.kept = made, bool(made)

    # --- bringing it back ------------------------------------------------------------------

    def bring_back(self, kept: KeptDecisions, then: Callable[[], None]) -> None:
        """Let decisions that were kept take the place of those that are listed, kept as well."""
        adopt_classes(self._session, ClassTable(kept.classes))
        self._session.decisions.restore(kept.made, kept.classes)
        self._begin()
        if self._decided is not None:
            self._decided.restored, self._decided.kept = kept.path, True
        self.list_again()
        self._workflow.told.emit("info", f"Decisions restored: {kept}.")
        then()

    def listed(self) -> list[KeptDecisions]:
        """Return what is kept, but for what is listed now or was just restored."""
        decided = self._decided
        if decided is None:
            return []
        known = kept_decisions(decided.cube, data_folder())
        return [
            kept
            for kept in known
            if kept.path.stem != decided.begun and kept.path != decided.restored
        ]
