from __future__ import annotations

import gc

from psygnal import Signal, SignalGroup
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QApplication, QWidget

from napari_ssamamba.gui.connections import connect
from napari_ssamamba.gui.dock import PlotsDock


class Events(SignalGroup):
    changed = Signal()


class Counter(QWidget):
    def __init__(self, events: Events) -> None:
        super().__init__()
        self.heard = 0
        connect(self._hear, events.changed)

    def _hear(self) -> None:
        self.heard += 1


def test_a_widget_that_qt_destroyed_is_called_no_more(qtbot):
    events = Events()
    held, other = Counter(events), Counter(events)
    qtbot.addWidget(other)
    events.changed.emit()
    held.deleteLater()
    QApplication.sendPostedEvents(held, QEvent.Type.DeferredDelete)
    events.changed.emit()
    assert (held.heard, other.heard) == (1, 2)


def test_docks_come_and_go_while_the_session_stays(qtbot, workflow):
    for _ in range(3):
        plots = PlotsDock(workflow.session, workflow)
        plots.show()
        plots.setCurrentWidget(plots.attention)
        plots.deleteLater()
        QApplication.sendPostedEvents(plots, QEvent.Type.DeferredDelete)
        del plots
        gc.collect()
        workflow.session.events.cube.emit()
        workflow.session.events.picked.emit()
