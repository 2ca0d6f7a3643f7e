"""What the tests of a session's parts share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_ssamamba.events import result_of
from napari_ssamamba.session import Session

if TYPE_CHECKING:
    from conftest import TinyJob

    from napari_ssamamba.checkpoint import Checkpoint

FROM, TO = 5, 9


@pytest.fixture
def audited_session(tiny_job: TinyJob, tiny_checkpoint: Checkpoint) -> Any:
    """A map that is the reference but for four pixels of class 5 mapped as 9, in `wrong`."""
    made: Any = Session()
    made.open_cube(tiny_job.cube)
    made.set_reference(tiny_job.reference)
    made.set_checkpoint(tiny_checkpoint)
    made.mapping.run().close()
    made.map.ids[...] = tiny_job.reference.ids
    made.map.confidence[...] = 0.5
    learned = np.vstack([tiny_checkpoint.training_pixels, tiny_checkpoint.validation_pixels])
    free = tiny_job.reference.ids.copy()
    free[tuple(learned.T)] = 0
    wrong = np.argwhere(free == FROM)[[1, 4, 6, 7]]
    for k, pixel in enumerate(wrong):
        made.map.ids[tuple(pixel)] = TO
        made.map.confidence[tuple(pixel)] = 0.6 + 0.1 * k
    made.mapping.finish()
    made.wrong = wrong
    made.audit.set_confusion(result_of(made.audit.confusion_run()))
    return made
