"""What all tests share."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_ssamamba.events import result_of
from napari_ssamamba.project.user_data import DATA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.labels import LabelMap
    from napari_ssamamba.model.config import ModelConfig

PATIENCE = 120_000
"""Milliseconds that a test waits by default for what it says will come: the threads of jobs stand
back, and where the machine is busy with other work they may not run for long."""

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_xvfb_disable() -> bool:
    """Tests without a window need no virtual display."""
    return os.environ.get("QT_QPA_PLATFORM") == "offscreen"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real scenes, where it lies beside the checkout."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no real scenes at {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture(autouse=True)
def user_data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folder of the user's data while a test runs: nothing is kept from one test to the next."""
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(DATA, str(folder))
        yield folder


@pytest.fixture
def disk_that_takes() -> Callable[[int], AbstractContextManager[None]]:
    """A disk that takes so many bytes of a file and no more, while the block runs."""
    resource = pytest.importorskip("resource", reason="the size of files cannot be limited")

    @contextmanager
    def limited(size: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited


@pytest.fixture
def as_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that this process holds open, or mapped, can be neither replaced nor removed."""
    if not Path("/proc/self/maps").exists():
        pytest.skip("only Linux tells which files are held")
    refuse_held(monkeypatch, "replace", "rename", "unlink", "remove")


def refuse_held(monkeypatch: pytest.MonkeyPatch, *calls: str) -> None:
    monkeypatch.setattr("shutil._use_fd_functions", False)  # else by names within a folder

    def refusing(call: Callable[..., None]) -> Callable[..., None]:
        def checked(*paths: Any, **options: Any) -> None:
            held = Path("/proc/self/maps").read_text()
            for opened in Path("/proc/self/fd").iterdir():
                with suppress(OSError):
                    held += f" {opened.readlink()}\n"
            for path in paths:
                if f" {Path(path).absolute()}\n" in held:
                    raise PermissionError(13, "another program uses it", str(path))
            call(*paths, **options)

        return checked

    for name in calls:
        monkeypatch.setattr(f"os.{name}", refusing(getattr(os, name)))


@dataclass(frozen=True)
class TinyJob:
    """A scene of three strips that are easily told apart, and a network of a few numbers."""

    cube: Cube
    reference: LabelMap
    model: ModelConfig


@pytest.fixture(scope="session")
def tiny_job() -> TinyJob:
    """24 × 20 pixels, 6 bands of which one is bad, ids 2, 5, 9, a corner without measurement."""
    from napari_ssamamba.data.classes import ClassTable
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.labels import LabelMap
    from napari_ssamamba.model.config import ModelConfig

    rng = np.random.default_rng(0)
    strips = np.repeat([0, 1, 2], 8)[:, None].repeat(20, axis=1)  # (24, 20)
    means = rng.normal(500, 100, size=(3, 6))
    values = (means[strips] + rng.normal(0, 20, size=(24, 20, 6))).astype(np.int16)
    values[:3, :3] = -1
    ids = np.array([2, 5, 9], np.uint16)[strips]
    ids[:4, :4] = 0
    good = np.array([True, True, False, True, True, True])
    cube = Cube("tiny", values, wavelengths=np.arange(6) * 100.0 + 450, good_bands=good, nodata=-1)
    model = ModelConfig(
        bands=1, classes=1, patch_size=3, d_model=8, d_state=2, heads=2, depth=2, dropout=0.1
    )
    return TinyJob(cube, LabelMap(ids, ClassTable.from_ids([2, 5, 9, 11])), model)


@pytest.fixture(scope="session")
def tiny_checkpoint(tiny_job: TinyJob) -> Checkpoint:
    """A network trained on `tiny_job` for two dozen steps."""
    from napari_ssamamba.data.split import random_split
    from napari_ssamamba.training.config import TrainingConfig
    from napari_ssamamba.training.trainer import train

    split = random_split(tiny_job.reference, 12, 0.25, seed=0)
    config = TrainingConfig(epochs=4, min_steps=24, max_steps=24, learning_rate=5e-3, lessons=0)
    classes = tiny_job.reference.classes
    checkpoint: Checkpoint = result_of(
        train(tiny_job.cube, split, classes, tiny_job.model, config, "cpu")
    )
    return checkpoint


@pytest.fixture
def qtbot(qtbot: Any) -> Any:
    """pytest-qt's, with the patience of these tests."""
    for name in ("waitUntil", "waitSignal", "waitSignals"):
        setattr(qtbot, name, partial(getattr(qtbot, name), timeout=PATIENCE))
    return qtbot


@pytest.fixture
def pass_turns(qtbot: Any) -> Callable[[], None]:
    """Lets the event loop go round: what only waited for its next turn has happened then."""
    from qtpy.QtCore import QTimer

    def wait() -> None:
        passed: list[bool] = []
        timer = QTimer()
        timer.timeout.connect(lambda: passed.append(True))
        timer.start(0)
        qtbot.waitUntil(lambda: len(passed) > 5)
        timer.stop()

    return wait


@pytest.fixture
def map_with_errors(tiny_job: TinyJob, tiny_checkpoint: Checkpoint) -> Callable[..., Any]:
    """Gives a session of `tiny_job` a map that is the reference but for some pixels.

    Called with the session and ``{(reference, mapped): k}``: the errors are those k of the class's
    pixels that nothing was learned from. Returns them, one array (n, 2) for each item.
    """

    def make(session: Any, errors: dict[tuple[int, int], Any]) -> list[Any]:
        session.set_checkpoint(tiny_checkpoint)
        session.mapping.run().close()
        session.map.ids[...] = free = tiny_job.reference.ids.copy()
        session.map.confidence[...] = 0.5
        for learned in (tiny_checkpoint.training_pixels, tiny_checkpoint.validation_pixels):
            free[tuple(learned.T)] = 0
        wrong = [np.argwhere(free == true)[k] for (true, _), k in errors.items()]
        for (_, mapped), pixels in zip(errors, wrong, strict=True):
            session.map.ids[tuple(pixels.T)] = mapped
        session.mapping.finish()
        return wrong

    return make


@pytest.fixture
def tile_of() -> Callable[[Any, int], Any]:
    """Makes a tile of one class, of which the model is sure."""
    return _tile_of


def _tile_of(window: Any, id: int) -> Any:
    from napari_ssamamba.prediction.class_map import MapTile

    sure = np.ones(window.shape, np.float32)
    return MapTile(
        window=window,
        new=np.ones(window.shape, bool),
        ids=np.full(window.shape, id, np.uint16),
        confidence=sure,
        margin=sure,
        entropy=0 * sure,
    )
