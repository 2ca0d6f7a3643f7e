"""numpy's threads stay out of the network's way while a map is mixed, and come back after it.

Meanwhile rows are parted among threads.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Thread
from typing import TYPE_CHECKING

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from napari_ssamamba.expert.numpy_threads import (
    LEAST_ROWS,
    numpy_on_one_thread,
    on_all_threads,
)
from napari_ssamamba.expert.spectral_expert import SpectralExpert

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_ssamamba.checkpoint import Checkpoint


def threads() -> int:
    return max(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")


@pytest.fixture(autouse=True)
def several_threads() -> Iterator[None]:
    np.ones((2, 2)) @ np.ones((2, 2))
    with ThreadPoolExecutor(1) as other:  # one that lives on may be the only one that can limit
        limits = other.submit(threadpool_limits, 2, user_api="blas").result()
    assert threads() == 2
    yield
    with ThreadPoolExecutor(1) as other:
        other.submit(limits.restore_original_limits).result()


def test_one_thread_within_and_as_many_as_before_after() -> None:
    with numpy_on_one_thread():
        assert threads() == 1
    assert threads() > 1
    with pytest.raises(ZeroDivisionError), numpy_on_one_thread():
        _ = 1 / 0
    assert threads() > 1


def test_blocks_of_another_thread_end_with_what_was_before() -> None:
    def other() -> None:
        with numpy_on_one_thread():
            pass

    thread = Thread(target=other)
    thread.start()
    thread.join(10)
    assert threads() > 1
    with numpy_on_one_thread():
        assert threads() == 1
    assert threads() > 1


def test_the_last_of_two_threads_that_overlap_sets_the_limit_back() -> None:
    second_in, first_out = Event(), Event()
    seen: list[int] = []

    def second() -> None:
        with numpy_on_one_thread():
            second_in.set()
            assert first_out.wait(10)
            seen.append(threads())

    thread = Thread(target=second)
    with numpy_on_one_thread():
        thread.start()
        assert second_in.wait(10)
    first_out.set()
    thread.join(10)
    assert seen == [1]
    assert threads() == 2


def test_a_block_within_a_block_ends_nothing() -> None:
    with numpy_on_one_thread():
        with numpy_on_one_thread():
            assert threads() == 1
        assert threads() == 1
    assert threads() == 2


def test_rows_are_parted_among_threads_with_one_of_numpys_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("napari_ssamamba.expert.numpy_threads._threads", lambda: 3)
    helpers = ThreadPoolExecutor(2)
    monkeypatch.setattr("napari_ssamamba.expert.numpy_threads._helpers", lambda: helpers)
    together, seen = Barrier(3), []

    def work(rows: np.ndarray, other: np.ndarray) -> np.ndarray:
        together.wait(10)  # broken unless all three are at work at once
        seen.append((len(rows), threads()))
        return rows[:, 0] - other

    rows = np.arange(3 * LEAST_ROWS * 2.0).reshape(-1, 2)
    np.testing.assert_array_equal(on_all_threads(work, rows, rows[:, 1]), -1)
    assert seen == [(LEAST_ROWS, 1)] * 3
    assert threads() == 2


def test_few_rows_stay_together_and_errors_come_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_ssamamba.expert.numpy_threads._threads", lambda: 2)
    counts: list[int] = []

    def work(rows: np.ndarray) -> np.ndarray:
        counts.append(len(rows))
        if rows[0]:
            raise ZeroDivisionError
        return rows

    on_all_threads(work, np.zeros(2 * LEAST_ROWS - 1))
    assert counts == [2 * LEAST_ROWS - 1]
    with pytest.raises(ZeroDivisionError):
        on_all_threads(work, np.arange(2 * LEAST_ROWS))
    assert threads() == 2


def test_the_experts_pixels_are_parted(
    tiny_checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    expert = tiny_checkpoint.expert
    assert expert is not None
    spectra = np.random.default_rng(0).normal(size=(2 * LEAST_ROWS, expert.components.center.size))
    views = [spectra.astype(np.float32)] * len(expert.views)
    monkeypatch.setattr("napari_ssamamba.expert.numpy_threads._threads", lambda: 1)
    expected = expert.log_probabilities(*views)
    whole, counts = SpectralExpert._log_probabilities, []

    def counted(self: SpectralExpert, *part: np.ndarray) -> np.ndarray:
        counts.append(len(part[0]))
        return whole(self, *part)

    monkeypatch.setattr("napari_ssamamba.expert.numpy_threads._threads", lambda: 2)
    monkeypatch.setattr(SpectralExpert, "_log_probabilities", counted)
    np.testing.assert_allclose(expert.log_probabilities(*views), expected, atol=1e-9)
    assert counts == [LEAST_ROWS] * 2
