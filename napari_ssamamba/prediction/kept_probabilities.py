"""The probabilities of a mapping, written while it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

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
        A mapping whose tiles carry probabilities and are complete, each pixel of its window.
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
            store.write(event.window, event.probabilities)
        return event

    return (yield from retold(work, keep))
