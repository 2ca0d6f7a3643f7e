"""Work of before on the scene that is open, offered to be brought back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from qtpy.QtCore import QObject, Signal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from napari_ssamamba.gui.workflow import Workflow


class OfferedWork(QObject):
    """One kind of work that was kept; what it is, a subclass says.

    Parameters
    ----------
    workflow : Workflow
        Its Qt parent.

    Attributes
    ----------
    where : str
        What the user restores, and the section to do it in.
    offered : sequence
        What is kept of the scene that is open, but for what is shown; changed last first.
    used : set of Path
        What is about to be brought back: it stays, whatever else goes to make room.
    """

    where: ClassVar[str]

    offered_changed = Signal()

    def __init__(self, workflow: Workflow) -> None:
        super().__init__(workflow)
        self.offered: Sequence[Any] = []
        self.used: set[Path] = set()
        self._workflow = workflow
        self._session = workflow.session

    # --- for subclasses --------------------------------------------------------------------

    def listed(self) -> Sequence[Any]:
        """Return what is kept of the scene that is open, but for what is shown."""
        raise NotImplementedError

    def bring_back(self, kept: Any, then: Callable[[], None]) -> None:
        """Show what was kept in the place of what is there, which is kept, too.

        Parameters
        ----------
        kept : object
            One of those offered.
        then : callable
            To be called when it is there.
        """
        raise NotImplementedError

    # --- offering --------------------------------------------------------------------------

    def restore(self, kept: Any, then: Callable[[], None] | None = None) -> None:
        """Bring back what was kept.

        Parameters
        ----------
        kept : object
            One of those offered.
        then : callable, optional
            Called when it is there.
        """

        def is_there() -> None:
            self.used.clear()
            if then is not None:
                then()

        self.used.add(kept.path)
        self.bring_back(kept, is_there)

    def _give_up(self) -> None:
        """Let go what could not be brought back, or was not wanted any more."""
        self.used.clear()
        self.list_again()

    def offer(self) -> str:
        """Say what can be restored, and where; nothing where there is nothing."""
        return f"{self.where} ({self.offered[0].short})" if self.offered else ""

    def list_again(self) -> None:
        """Look at what is kept of the scene."""
        self.offered = self.listed()
        self.offered_changed.emit()
