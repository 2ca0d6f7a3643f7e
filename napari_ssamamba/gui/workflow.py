"""Starts the jobs that the widgets ask for, and hands their results to the session."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from napari_ssamamba.data.classes import UNLABELLED
from napari_ssamamba.errors import AmbiguousFileError, OtherBandsError, SSAMambaError
from napari_ssamamba.events import Notice, Progress
from napari_ssamamba.gui.attention_jobs import AttentionJobs
from napari_ssamamba.gui.attribution_jobs import AttributionJobs
from napari_ssamamba.gui.audit_jobs import AuditJobs
from napari_ssamamba.gui.curve_jobs import CurveJobs
from napari_ssamamba.gui.fixing_jobs import FixingJobs
from napari_ssamamba.gui.job import Job
from napari_ssamamba.gui.kept_work import KeptWork
from napari_ssamamba.gui.labelling_jobs import LabellingJobs
from napari_ssamamba.gui.mapping_jobs import MappingJobs
from napari_ssamamba.gui.scene_jobs import SceneJobs
from napari_ssamamba.gui.training_jobs import TrainingJobs
from napari_ssamamba.gui.writing import WRITE, Writing

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.labels import LabelMap
    from napari_ssamamba.session import Session

logger = logging.getLogger(__name__)

OTHER_NAMES = (
    "Classes are compared by their id, and the reference names some otherwise: {}. Where they are "
    "other classes, import the labels with the reference's ids, or draw them from the reference."
)
"""Told of a reference that contradicts the class table."""

SECONDS_TO_END = 30.0
"""How long `Workflow.shut_down` waits for the threads; they end within one step."""


class Workflow(QObject):
    """All that takes time, one job of a kind at a time.

    Kinds are ``"open"``, ``"labels"`` and those of the parts. Starting a kind anew cancels its
    older job, whose late events are dropped.

    Parameters
    ----------
    session : Session
    parent : QObject, optional

    Attributes
    ----------
    scene : SceneJobs
    training : TrainingJobs
    mapping : MappingJobs
    audit : AuditJobs
    attention : AttentionJobs
    curves : CurveJobs
    attribution : AttributionJobs
    labelling : LabellingJobs
    fixing : FixingJobs
    kept : KeptWork
    writing : Writing
    """

    job_started = Signal(str, object)
    """Kind and `Job`."""
    job_progressed = Signal(str, object)
    """Kind and `Progress`."""
    job_ended = Signal(str, str)
    """Kind, and ``"done"``, ``"cancelled"`` or ``"failed"``."""
    told = Signal(str, str)
    """``"error"`` or ``"info"``, and what the user should read."""
    asked = Signal(object, object)
    """The `AmbiguousFileError` of a file, and what opens it again: a callable that takes the
    chosen option as a keyword."""

    other_bands = Signal(object)
    """The `OtherBandsError` of a model whose bands could be matched to those of the scene."""

    discarding = Signal(object, int, object)
    """A `Cube` that was opened, how many labelled pixels of the scene that is shown would be lost,
    and what shows it: a callable. Whoever does not call it keeps all as it was."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self._jobs: dict[str, Job] = {}
        self._ending: list[Job] = []  # cancelled, and perhaps in their last step
        self._generation = 0
        self._on_stop: dict[str, Callable[[], None]] = {}
        self.scene = SceneJobs(self)
        self.training = TrainingJobs(self)
        self.mapping = MappingJobs(self)
        self.audit = AuditJobs(self)
        self.attention = AttentionJobs(self)
        self.curves = CurveJobs(self)
        self.attribution = AttributionJobs(self)
        self.labelling = LabellingJobs(self)
        self.fixing = FixingJobs(self)
        self.kept = KeptWork(self)
        self.writing = Writing(self)

    def job(self, kind: str) -> Job | None:
        """Return the job of a kind that runs, if any."""
        return self._jobs.get(kind)

    def open(self, paths: Sequence[Path], **options: Any) -> None:
        """Open a scene from its files; options as `napari_ssamamba.data.readers.open_cube`."""

        def opening() -> Generator[Progress, None, Cube]:
            from napari_ssamamba.data.readers import open_cube

            yield Progress(text=f"Opening {paths[0].name}")
            return open_cube(list(paths), **options)

        again = partial(self.open, paths, **options)
        self.run("open", "Opening the scene", opening, on_result=self._show_cube, open_again=again)

    def open_sample(self, name: str | None = None) -> None:
        """Open the built-in scene, or fetch one of `napari_ssamamba.data.downloads.SAMPLES`."""

        def making() -> Generator[Progress, None, Any]:
            if name is not None:
                from napari_ssamamba.data.downloads import download_sample

                return (yield from download_sample(name))
            from napari_ssamamba.data.sample import sample_scene

            yield Progress(text="Making the synthetic scene")
            return sample_scene()

        self.run("open", "Opening the sample", making, on_result=self._show_sample)

    def import_labels(self, paths: Sequence[Path], *, as_reference: bool, **options: Any) -> None:
        """Read labels or a reference; options as `napari_ssamamba.data.reference.read_labels`."""
        cube = self.session.cube

        def reading() -> Generator[Progress, None, LabelMap]:
            from napari_ssamamba.data.reference import read_labels

            yield Progress(text=f"Reading {paths[0].name}")
            return read_labels(paths, cube, **options)

        again = partial(self.import_labels, paths, as_reference=as_reference, **options)
        take = self._take_reference if as_reference else self.session.set_labels
        self.run("labels", "Reading labels", reading, on_result=take, open_again=again)

    def request(self, change: Callable[[], Any]) -> bool:
        """Ask the session for a quick change; where it is refused, tell why and return False."""
        try:
            change()
        except SSAMambaError as error:
            self.told.emit("error", str(error))
            return False
        return True

    def prepared(
        self, prepare: Callable[[], Generator[Progress, None, Any]]
    ) -> Callable[[], Generator[Progress, None, Any]] | None:
        """Take a snapshot now; where something is missing, tell what, and return None."""
        try:
            generator = prepare()
        except SSAMambaError as error:
            if isinstance(error, OtherBandsError) and error.can_match:
                self.other_bands.emit(error)
            else:
                self.told.emit("error", str(error))
            return None
        return lambda: generator

    def run(
        self,
        kind: str,
        title: str,
        start: Callable[[], Generator[Progress, None, Any]],
        *,
        on_result: Callable[[Any], None],
        on_event: Callable[[Any], None] | None = None,
        on_stop: Callable[[], None] | None = None,
        open_again: Callable[..., None] | None = None,
    ) -> None:
        """Start a job, and hand what comes of it to the callables, in the main thread.

        Parameters
        ----------
        kind : str
            Its older job is cancelled.
        title : str
            What the user reads, e.g. ``"Training"``.
        start : callable
            Makes the generator, in the thread.
        on_result, on_event : callable
            Called with the result, and with each event that is not skipped.
        on_stop : callable, optional
            Called where the job is cancelled or fails.
        open_again : callable, optional
            See `asked`.
        """
        self.cancel(kind)
        self._generation += 1
        job = Job(title, start, self._generation)
        self._jobs[kind] = job
        relay = _Relay(self, kind, job, on_event, on_result, open_again)
        job.job_signals.progressed.connect(relay.progressed)
        job.job_signals.returned.connect(relay.returned)
        job.job_signals.errored.connect(relay.errored)
        job.job_signals.finished.connect(relay.deleteLater)
        self._on_stop[kind] = on_stop or _nothing
        self.job_started.emit(kind, job)
        job.start()

    def cancel(self, kind: str) -> None:
        """Ask a job to end after its current step; nothing happens where there is none."""
        job = self._jobs.pop(kind, None)
        if job is not None:
            job.quit()
            self._ending = [j for j in self._ending if not j.wait(0)] + [job]
            self._end(kind, "cancelled")

    def pause(self, kind: str, paused: bool) -> None:
        """Hold a job after its current step, or let it go on."""
        if job := self._jobs.get(kind):
            job.pause() if paused else job.resume()

    def shut_down(self) -> bool:
        """Cancel every job but what writes, keep what is not in a file, wait for the threads.

        Returns
        -------
        bool
            Whether all threads ended in time.
        """
        jobs = [*self._jobs.values(), *self._ending]
        self._jobs = {kind: job for kind, job in self._jobs.items() if kind == WRITE}
        for job in jobs:
            if job not in self._jobs.values():
                job.quit()
        self.kept.flush()  # first: whoever has no patience with a window that closes loses nothing
        ended = [job.wait(SECONDS_TO_END) for job in jobs]
        self.writing.finish()
        return all(ended)

    # --- internals -------------------------------------------------------------------------

    def is_current(self, kind: str, job: Job) -> bool:
        """Tell whether a job is the newest of its kind and was not cancelled."""
        return self._jobs.get(kind) is job

    def finish(self, kind: str, how: str) -> None:
        """Forget a job that ended by itself."""
        self._jobs.pop(kind, None)
        self._end(kind, how)

    def _end(self, kind: str, how: str) -> None:
        stop = self._on_stop.pop(kind, _nothing)
        if how != "done":
            stop()
        self.job_ended.emit(kind, how)

    def _show_cube(self, cube: Cube, reference: LabelMap | None = None) -> None:
        """Show a scene, but ask where labels of the last one would be lost.

        Any labelled pixel counts: napari saves a layer without telling, so that what is not in a
        file yet is not known.
        """
        labels = self.session.labels
        n_labelled = 0 if labels is None else int((labels != UNLABELLED).sum())
        if n_labelled:
            self.discarding.emit(cube, n_labelled, partial(self._replace_cube, cube, reference))
        else:
            self._replace_cube(cube, reference)

    def _replace_cube(self, cube: Cube, reference: LabelMap | None) -> None:
        """Show a scene; what was computed on the last one would not fit it."""
        self.mapping.stop()  # what is mapped of that one is kept
        for kind in [kind for kind in self._jobs if kind != WRITE]:
            self.cancel(kind)
        self.session.open_cube(cube)
        if reference is not None:
            self.session.set_reference(reference)

    def _take_reference(self, reference: LabelMap) -> None:
        self.session.set_reference(reference)
        if differing := reference.classes.differing(self.session.classes):
            self.told.emit("info", OTHER_NAMES.format(differing))
        self.mapping.assess()
        self.audit.confuse()

    def _show_sample(self, scene: Any) -> None:
        self._show_cube(*scene)


class _Relay(QObject):
    """Receives one job's signals in the main thread, and drops them once it is outdated."""

    def __init__(
        self,
        workflow: Workflow,
        kind: str,
        job: Job,
        on_event: Callable[[Any], None] | None,
        on_result: Callable[[Any], None],
        open_again: Callable[..., None] | None,
    ) -> None:
        super().__init__(workflow)
        self._workflow = workflow
        self._kind = kind
        self._job = job
        self._on_event = on_event
        self._on_result = on_result
        self._open_again = open_again

    def progressed(self, event: Progress) -> None:
        """Pass an event on."""
        if self._workflow.is_current(self._kind, self._job):
            if isinstance(event, Notice):
                self._workflow.told.emit("info", event.text)
            if self._on_event is not None:
                self._on_event(event)
            self._workflow.job_progressed.emit(self._kind, event)

    def returned(self, result: Any) -> None:
        """Pass the result on."""
        if self._workflow.is_current(self._kind, self._job):
            self._workflow.finish(self._kind, "done")
            try:
                self._on_result(result)
            except SSAMambaError as error:
                self._workflow.told.emit("error", str(error))

    def errored(self, error: Exception) -> None:
        """Say what went wrong, or ask what only the user knows."""
        if not self._workflow.is_current(self._kind, self._job):
            return
        self._workflow.finish(self._kind, "failed")
        if not isinstance(error, SSAMambaError):
            logger.error("%s stopped", self._job.title, exc_info=error)
        if isinstance(error, AmbiguousFileError) and self._open_again is not None:
            self._workflow.asked.emit(error, self._open_again)
        else:
            self._workflow.told.emit("error", message_of(self._job.title, error))


def message_of(title: str, error: Exception) -> str:
    """Say what went wrong and what to do, for the user: our own errors speak for themselves."""
    if isinstance(error, SSAMambaError):
        return str(error)
    if isinstance(error, MemoryError) or "out of memory" in str(error):
        return (
            f"{title} stopped, as there is too little memory ({error}). Close other programs, or "
            "choose the device cpu or a smaller network, and try again."
        )
    if isinstance(error, OSError):
        place = f" ({error.filename})" if error.filename else ""
        return (
            f"{title} stopped: {error.strerror or error}{place}. What was there before is kept. "
            "Choose another folder or free some space, and try again."
        )
    return (
        f"{title} stopped by a fault of the program: {type(error).__name__}: {error}. What was "
        "there before is kept. Try again; if it stops again, report it with the text on the "
        "terminal."
    )


def _nothing() -> None:
    """Undo nothing."""
