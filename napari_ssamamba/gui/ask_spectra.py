"""A question for some spectra of a large library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QRegularExpression, QSortFilterProxyModel, Qt
from qtpy.QtGui import QStandardItem, QStandardItemModel
from qtpy.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListView,
    QPushButton,
    QVBoxLayout,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtWidgets import QWidget

CHECKED, UNCHECKED = Qt.CheckState.Checked, Qt.CheckState.Unchecked


class AskSpectra(QDialog):
    """Let the user check spectra by name; what a filter hides stays checked.

    It can only be accepted where one is checked, and no more than may be.

    Parameters
    ----------
    names : sequence of str
        None is checked to begin with.
    most : int
        How many may be chosen.
    parent : QWidget, optional
    """

    def __init__(self, names: Sequence[str], most: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Spectra to compare with")
        self._most = most
        self.filter = QLineEdit()
        self.filter.setClearButtonEnabled(True)
        self.filter.setPlaceholderText("Words of the name")
        self.filter.setToolTip("List the spectra whose names hold all of these words")
        self.filter.textChanged.connect(self._filter)
        self._items = QStandardItemModel(self)
        for name in names:
            item = QStandardItem(name)
            item.setToolTip(name)
            item.setEditable(False)
            item.setCheckable(True)
            self._items.appendRow(item)
        self._items.itemChanged.connect(self._tell)
        self._listed = QSortFilterProxyModel(self)
        self._listed.setSourceModel(self._items)
        self.list = QListView()
        self.list.setModel(self._listed)
        self.list.setUniformItemSizes(True)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.setAccessibleName("Spectra of the library")
        self.list.setToolTip("Check those to compare with; the space bar checks too")
        self.all = QPushButton("Check &all listed")
        self.all.setToolTip(
            f"Check every spectrum that the filter lists, where that is {most} at most"
        )
        self.all.setAutoDefault(False)
        self.all.clicked.connect(self._check_listed)
        self.none = QPushButton("&Uncheck all")
        self.none.setToolTip("Uncheck every spectrum, listed or not")
        self.none.setAutoDefault(False)
        self.none.clicked.connect(self._uncheck)
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.add = self.buttons.addButton("A&dd", QDialogButtonBox.ButtonRole.AcceptRole)
        self.add.setToolTip("Lay the checked spectra beside those of the scene")
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self._lay_out()
        self._tell()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.addRow("&Filter", self.filter)
        row = QHBoxLayout()
        row.addWidget(self.all)
        row.addWidget(self.none)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.list, 1)
        layout.addLayout(row)
        layout.addWidget(self.message)
        layout.addWidget(self.buttons)
        self.add.setDefault(True)  # a dialog knows its default only once it holds its buttons
        self.filter.setFocus()
        self.resize(460, 420)

    def chosen(self) -> list[int]:
        """Return the positions of the checked names."""
        items = map(self._items.item, range(self._items.rowCount()))
        return [row for row, item in enumerate(items) if item.checkState() == CHECKED]

    def _filter(self, text: str) -> None:
        every = "".join(f"(?=.*{QRegularExpression.escape(word)})" for word in text.split())
        ignoring = QRegularExpression.PatternOption.CaseInsensitiveOption
        self._listed.setFilterRegularExpression(QRegularExpression(every, ignoring))
        self.list.setCurrentIndex(self._listed.index(0, 0))  # for the keyboard
        self._tell()

    def _check_listed(self) -> None:
        for row in range(self._listed.rowCount()):
            index = self._listed.mapToSource(self._listed.index(row, 0))
            self._items.itemFromIndex(index).setCheckState(CHECKED)

    def _uncheck(self) -> None:
        for row in self.chosen():
            self._items.item(row).setCheckState(UNCHECKED)

    def _tell(self, *_: object) -> None:
        """Say how many are checked, and where that is too many."""
        n, total, listed = len(self.chosen()), self._items.rowCount(), self._listed.rowCount()
        text = f"{n:,} of {total:,} checked"
        if listed < total:
            text += f", {listed:,} listed"
        if n > self._most:
            text += f". {self._most} at most can be told apart: uncheck {n - self._most:,}"
        self.message.setText(f"{text}.")
        self.all.setEnabled(0 < listed <= self._most)
        self.none.setEnabled(n > 0)
        self.add.setEnabled(0 < n <= self._most)
