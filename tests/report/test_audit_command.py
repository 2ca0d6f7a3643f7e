"""``ssamamba audit`` writes one page and tells its figures, or says in one line what to change."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from command_line import ssamamba, values_of

from napari_ssamamba.data.writers import write_class_map, write_layers
from napari_ssamamba.project.checkpoints import save_checkpoint

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def files(tiny_job: Any, tiny_checkpoint: Any, tmp_path: Path) -> SimpleNamespace:
    """The scene, its reference and the model as files; some labels of the reference are wrong."""
    cube, reference = tiny_job.cube, tiny_job.reference
    scene, labels, model = (tmp_path / name for name in ("scene.tif", "labels.tif", "a.model"))
    bands = [f"band {i}" for i in range(cube.bands)]
    write_layers(scene, np.moveaxis(np.asarray(cube.raw, np.float32), -1, 0), bands, cube)
    ids = reference.ids.copy()
    ids[10, 5:15] = 9
    write_class_map(labels, ids, reference.classes, cube=cube)
    save_checkpoint(tiny_checkpoint, model)
    return SimpleNamespace(scene=scene, labels=labels, model=model, folder=tmp_path)


def test_one_page_that_agrees_with_the_evaluation(files: SimpleNamespace) -> None:
    case = (files.model, files.scene, "--reference", files.labels, "--device", "cpu")
    out = files.folder / "new" / "audit"
    told = values_of("audit", *case, "--out", out)
    assert [p.name for p in out.iterdir()] == ["report.html"]
    assert told["report"] == str(out / "report.html")
    evaluated = values_of("evaluate", *case)
    for name in ("oa", "aa", "kappa", "n"):
        assert told[name] == pytest.approx(evaluated[name]), name
    assert sorted(told["classes"]) == sorted(evaluated["classes"])
    errors = np.array(told["confusion"])
    np.fill_diagonal(errors, 0)
    counts = [one["n"] for one in told["worst"]]
    assert counts == sorted(counts, reverse=True)
    assert sum(counts) == errors.sum() >= 5
    first = told["worst"][0]
    row, column = (told["classes"].index(first[name]) for name in ("reference", "predicted"))
    assert first["n"] == errors[row, column] == errors.max()
    assert told["seconds"] > 0 and told["synthetic"] is False
    page = (out / "report.html").read_text("utf-8")
    assert f"{told['oa']:.1f} %" in page and first["reference"] in page


def test_the_table_names_the_page(files: SimpleNamespace) -> None:
    out = files.folder / "audit"
    case = ("audit", files.model, files.scene, "--reference", files.labels, "--out", out)
    result = ssamamba(*case, "--device", "cpu", "--members", "expert")
    assert result.exit_code == 0, result.output
    assert str(out / "report.html") in result.stdout.replace("\n", "")
    page = (out / "report.html").read_text("utf-8")
    assert "the spectral expert alone, as was asked for" in page
    assert "The network has no weight in this map" in page


def test_what_cannot_be_is_one_line_and_leaves_no_page(
    files: SimpleNamespace, tiny_job: Any, tiny_checkpoint: Any
) -> None:
    folder, reference = files.folder, tiny_job.reference
    np.save(folder / "other.npy", np.ones((30, 20), np.uint16))
    learned = np.zeros_like(reference.ids)
    for pixels in (tiny_checkpoint.training_pixels, tiny_checkpoint.validation_pixels):
        learned[tuple(pixels.T)] = reference.ids[tuple(pixels.T)]
    write_class_map(folder / "learned.tif", learned, reference.classes, cube=tiny_job.cube)
    few = np.asarray(tiny_job.cube.raw, np.float32)[..., :4]
    write_layers(folder / "few.tif", np.moveaxis(few, -1, 0), list("abcd"), tiny_job.cube)
    (folder / "taken").write_text("a file")
    labels = ("--reference", files.labels)
    for arguments, parts in (
        ((files.model, files.scene), ("--reference",)),
        ((files.model, files.scene, "--reference", folder / "no.tif"), ("no.tif",)),
        ((files.model, files.scene, "--reference", folder / "other.npy"), ("30", "24")),
        ((files.model, files.scene, "--reference", folder / "learned.tif"), ("more pixels",)),
        ((files.model, folder / "few.tif", *labels), ("4 bands", "6")),
        ((files.scene, files.scene, *labels), ("scene.tif", "checkpoint")),
        ((files.model, files.scene, *labels, "--out", folder / "taken"), ("--out",)),
    ):
        result = ssamamba("audit", "--out", folder / "out", *arguments)
        assert result.exit_code == 2
        assert result.stdout == ""
        [line] = result.stderr.splitlines()
        assert line.startswith("error: ") and all(part in line for part in parts), line
    assert not (folder / "out").exists()
    assert (folder / "taken").read_text() == "a file"
