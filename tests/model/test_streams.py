"""Threads take turns at recording on a GPU; a stand-in for torch's recording shows it on a CPU."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from threading import Barrier, Event, Thread, get_ident
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor, nn

from napari_ssamamba.model import streams
from napari_ssamamba.training.recorded_work import WARMING_RUNS, RecordedWork

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CPU = torch.device("cpu")
SMALLEST_SWITCH = 0.01
"""Seconds in which another thread would come in if it could."""


class Watched:
    """Stands in for torch's recording, and tells which threads are at it.

    Attributes
    ----------
    at_it : list of int
        The threads on the stream for recording, and those that wait for all of the GPU.
    most : int
        Of different threads at once.
    recorded : list of dict
        What `torch.cuda.graph` was asked for.
    replaying : callable
        Called by a replay.
    """

    def __init__(self) -> None:
        self.at_it: list[int] = []
        self.most = 0
        self.recorded: list[dict[str, Any]] = []
        self.replaying: Callable[[], object] = lambda: None

    @contextmanager
    def watch(self, *_: object, **__: object) -> Iterator[None]:
        self.at_it.append(get_ident())
        self.most = max(self.most, len(set(self.at_it)))
        time.sleep(SMALLEST_SWITCH)
        try:
            yield
        finally:
            self.at_it.remove(get_ident())

    @contextmanager
    def graph(self, graph: object, **asked: Any) -> Iterator[None]:
        self.recorded.append(asked)
        with self.watch():
            yield

    def empty_cache(self) -> None:
        with self.watch():
            pass


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    """Return what watches; the stream for recording is a name, and being on it does nothing."""
    watched = Watched()

    class Graph:
        def pool(self) -> tuple[int, int]:
            return id(self), 0

        def replay(self) -> None:
            watched.replaying()

    monkeypatch.setattr(streams, "side_stream", lambda device, number=0: f"{device} {number}")
    monkeypatch.setattr(streams, "on_stream", watched.watch)
    monkeypatch.setattr(torch.cuda, "graph", watched.graph)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "empty_cache", watched.empty_cache)
    monkeypatch.setattr("napari_ssamamba.training.recorded_work.pinned", lambda values: values)
    return watched


def at_once(*works: Callable[[], object]) -> None:
    """Do several works at once, a thread each; raises what they raise."""
    begin = Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        begin.wait(10)
        work()

    with ThreadPoolExecutor(len(works)) as threads:
        for done in [threads.submit(run, work) for work in works]:
            done.result(30)


def doubled(values: Tensor) -> Tensor:
    return 2 * values


def of_a_training(times: int) -> Callable[[], None]:
    """Return work that a training does so often."""
    recorded = RecordedWork(nn.Linear(2, 2))  # type: ignore[arg-type]
    values = torch.ones(3)

    def work() -> None:
        for _ in range(times):
            assert recorded(doubled, values).tolist() == [2, 2, 2]

    return work


def record_twice() -> None:
    """Record with the runs before, as one that holds the stream, and as one that does not."""
    with streams.recording(CPU):
        doubled(torch.ones(1))
        streams.record(lambda: doubled(torch.ones(1)), CPU, torch.cuda.CUDAGraph())
    streams.record(lambda: doubled(torch.ones(1)), CPU, torch.cuda.CUDAGraph())


def test_threads_that_record_or_wait_for_all_of_the_gpu_take_turns(watched: Watched) -> None:
    at_once(record_twice, record_twice, streams.return_reserves)
    assert watched.most == 1
    assert len(watched.recorded) == 4


def test_a_recording_that_fails_leaves_the_turn_to_others(watched: Watched) -> None:
    def fail() -> None:
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"), streams.recording(CPU):
        streams.record(fail, CPU, torch.cuda.CUDAGraph())
    at_once(record_twice)
    assert not watched.at_it


def test_another_threads_ordinary_work_is_no_error_while_one_records(watched: Watched) -> None:
    first = torch.cuda.CUDAGraph()
    streams.record(lambda: None, CPU, first)
    streams.record(lambda: None, CPU, torch.cuda.CUDAGraph(), first)
    asked = {"stream": "cpu 0", "capture_error_mode": "thread_local"}
    assert watched.recorded == [{**asked, "pool": None}, {**asked, "pool": first.pool()}]


def test_trainings_at_once_take_turns_at_warming_up_and_recording(watched: Watched) -> None:
    times = WARMING_RUNS + 2
    at_once(of_a_training(times), of_a_training(times), record_twice)
    assert watched.most == 1
    assert len(watched.recorded) == 4  # each of the trainings once


def test_recorded_work_is_replayed_while_another_thread_records(watched: Watched) -> None:
    train = of_a_training(1)
    for _ in range(WARMING_RUNS + 1):
        train()
    assert len(watched.recorded) == 1
    held, replayed = Event(), Event()
    watched.replaying = replayed.set

    def hold() -> None:
        with streams.recording(CPU):
            held.set()
            assert replayed.wait(10)

    thread = Thread(target=hold)
    thread.start()
    assert held.wait(10)
    train()
    thread.join(10)
    assert replayed.is_set()
    assert len(watched.recorded) == 1


def test_what_was_refused_is_done_while_another_thread_records(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> nullcontext[None]:
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(torch.cuda, "graph", refuse)
    train = of_a_training(1)
    for _ in range(WARMING_RUNS + 1):
        train()
    with streams.recording(CPU), ThreadPoolExecutor(1) as other:
        other.submit(train).result(10)
    assert not watched.recorded


def test_maps_at_once_take_turns_at_warming_up_and_recording(watched: Watched) -> None:
    if not torch.cuda.is_available():
        os.environ["TRITON_INTERPRET"] = "1"  # before the kernels are imported
    pytest.importorskip("triton", reason="Triton is not installed; it is to be had for Linux alone")
    from napari_ssamamba.model.inference.fused.scene import RecordedNetwork

    def record_tile() -> None:
        network = RecordedNetwork.__new__(RecordedNetwork)
        network.device, network._batches = CPU, {}
        for warm in (False, True):
            _, found = network._recorded(lambda: doubled(torch.ones(1)), warm)
            assert found == 2

    at_once(record_tile, record_tile, of_a_training(WARMING_RUNS + 1))
    assert watched.most == 1
    assert len(watched.recorded) == 5
