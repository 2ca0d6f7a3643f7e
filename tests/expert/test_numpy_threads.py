"""numpy's threads stay out of the network's way while a map is mixed, and come back after it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread
from typing import TYPE_CHECKING

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from napari_ssamamba.expert.numpy_threads import numpy_on_one_thread

if TYPE_CHECKING:
    from collections.abc import Iterator


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
