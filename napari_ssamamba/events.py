"""What long work tells while it runs.

Long work is a generator: it yields `Progress` events, or subclasses that carry results so far, and
returns its result. Closing the generator cancels it; not asking for the next event pauses it.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypedDict, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

Event = TypeVar("Event")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the work is.

    Attributes
    ----------
    done, total : float
        In the work's own unit (steps, pixels, bytes); `total` is 0 where it is not known.
    text : str
        What is being done, for the user.
    seconds_left : float or None
        Estimate, None where there is none yet.
    lasting : bool
        Of the class: True where each event carries a result that nobody may miss. Of the others,
        whoever shows them may skip all but the latest.
    """

    lasting: ClassVar[bool] = False

    done: float = 0.0
    total: float = 0.0
    text: str = ""
    seconds_left: float | None = None

    @property
    def fraction(self) -> float:
        """Share done, 0 to 1; 0 where the total is not known."""
        return min(1.0, self.done / self.total) if self.total > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(Progress):
    """Something that the user should know although the work goes on, e.g. a smaller batch."""

    lasting: ClassVar[bool] = True


class ProgressFields(TypedDict):
    """The fields that every event has."""

    done: float
    total: float
    text: str
    seconds_left: float | None


class Pace:
    """How far long work is, and how long the rest will take.

    Only time spent in `working` counts: between two events a generator may have been paused.

    Parameters
    ----------
    total : float
        In the work's own unit.
    done : float
        What was done before, in no time.

    Attributes
    ----------
    done : float
        Set by the work.
    text : str
        What is being done; set by the work.
    """

    def __init__(self, total: float, done: float = 0.0) -> None:
        self.total = total
        self.done = self._before = done
        self.text = ""
        self._seconds = 0.0

    @contextmanager
    def working(self) -> Iterator[None]:
        """Count the time spent inside."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self._seconds += time.perf_counter() - begun

    def fields(self) -> ProgressFields:
        """Return the fields of an event: ``Progress(**pace.fields())``."""
        now = self.done - self._before
        left = self._seconds / now * (self.total - self.done) if now else None
        return {"done": self.done, "total": self.total, "text": self.text, "seconds_left": left}


def result_of(
    work: Generator[Event, None, Result], take: Callable[[Event], object] | None = None
) -> Result:
    """Run long work to its end and return its result.

    Parameters
    ----------
    work : generator
    take : callable, optional
        Called with each event.
    """
    while True:
        try:
            event = next(work)
        except StopIteration as end:
            result: Result = end.value
            return result
        if take is not None:
            take(event)


def retold(
    work: Generator[Event, None, Result], tell: Callable[[Event], Progress]
) -> Generator[Progress, None, Result]:
    """Run work as a part of other work, which tells of it in its own words.

    Parameters
    ----------
    work : generator
        Closed with this one.
    tell : callable
        What is told, from what the part yields.

    Yields
    ------
    Progress

    Returns
    -------
    object
        The result of `work`.
    """
    try:
        while True:
            try:
                event = next(work)
            except StopIteration as end:
                result: Result = end.value
                return result
            yield tell(event)
    finally:
        work.close()
