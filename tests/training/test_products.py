"""Trainings at once leave the process's switches as they were, and do not take them off each other.

The switches can be set without a GPU, where they have no effect.
"""

from __future__ import annotations

from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest
import torch

from napari_ssamamba.training.products import training_products

if TYPE_CHECKING:
    from napari_ssamamba.training.config import Precision


def switches() -> tuple[bool, bool]:
    """Return whether products may be rounded, and whether convolutions give the same bits."""
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.deterministic


def overlapping(first: Precision, second: Precision) -> list[tuple[bool, bool]]:
    """Let a second training begin within a block of a first, and end after it.

    Returns
    -------
    list of (bool, bool)
        The switches with the first alone, with both, and with the second alone.
    """
    second_in, first_out = Event(), Event()
    seen = []

    def other() -> None:
        with training_products(second):
            seen.append(switches())
            second_in.set()
            assert first_out.wait(10)
            seen.append(switches())

    thread = Thread(target=other)
    with training_products(first):
        seen.append(switches())
        thread.start()
        assert second_in.wait(10)
    first_out.set()
    thread.join(10)
    return seen


def test_trainings_that_overlap_leave_the_switches_as_they_were() -> None:
    assert switches() == (False, False)
    assert overlapping("auto", "auto") == [(True, True)] * 3
    assert switches() == (False, False)


@pytest.mark.parametrize(
    ("first", "second", "rounded"),
    [
        ("auto", "float32", [True, False, False]),
        ("float32", "auto", [False, False, True]),
        ("bfloat16", "float32", [False, False, False]),
    ],
)
def test_no_training_in_float32_is_rounded_for_another_beside_it(
    first: Precision, second: Precision, rounded: list[bool]
) -> None:
    assert overlapping(first, second) == [(allowed, True) for allowed in rounded]
    assert switches() == (False, False)


def test_what_the_process_allowed_before_stays_allowed() -> None:
    torch.backends.cuda.matmul.allow_tf32 = True
    try:
        assert overlapping("float32", "auto") == [(True, True)] * 3
        assert switches() == (True, False)
    finally:
        torch.backends.cuda.matmul.allow_tf32 = False
