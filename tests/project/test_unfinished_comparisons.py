"""A comparison that was cut short takes its scores from files, where they are of the same job."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from training_commands import CONFIG

from napari_ssamamba.data.classes import ClassTable
from napari_ssamamba.data.split import random_split, with_fewer_tests
from napari_ssamamba.events import Notice, result_of
from napari_ssamamba.project import unfinished_comparisons, unfinished_trainings
from napari_ssamamba.project.unfinished_comparisons import UnfinishedComparison
from napari_ssamamba.training.events import StepDone

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_ssamamba.comparison.compare import Scored


class Command:
    """A command that scores methods on the splits of some seeds."""

    def __init__(self, job: Any, root: Path) -> None:
        self.root, self.model, self.config = root, job.model, CONFIG
        self.reference, self.labels, self.tested = job.reference, 12, 1000
        self.given: dict[str, Any] = {
            "cube": job.cube, "classes": job.reference.classes, "methods": ["lda"], "device": "cpu",
        }  # fmt: skip
        self.told = ""
        self.kept = ""

    def run(self, *seeds: int, stop: Callable[[Any], bool] | None = None) -> list[list[Scored]]:
        """Return the scores; be interrupted at the first event that is to stop it."""
        notices: list[str] = []
        unfinished = UnfinishedComparison(**self.given, root=self.root)

        def show(event: Any) -> None:
            if isinstance(event, Notice):
                notices.append(event.text)
            if stop is not None and stop(event):
                raise KeyboardInterrupt

        try:
            with unfinished:
                return [self._score(unfinished, seed, show) for seed in seeds]
        finally:
            self.told, self.kept = " ".join(notices), unfinished.told

    def _score(
        self, unfinished: UnfinishedComparison, seed: int, show: Callable[[Any], None]
    ) -> list[Scored]:
        split = with_fewer_tests(random_split(self.reference, self.labels, 0, seed), self.tested)
        with closing(unfinished.run(split, self.model, replace(self.config, seed=seed))) as work:
            return result_of(work, show)

    def cut_short(self, *seeds: int) -> str:
        """Score all but the last seed; return what is kept then."""
        last = iter(range(len(seeds)))

        def stop(event: Any) -> bool:
            return event.text == "Fitting LDA" and next(last) == len(seeds) - 1

        with pytest.raises(KeyboardInterrupt):
            self.run(*seeds, stop=stop)
        return self.kept

    @property
    def files(self) -> list[Path]:
        return sorted(self.root.rglob("*.json"))


@pytest.fixture
def command(tiny_job: Any, tmp_path: Path) -> Command:
    return Command(tiny_job, tmp_path)


def values(runs: list[list[Scored]]) -> list[Any]:
    """What tables show, but for the seconds."""
    shown = []
    for s in (s for run in runs for s in run):
        a = s.accuracy
        of_classes = a.classes, a.n, a.confusion.tolist(), a.recall.tolist()
        shown.append((s.method, s.n_learned, s.parameters, s.mixture, a.oa, a.aa, a.kappa))
        shown.append(of_classes)
    return shown


def test_seeds_that_are_finished_are_not_run_again(command: Command) -> None:
    command.given["methods"] = ["lda", "svm"]
    wanted = command.run(0, 1, 2)
    assert command.files == [] and command.told == ""
    assert command.cut_short(0, 1, 2) == "The scores of 2 seeds are kept"
    first, other = command.files
    found = command.run(0, 1, 2)
    assert values(found) == values(wanted)
    for seed, path in ((0, first), (1, other)):
        assert f"The scores of seed {seed} are kept" in command.told
        assert str(path) in command.told
    assert "seed 2" not in command.told
    assert [path.name for path in command.root.rglob("*")] == ["comparisons"]


def test_scores_of_ours_are_kept_with_the_mixture(command: Command) -> None:
    command.given["methods"] = ["mixed", "expert", "lda"]
    command.config = replace(CONFIG, mixture="mixed", lessons=64)
    wanted = command.run(3)
    assert wanted[0][0].mixture is not None and wanted[0][0].parameters
    with pytest.raises(KeyboardInterrupt):
        command.run(3, 4, stop=lambda event: bool(command.files))
    assert command.kept == "The scores of one seed are kept"
    assert values(command.run(3)) == values(wanted)
    assert "seed 3 are kept" in command.told


def test_more_seeds_go_on_from_fewer_and_leave_the_others(command: Command) -> None:
    command.cut_short(0, 1, 2)
    command.run(1, 5)
    assert "seed 1 are kept" in command.told and "seed 0" not in command.told
    assert len(command.files) == 1
    command.run(0)
    assert "seed 0 are kept" in command.told


def test_a_training_goes_on_where_it_was(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unfinished_trainings, "SECONDS_TO_KEEP", 0.0)
    command.given["methods"] = ["network", "lda"]
    wanted = command.run(0, 1)
    steps: list[float] = []

    def late(event: Any) -> bool:
        if isinstance(event, StepDone):
            steps.append(event.done)
        return len(steps) > 12 + 9

    with pytest.raises(KeyboardInterrupt):
        command.run(0, 1, stop=late)
    assert command.kept.startswith("The scores of one seed are kept. The training is kept up to")
    cut = len(steps)
    found = command.run(0, 1, stop=lambda event: late(event) and False)
    assert values(found) == values(wanted)
    assert 0 < len(steps) - cut < 12
    assert [path.name for path in command.root.rglob("*.*")] == []


def test_a_training_that_ended_is_not_said_to_be_kept(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unfinished_trainings, "SECONDS_TO_KEEP", 0.0)
    command.given["methods"] = ["network", "lda"]
    assert command.cut_short(0) == ""


def swapped(command: Command) -> None:
    ids = np.array([0, 0, 5, 0, 0, 2, 0, 0, 0, 9], np.uint16)[command.reference.ids]
    command.reference = replace(command.reference, ids=ids)


CHANGES: dict[str, Callable[[Command], Any]] = {
    "methods": lambda c: c.given.update(methods=["svm", "lda"]),
    "network": lambda c: setattr(c, "model", replace(c.model, patch_size=5)),
    "settings": lambda c: setattr(c, "config", replace(c.config, epochs=2)),
    "training pixels": lambda c: setattr(c, "labels", 11),
    "test pixels": lambda c: setattr(c, "tested", 50),
    "labels, of the same classes": swapped,
    "classes": lambda c: c.given.update(classes=ClassTable.from_ids([2, 5, 9, 11, 12])),
    "bands": lambda c: c.given.update(
        cube=c.given["cube"].with_good_bands(np.array([1, 1, 0, 1, 1, 0], bool))
    ),
    "scene": lambda c: c.given.update(cube=replace(c.given["cube"], fingerprint="another")),
}


@pytest.mark.parametrize("change", list(CHANGES))
def test_another_comparison_begins_anew(command: Command, change: str) -> None:
    command.cut_short(0, 1)
    CHANGES[change](command)
    command.run(0)
    assert command.told == ""
    assert len(command.files) == 1


def test_damaged_scores_are_told_and_made_again(command: Command) -> None:
    wanted = command.run(0)
    command.cut_short(0, 1)
    [path] = command.files
    for text in ("{", '{"version": 99}', path.read_text("utf-8").replace('"lda"', '"magic"')):
        path.write_text(text, "utf-8")
        with suppress(KeyboardInterrupt):
            found = command.run(0)
        assert values(found) == values(wanted)
        assert f"What is kept in {path} is of no use" in command.told
        assert command.files == []
        command.cut_short(0, 1)


def test_where_nothing_can_be_kept_the_scores_are_told(command: Command, tmp_path: Path) -> None:
    command.root = tmp_path / "file"
    command.root.write_text("in the way")
    [[scored]] = command.run(0)
    assert scored.method == "lda"
    assert "The scores cannot be kept" in command.told and command.kept == ""


def test_the_oldest_go(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unfinished_comparisons, "UNFINISHED_SPLITS", 2)
    command.cut_short(0, 1, 2, 3)
    assert len(command.files) == 2
    command.run(1, 0)
    assert "seed 1 are" in command.told and "seed 0 are" not in command.told
