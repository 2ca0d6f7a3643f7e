"""How an NVIDIA GPU multiplies while a network is trained."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from napari_ssamamba.shared import Shared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from napari_ssamamba.training.config import Precision


def training_products(precision: Precision) -> AbstractContextManager[None]:
    """Let an NVIDIA GPU multiply in that precision, with the same bits each time.

    No effect on other devices. The switches are the whole process's: they are set back when no
    training is in such a block any more. While trainings of different precisions are, none
    multiplies in TF32, unless the process did before: one in float32 keeps its bits, and one that
    would take TF32 is more exact for that time.

    Parameters
    ----------
    precision : {"float32", "bfloat16", "auto"}
    """
    return _switches.held(precision)


@contextmanager
def _switched(
    precisions: list[Precision],
) -> Iterator[Callable[[list[Precision]], None]]:
    """Set the switches for the trainings that multiply."""
    products, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = products.allow_tf32

    def follow(precisions: list[Precision]) -> None:
        products.allow_tf32 = before or all(wanted == "auto" for wanted in precisions)

    try:
        with cudnn.flags(enabled=cudnn.enabled, benchmark=False, deterministic=True):
            follow(precisions)
            yield follow
    finally:
        products.allow_tf32 = before


_switches = Shared(_switched)
