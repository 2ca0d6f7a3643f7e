"""A checkpoint file gives back what was trained, or says what is wrong with it."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from checkpoint_files import rewrite
from safetensors.torch import save_file

from napari_ssamamba.errors import FileFormatError
from napari_ssamamba.expert.spectral_expert import KINDS
from napari_ssamamba.project.checkpoints import load_checkpoint, save_checkpoint

if TYPE_CHECKING:
    from pathlib import Path


def three_views(_: dict[str, Any], tensors: dict[str, Any]) -> None:
    """Repeat the second view of the expert."""
    names = ("linear_weights", "linear_bias")
    names += ("quadratic_means", "quadratic_whitening", "quadratic_bias")
    for number in (0, 1):
        names += tuple(f"regression{number}_{of}" for of in ("bias", "gamma", "pixels", "first"))
    for name in names:
        values = tensors[f"expert/{name}"]
        tensors[f"expert/{name}"] = torch.cat((values, values[1:]))
    tensors["expert/pool"] = torch.cat(
        (tensors["expert/pool"], tensors["expert/pool"][len(KINDS) :])
    )


def test_nothing_is_lost(tiny_checkpoint: Any, saved: Path) -> None:
    loaded = load_checkpoint(saved)
    assert loaded.weights.keys() == tiny_checkpoint.weights.keys()
    for name, value in tiny_checkpoint.weights.items():
        assert torch.equal(loaded.weights[name], value), name
    assert loaded.model == tiny_checkpoint.model
    assert loaded.classes == tiny_checkpoint.classes
    assert asdict(loaded.record) == asdict(tiny_checkpoint.record)
    for name in ("band_indices", "wavelengths", "training_pixels", "validation_pixels"):
        one, other = getattr(loaded, name), getattr(tiny_checkpoint, name)
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(loaded.standardiser.center, tiny_checkpoint.standardiser.center)
    np.testing.assert_array_equal(loaded.standardiser.spread, tiny_checkpoint.standardiser.spread)
    assert loaded.standardiser.fitted_on == tiny_checkpoint.standardiser.fitted_on
    assert loaded.standardiser.limit == tiny_checkpoint.standardiser.limit < math.inf


def test_the_expert_says_the_same_after_reading(tiny_checkpoint: Any, saved: Path) -> None:
    loaded = load_checkpoint(saved)
    spectra = np.random.default_rng(0).normal(size=(2, 7, 5)).astype(np.float32)
    np.testing.assert_allclose(
        loaded.expert.log_probabilities(*spectra),
        tiny_checkpoint.expert.log_probabilities(*spectra),
        rtol=1e-12,
    )
    assert loaded.record.mixture == tiny_checkpoint.record.mixture
    assert loaded.expert.support == tiny_checkpoint.expert.support > 0
    np.testing.assert_array_equal(loaded.expert.usual, tiny_checkpoint.expert.usual)


def test_an_expert_that_leaves_the_surroundings_out_is_kept_so(
    tiny_checkpoint: Any, tmp_path: Path
) -> None:
    expert = tiny_checkpoint.expert
    of_own = {"views": expert.views[:1], "weights": expert.weights[: len(KINDS)], "support": 0.0}
    alone = replace(expert, **of_own)
    save_checkpoint(replace(tiny_checkpoint, expert=alone), tmp_path / "m")
    loaded = load_checkpoint(tmp_path / "m").expert
    assert loaded is not None and not loaded.sees_surroundings and loaded.margin == 0
    spectra = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)
    np.testing.assert_allclose(
        loaded.log_probabilities(spectra), alone.log_probabilities(spectra), rtol=1e-12
    )


def test_it_is_kept_as_what_the_pixels_were_learned(tiny_checkpoint: Any, saved: Path) -> None:
    loaded = load_checkpoint(saved)
    np.testing.assert_array_equal(loaded.training_ids, tiny_checkpoint.training_ids)
    labels = loaded.learned_labels()
    assert labels.shape == (24, 20) and np.count_nonzero(labels) == len(loaded.training_pixels)
    np.testing.assert_array_equal(labels[tuple(loaded.training_pixels.T)], loaded.training_ids)

    rewrite(saved, lambda _, t: t.update({"scene/training_ids": t["scene/training_ids"][1:]}))
    with pytest.raises(FileFormatError, match="labels for"):
        load_checkpoint(saved)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda _, t: t.pop("expert/axes"), "missing or unknown: axes"),
        (
            lambda _, t: t.update({"expert/more": t["expert/pool"].clone()}),
            "missing or unknown: more",
        ),
        (lambda _, t: t.update({"expert/center": t["expert/center"][1:]}), "center of the expert"),
        (lambda _, t: t["expert/linear_bias"].fill_(float("nan")), "not finite"),
        (lambda _, t: t["expert/regression0_pixels"].fill_(-3), "cannot be"),
        (lambda _, t: t["expert/regression1_first"].fill_(1), "does not have"),
        (lambda _, t: t.pop("expert/shift"), "missing or unknown: shift"),
        (lambda _, t: t["expert/support"].fill_(-1), "cannot be"),
        (three_views, "3 views of a pixel"),
        (lambda h, _: h["record"].update(mixture=None), "without its weight"),
    ],
)
def test_a_damaged_expert_is_one_clear_error(saved: Path, change: Any, said: str) -> None:
    rewrite(saved, change)
    with pytest.raises(FileFormatError, match=said):
        load_checkpoint(saved)


def test_wavelengths_and_validation_pixels_may_be_missing(
    tiny_checkpoint: Any, tmp_path: Path
) -> None:
    bare = replace(tiny_checkpoint, wavelengths=None, validation_pixels=np.empty((0, 2), np.int32))
    save_checkpoint(bare, tmp_path / "m")
    loaded = load_checkpoint(tmp_path / "m")
    assert loaded.wavelengths is None
    assert loaded.validation_pixels.shape == (0, 2)


def test_a_failed_write_leaves_the_old_file(
    tiny_checkpoint: Any, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = saved.read_bytes()

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(OSError, match="no space"):
        save_checkpoint(replace(tiny_checkpoint, wavelengths=None), saved)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


@pytest.mark.usefixtures("as_on_windows")
def test_a_file_that_was_read_can_be_replaced(tiny_checkpoint: Any, saved: Path) -> None:
    loaded = load_checkpoint(saved)
    save_checkpoint(replace(loaded, wavelengths=None), saved)
    assert load_checkpoint(saved).wavelengths is None
    saved.write_bytes(bytes(saved.stat().st_size))  # nor does it change with the file
    for name, weight in tiny_checkpoint.weights.items():
        assert torch.equal(loaded.weights[name], weight), name


def test_truncated_and_foreign_files_are_refused(saved: Path, tmp_path: Path) -> None:
    whole = saved.read_bytes()
    for n in (0, 4, 100, len(whole) - 10):
        saved.write_bytes(whole[:n])
        with pytest.raises(FileFormatError, match="damaged or not a checkpoint"):
            load_checkpoint(saved)
    other = tmp_path / "other.safetensors"
    save_file({"weights/a": torch.ones(2)}, other)
    with pytest.raises(FileFormatError, match="not a checkpoint of this program"):
        load_checkpoint(other)
    with pytest.raises(FileFormatError, match="no such file"):
        load_checkpoint(tmp_path / "absent")


def test_a_newer_version_is_named_even_if_it_has_other_fields(saved: Path) -> None:
    rewrite(saved, lambda header, _: header.update(version=99, expert={"kind": "lda"}))
    with pytest.raises(FileFormatError, match=r"format 99.*newer napari-ssamamba"):
        load_checkpoint(saved)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h, t: h.update(format="cake"), "format"),
        (lambda h, t: h.pop("record"), "record"),
        (lambda h, t: h.update(surprise=1), "surprise"),
        (lambda h, t: h.update(limit=-1), "limit"),
        (lambda h, t: h["model"].update(d_model=16), "has shape"),
        (lambda h, t: h["model"].update(depth=3), "missing or unknown"),
        (lambda h, t: h["model"].update(depth=10**9), "depth"),
        (lambda h, t: h["model"].update(d_model="wide"), "configuration"),
        (lambda h, t: h["model"].update(colour=1), "colour"),
        (lambda h, t: h["classes"].pop(), "2 classes for 3 outputs"),
        (lambda h, t: h["classes"][0].update(id=9), "the id 9"),
        (lambda h, t: t.pop("weights/head.bias"), "head.bias"),
        (lambda h, t: t.update({"weights/head.bias": torch.zeros(3).double()}), "head.bias"),
        (lambda h, t: t.pop("scene/center"), "center is missing"),
        (lambda h, t: t.update({"scene/spread": torch.ones(4)}), "4 values of spread for 5"),
        (
            lambda h, t: t.update({"scene/band_indices": torch.tensor([0, 1, 2, 3, 6])}),
            "outside the scene's bands",
        ),
        (lambda h, t: t.update({"scene/training_pixels": torch.ones(3)}), "training_pixels"),
    ],
)
def test_parts_that_do_not_fit_are_refused(saved: Path, change: Any, message: str) -> None:
    rewrite(saved, change)
    with pytest.raises(FileFormatError, match=message):
        load_checkpoint(saved)


def test_a_damaged_header_is_refused(saved: Path) -> None:
    save_file({"weights/a": torch.ones(2)}, saved, {"checkpoint": "{"})
    with pytest.raises(FileFormatError, match="header is damaged"):
        load_checkpoint(saved)
