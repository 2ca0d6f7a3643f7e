"""The section Suspect labels: training labels that the others contradict."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import QComboBox, QFormLayout, QPushButton

from napari_ssamamba.gui.labelling_jobs import CHECK
from napari_ssamamba.gui.map_panel import MEMBERS
from napari_ssamamba.gui.step_panel import SKIP_KEY, StepPanel

if TYPE_CHECKING:
    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.prediction.mixer import Members
    from napari_ssamamba.session import Session

ERASE_KEY = "Delete"

ASKED = MEMBERS | {"the spectral expert alone": "expert"}
"""Who says what a label should be, as the user reads it."""

SAID_BY: dict[Members, str] = {
    "mixed": "network and spectral expert out of fold (the network counts {share:.0f} %)",
    "expert": "the spectral expert alone, out of fold",
    "network": "the network alone, out of fold",
}


class SuspectsPanel(StepPanel):
    """Shows the labels that may be wrong, and asks to put them right.

    Parameters
    ----------
    session : Session
    workflow : Workflow
    """

    def __init__(self, session: Session, workflow: Workflow) -> None:
        self._suspects = session.suspects
        super().__init__(session, workflow, session.suspects, CHECK)
        self.find.setText("Chec&k training labels")
        self.find.setToolTip(
            "Compare each label with what a classifier says of it that has learned from labels "
            "elsewhere only: the expert is fitted five times, the network trained three times"
        )
        self.members = QComboBox()
        for text, value in ASKED.items():
            self.members.addItem(text, value)
        self.members.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.members.setToolTip(
            "Who says what a label should be: network and expert as in a map, which takes about as "
            "long as a training, or one of them; the expert takes seconds"
        )
        self.members.currentIndexChanged.connect(
            lambda _: self._suspects.ask(self.members.currentData())
        )
        form = QFormLayout()
        form.addRow("&Ask", self.members)
        self.search.insertLayout(0, form)
        self.find.clicked.connect(workflow.labelling.check)
        self.list.setAccessibleName("Suspect labels")
        self.list.setToolTip(
            "Labels that the others contradict, the surest first; Enter relabels one"
        )
        self.skip.setText("&Keep")
        self.skip.setToolTip(f"Leave the label as it is ({SKIP_KEY})")
        self.erase = QPushButton("Re&move label")
        self.erase.setToolTip(f"Take the label away from the pixel ({ERASE_KEY})")
        self.erase.clicked.connect(partial(self._ask, session.suspects.erase))
        self.deciding.append(self.erase)
        shortcut = QShortcut(QKeySequence(ERASE_KEY), self)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(self.erase.click)
        self.buttons.addWidget(self.erase, 2, 1)
        self.buttons.addWidget(self.undo, 3, 0, 1, 2)
        self._show()

    def missing(self) -> str:
        """Say what is missing for a check."""
        return self._suspects.missing()

    def summary(self) -> str:
        """Say how many labels are suspect, and how they were checked."""
        checked = self._suspects.checked
        if checked is None:
            return ""
        suspects, n = len(self._suspects.pixels), len(checked.pixels)
        of = f"{n:,}" if n == checked.of else f"{n:,} random ones of {checked.of:,}"
        by = SAID_BY[checked.members].format(share=100 * checked.network_share)
        text = f"{suspects:,} of {of} labels are suspect, by {by}."
        if unknown := int((checked.predicted == 0).sum()):
            text += f" {unknown} could not be checked: no other label of their class."
        return f"{text} Labels or bands changed since." if self._suspects.outdated else text

    def line(self, position: int) -> str:
        """Describe a suspect in a few words."""
        label, said, confidence, _ = self._about(position)
        return f"{label} → {said} {confidence:.2f}"

    def sentence(self, position: int) -> str:
        """Say why a label is suspect."""
        label, said, confidence, own = self._about(position)
        row, column = self._suspects.pixel(position)
        return (
            f"Row {row}, column {column}: labelled {label}, which the other labels find "
            f"{own:.2f} probable; {said} {confidence:.2f}"
        )

    def accept_text(self, name: str) -> str:
        """Say what accepting does."""
        return f"Relabel as {name}"

    def _about(self, position: int) -> tuple[str, str, float, float]:
        """Return the names of the label and of what contradicts it, and their probabilities."""
        checked, i = self._suspects.checked, self._suspects.index(position)
        if checked is None:
            return "", "", 0.0, 0.0
        label, said = (self.name(int(ids[i])) for ids in (checked.ids, checked.predicted))
        return label, said, float(checked.confidence[i]), float(checked.label_probability[i])
