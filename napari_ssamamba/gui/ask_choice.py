"""A question with a list of answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDialog, QDialogButtonBox, QLabel, QListWidget, QVBoxLayout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtWidgets import QWidget


class AskChoice(QDialog):
    """Let the user choose one of several answers; a double click or Enter accepts.

    Parameters
    ----------
    question : str
    answers : sequence of str
        The first is chosen to begin with.
    accept : str
        What the accepting button says.
    parent : QWidget, optional
    """

    def __init__(
        self, question: str, answers: Sequence[str], accept: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("SSA-Mamba")
        text = QLabel(question)
        text.setWordWrap(True)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.answers = QListWidget()
        self.answers.setToolTip("Choose one of these")
        self.answers.addItems(list(answers))
        self.answers.setCurrentRow(0)
        self.answers.itemDoubleClicked.connect(lambda _: self.accept())
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        button = buttons.addButton(accept, QDialogButtonBox.ButtonRole.AcceptRole)
        button.setToolTip(f"{accept} with the chosen answer")
        button.setEnabled(bool(answers))
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(text)
        layout.addWidget(self.answers)
        layout.addWidget(buttons)
        button.setDefault(True)  # a dialog knows its default only once it holds its buttons
        self.resize(460, 260)

    def chosen(self) -> int:
        """Return the index of the chosen answer."""
        return int(self.answers.currentRow())
