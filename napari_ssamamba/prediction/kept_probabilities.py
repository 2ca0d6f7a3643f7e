"""The probabilities of a mapping, written while it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from napari_ssamamba.events import retold
from napari_ssamamba.prediction.class_map import MapTile

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari_ssamamba.data.probability_store import ProbabilityStore
    from napari_ssamamba.events import Progress

Result = TypeVar("Result")


def keep_probabilities(
    work: Generator[Progress, None, Result], store: ProbabilityStore
) -> Generator[Progress, None, Result]:
    """Write each tile's probabilities as it comes, and pass all events on.

    Parameters
    ----------
    work : generator
        A mapping from row to row whose tiles carry probabilities.
    store : ProbabilityStore

    Yields
    ------
    Progress
        The mapping's own events.

    Returns
    -------
    object
        The mapping's result.
    """

    def keep(event: Progress) -> Progress:
        if isinstance(event, MapTile) and event.probabilities is not None:
            values = event.probabilities
            if not event.new.all():  # the others are there from before
                values = np.where(event.new[..., None], values, store.read(event.window))
            store.write(event.window, values)
        return event

    return (yield from retold(work, keep))
