"""What a process has once is set by the first thread that holds it, and undone by the last."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from napari_ssamamba.shared import Shared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Lamp:
    """A setting that notes what becomes of it."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.broken = False

    @contextmanager
    def lit(self, wishes: list[str]) -> Iterator[Callable[[list[str]], None]]:
        if self.broken:
            raise OSError
        self.seen.append(f"on for {wishes[0]}")
        yield lambda wishes: self.seen.append("now " + " ".join(wishes))
        self.seen.append("off")


def test_the_first_in_sets_and_the_last_out_undoes_in_whatever_order_they_leave() -> None:
    lamp = Lamp()
    shared = Shared(lamp.lit)
    for _ in range(2):
        first, second = shared.held("a"), shared.held("b")
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        second.__exit__(None, None, None)
    assert lamp.seen == ["on for a", "now a b", "now b", "off"] * 2


def test_an_error_within_leaves_nothing_behind() -> None:
    lamp = Lamp()
    shared = Shared(lamp.lit)
    with pytest.raises(ZeroDivisionError), shared.held("a"):
        _ = 1 / 0
    assert lamp.seen == ["on for a", "off"]


def test_what_cannot_be_set_is_tried_again_by_the_next() -> None:
    lamp = Lamp()
    shared = Shared(lamp.lit)
    lamp.broken = True
    with pytest.raises(OSError), shared.held("a"):
        pass
    lamp.broken = False
    with shared.held("b"):
        pass
    assert lamp.seen == ["on for b", "off"]
