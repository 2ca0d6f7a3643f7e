"""What was decided about a pixel that map and truth, or labels, disagree about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DecisionKind = Literal[
    "accepted", "relabelled", "marked wrong", "skipped", "labelled", "label removed"
]


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about one pixel.

    Attributes
    ----------
    row, column : int
    reference, mapped : int
        Class ids that the truth and the map give it; 0 for a pixel without a truth.
    kind : {"accepted", "relabelled", "marked wrong", "skipped", "labelled", "label removed"}
    label_before, label : int
        Its training label before and after; 0 for none.
    """

    row: int
    column: int
    reference: int
    mapped: int
    kind: DecisionKind
    label_before: int
    label: int

    @property
    def pixel(self) -> tuple[int, int]:
        """Row and column."""
        return self.row, self.column
