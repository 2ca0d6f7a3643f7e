"""Arrays of a scene's size are filled in before a mapping writes into them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from napari_ssamamba.events import Progress
    from napari_ssamamba.prediction.class_map import Mapped

PREPARED_AT_ONCE = 2**23
"""Pixels of scenes for which this is done at once: the window waits a tenth of a second. Those of
larger ones are blank until the mapping's thread has done it."""


def after(
    preparing: Iterable[Progress], mapping: Callable[[], Generator[Progress, None, Mapped]]
) -> Generator[Progress, None, Mapped]:
    """Prepare, then map.

    Parameters
    ----------
    preparing : iterable of Progress
    mapping : callable
        Begins it.
    """
    yield from preparing
    return (yield from mapping())
