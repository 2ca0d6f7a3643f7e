"""What was freed leaves the process; giving back does not slow a job down."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from napari_ssamamba.gui import freed_memory
from napari_ssamamba.gui.job import Job
from napari_ssamamba.plugin.resident_memory import resident_mb

HELD_MB = 120
BLOCK_BYTES = 20_000
"""So small that glibc takes them from a pool, whatever it has learned of larger ones."""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc is asked")
def test_small_blocks_freed_below_one_that_stays_leave_the_process() -> None:
    blocks = [np.ones(BLOCK_BYTES, np.uint8) for _ in range(HELD_MB * 10**6 // BLOCK_BYTES)]
    stays = blocks[-1].copy()
    held = resident_mb()
    del blocks
    freed_memory.give_back(at_once=True)
    left = resident_mb()
    assert held is not None
    assert left is not None
    assert held - left > 0.8 * HELD_MB
    assert stays.all()


def test_a_job_gives_back_now_and_then_and_at_its_end(monkeypatch: Any) -> None:
    asked: list[float] = []
    clock = [100.0]

    class Libc:
        def malloc_trim(self, pad: int) -> None:
            asked.append(clock[0])

    monkeypatch.setattr(freed_memory, "_glibc", Libc)
    monkeypatch.setattr(freed_memory, "_given_back", 0.0)
    monkeypatch.setattr(freed_memory.time, "monotonic", lambda: clock[0])

    def work() -> Any:
        from napari_ssamamba.events import Progress

        for _ in range(25):
            clock[0] += 0.1
            yield Progress()

    Job("Working", work).work()
    during = asked[:-1]
    assert 4 <= len(during) <= 5
    assert min(np.diff(during)) >= freed_memory.SECONDS_BETWEEN
    assert asked[-1] == clock[0]
