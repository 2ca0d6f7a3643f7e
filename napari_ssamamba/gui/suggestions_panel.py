"""The section Label next: suggestions with their reasons, and labelling them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_ssamamba.gui.labelling_jobs import SUGGEST
from napari_ssamamba.gui.step_panel import SKIP_KEY, StepPanel

if TYPE_CHECKING:
    from napari_ssamamba.audit.suggestions import Suggestion
    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.session import Session


class SuggestionsPanel(StepPanel):
    """Shows what is worth a label, and asks to label it.

    Parameters
    ----------
    session : Session
    workflow : Workflow
    """

    def __init__(self, session: Session, workflow: Workflow) -> None:
        self._suggestions = session.suggestions
        super().__init__(session, workflow, session.suggestions, SUGGEST)
        self.find.setText("Sugg&est")
        self.find.setToolTip(
            "Find pixels all over the scene whose labels would tell the model most: where two "
            "classes are nearly as probable, where no labelled spectrum is similar, and where a "
            "class with few labels is mapped"
        )
        self.find.clicked.connect(workflow.labelling.suggest)
        self.list.setAccessibleName("Suggested pixels")
        self.list.setToolTip("The pixels that are worth a label, best first; Enter labels one")
        self.skip.setToolTip(f"Leave the pixel unlabelled; it is not suggested again ({SKIP_KEY})")
        self._show()

    def missing(self) -> str:
        """Say what is missing for suggestions."""
        return self._suggestions.missing()

    def summary(self) -> str:
        """Say how many suggestions are left, or why there is none."""
        found = self._suggestions.found
        if found is None:
            return ""
        if not found:
            return "Nothing stands out: the map is sure, and all that was sampled looks familiar."
        left = f"{self._suggestions.undecided()} of {len(found)} suggestions left."
        return f"{left} The scene was mapped anew since." if self._suggestions.outdated else left

    def line(self, position: int) -> str:
        """Describe a suggestion in a few words."""
        s = self._suggestion(position)
        if s.reason == "unlike":
            return f"Unlike any label: {s.angle:.1f}° from {self.name(s.nearest)}"
        if s.reason == "rare":
            return f"Few labels: {self.name(s.mapped)} has {s.labels}"
        return f"{self.name(s.mapped)} or {self.name(s.second)}? {_odds(s)}"

    def sentence(self, position: int) -> str:
        """Say why a pixel is suggested."""
        s = self._suggestion(position)
        mapped, second = self.name(s.mapped), self.name(s.second)
        if s.reason == "unlike":
            why = (
                f"Its spectrum is {s.angle:.1f}° away from the nearest labelled one, of "
                f"{self.name(s.nearest)}; within a class up to {s.usual_angle:.1f}° is usual."
            )
        elif s.reason == "rare":
            labels = "label" if s.labels == 1 else "labels"
            why = f"{mapped} has only {s.labels} {labels}."
        else:
            why = f"{mapped} is {s.margin:.2f} ahead of {second}."
        return (
            f"Row {s.row}, column {s.column}: {why}\n"
            f"Mapped as {mapped} {s.probability:.2f}, then {second} {s.second_probability:.2f}"
        )

    def accept_text(self, name: str) -> str:
        """Say what accepting does."""
        return f"Label as {name}"

    def _suggestion(self, position: int) -> Suggestion:
        return (self._suggestions.found or ())[position]


def _odds(s: Suggestion) -> str:
    return f"{s.probability:.2f} : {s.second_probability:.2f}"
