"""What long work tells while it runs.

Long work is a generator: it yields `Progress` events, or subclasses that carry results so far, and
returns its result. Closing the generator cancels it; not asking for the next event pauses it.
"""

from __future__ import annotations

from dataclasses import dataclass


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
    """

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
