"""One class that runs every long task in a thread of its own."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QThreadPool, Signal
from superqt.utils import WorkerBase
from superqt.utils._qthreading import WorkerBaseSignals

from napari_ssamamba.gui.cores import end_idle_threads, leave_to_jobs, take_back
from napari_ssamamba.gui.freed_memory import give_back

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from napari_ssamamba.events import Progress

SECONDS_BETWEEN_UPDATES = 0.2
"""Events that do not last are passed on at most this often: for each, Qt puts the whole window
together anew, which takes a core 50 ms where OpenGL is drawn in software."""

NICENESS = 10
"""Priority of the thread below the window's, where the system has priorities for threads."""


class JobSignals(WorkerBaseSignals):
    """Signals of a job; connect slots of objects that live in the main thread."""

    progressed = Signal(object)  # Progress
    cancelled = Signal()


class Job(WorkerBase[Any]):
    """Run a generator of `Progress` in a thread; pause it, cancel it, hear how it ended.

    Exactly one of ``returned`` (with the generator's result), ``errored`` (with the exception,
    whichever it is) and ``cancelled`` is emitted, then ``finished``. The generator is made,
    advanced and closed in the thread.

    Parameters
    ----------
    title : str
        What the user reads, e.g. ``"Training"``.
    start : callable
        Makes the generator.
    generation : int
        Counts the jobs of one kind, so that whoever listens can drop what comes from an older one.
    """

    def __init__(
        self, title: str, start: Callable[[], Generator[Progress, None, Any]], generation: int = 0
    ) -> None:
        super().__init__(SignalsClass=JobSignals)
        self.job_signals: JobSignals = self.signals
        self.title = title
        self.generation = generation
        self._start = start
        self._may_run = threading.Event()
        self._may_run.set()
        self._ended = threading.Event()
        pool = QThreadPool.globalInstance()
        # A single-core machine has a pool of one thread: a click on a pixel would wait for the
        # end of the training.
        pool.setMaxThreadCount(max(4, pool.maxThreadCount()))

    def start(self) -> None:
        """Start at once.

        The base class waits for the event loop, which may first add a scene's layers for a second.
        """
        leave_to_jobs()
        self._worker_set.add(self)
        self.signals._finished.connect(self._set_discard)
        QThreadPool.globalInstance().start(self)

    @classmethod
    def _set_discard(cls, obj: WorkerBase[Any]) -> None:
        """Forget a job that is done; once all are, the window has the cores again."""
        super()._set_discard(obj)
        if not any(isinstance(other, Job) for other in cls._worker_set):
            take_back()

    def run(self) -> None:
        """Run in the thread; called by Qt.

        The base class collects warnings by exchanging the interpreter's global filters, which two
        jobs at once would leave exchanged for good; and it drops RuntimeErrors.
        """
        self._running = True
        self.started.emit()
        try:
            result = self.work()
        except Exception as error:
            self.errored.emit(error)
        else:
            if self.abort_requested:
                self.job_signals.cancelled.emit()
            else:
                self.returned.emit(result)
        finally:
            self._running = False
            self.finished.emit()
            self.signals._finished.emit(self)
            self._ended.set()  # whoever waits for it may delete the signals

    def work(self) -> Any:
        """Advance the generator until it ends or is to end."""
        lower_thread_priority()
        generator = self._start()
        shown = 0.0
        try:
            while self._goes_on():
                event = next(generator)
                give_back()
                now = time.monotonic()
                if event.lasting or now - shown >= SECONDS_BETWEEN_UPDATES:
                    self.job_signals.progressed.emit(event)
                    shown = now
        except StopIteration as stop:
            return stop.value
        finally:
            generator.close()
            give_back(at_once=True)
            end_idle_threads()
        return None

    def _goes_on(self) -> bool:
        """Wait while paused; tell whether to take another step."""
        self._may_run.wait()
        return not self.abort_requested

    @property
    def is_paused(self) -> bool:
        """Whether the job waits for `resume`."""
        return not self._may_run.is_set()

    def pause(self) -> None:
        """Hold the work after the current step."""
        self._may_run.clear()

    def resume(self) -> None:
        """Go on after `pause`."""
        self._may_run.set()

    def quit(self) -> None:
        """Ask the work to end after the current step, also when it is paused."""
        super().quit()
        self._may_run.set()

    def wait(self, seconds: float) -> bool:
        """Block until the thread is done with the job; False where that takes longer."""
        return self._ended.wait(seconds)


def lower_thread_priority() -> None:
    """Let the window's thread go first, where the system allows it (Linux).

    The threads that torch starts from the calling thread inherit its priority.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
