"""Whether the session's model has learned the training labels as they are now."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from napari_ssamamba.checkpoint import Checkpoint


class LearnedLabels:
    """Follows the labels, which may change before, while and after a model learns them.

    What a model from elsewhere has learned, e.g. from a file, is not known: it is behind once
    labels change.

    Attributes
    ----------
    behind : bool
        Whether labels changed since those that the session's model was trained on.
    behind_in_training : bool
        The same of the training that runs, or of the last one.
    """

    def __init__(self) -> None:
        self.behind = self.behind_in_training = False
        self._trained: dict[str, Tensor] | None = None  # weights: they tell models apart
        self._taken: dict[str, Tensor] | None = None

    def begin_training(self, *, behind: bool = False) -> None:
        """Tell that a training takes the labels as they are now, or, behind them, of before."""
        self.behind_in_training = behind

    def trained(self, checkpoint: Checkpoint) -> Checkpoint:
        """Note that a model comes from that training, and return it."""
        self._trained = checkpoint.weights
        return checkpoint

    def take(self, checkpoint: Checkpoint) -> None:
        """Tell that a model is the session's from now on; with other bands it stays the same."""
        weights = checkpoint.weights
        if weights is not self._taken:
            self.behind = weights is self._trained and self.behind_in_training
        self._trained, self._taken = None, weights

    def labels_changed(self) -> None:
        """Tell that labels changed."""
        self.behind = self.behind_in_training = True

    def forget(self) -> None:
        """Tell that another scene is open, without labels."""
        self.behind = self.behind_in_training = False
