"""What the tests of a session's parts share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from napari_ssamamba.events import result_of
from napari_ssamamba.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import TinyJob


FROM, TO = 5, 9


@pytest.fixture
def audited_session(tiny_job: TinyJob, map_with_errors: Callable[..., Any]) -> Any:
    """A map that is the reference but for four pixels of class 5 mapped as 9, in `wrong`."""
    made: Any = Session()
    made.open_cube(tiny_job.cube)
    made.set_reference(tiny_job.reference)
    [made.wrong] = map_with_errors(made, {(FROM, TO): [1, 4, 6, 7]})
    made.map.confidence[tuple(made.wrong.T)] = [0.6, 0.7, 0.8, 0.9]
    made.audit.set_confusion(result_of(made.audit.confusion_run()))
    return made
