"""A checkpoint file gives back what was trained, or says what is wrong with it."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from napari_ssamamba.errors import FileFormatError
from napari_ssamamba.expert.spectral_expert import KINDS
from napari_ssamamba.expert.surroundings import RADIUS
from napari_ssamamba.project.checkpoints import load_checkpoint, save_checkpoint

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def saved(tiny_checkpoint: Any, tmp_path: Path) -> Path:
    path = tmp_path / "model.ssamamba"
    save_checkpoint(tiny_checkpoint, path)
    return path


def rewrite(path: Path, change: Any) -> None:
    """Change the header and the tensors of a file as a newer or broken program might."""
    with safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()["checkpoint"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    change(header, tensors)
    save_file(tensors, path, {"checkpoint": json.dumps(header)})


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


def test_a_scaling_without_limit_and_one_from_before_limits_have_none(
    tiny_checkpoint: Any, tmp_path: Path
) -> None:
    unlimited = replace(tiny_checkpoint.standardiser, limit=math.inf)
    path = tmp_path / "unlimited.safetensors"
    save_checkpoint(replace(tiny_checkpoint, standardiser=unlimited), path)
    assert load_checkpoint(path).standardiser.limit == math.inf

    def before(header: dict[str, Any], _: dict[str, Any]) -> None:
        header["version"] = 8
        del header["limit"]

    save_checkpoint(tiny_checkpoint, path)
    with_older_expert(path, 9)
    rewrite(path, before)
    assert load_checkpoint(path).standardiser.limit == math.inf


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


def test_an_expert_from_before_support_has_none(saved: Path) -> None:
    def before(header: dict[str, Any], tensors: dict[str, Any]) -> None:
        header["version"] = 10
        del tensors["expert/support"], tensors["expert/usual"]

    rewrite(saved, before)
    loaded = load_checkpoint(saved).expert
    assert loaded is not None and loaded.support == 0 and loaded.margin == RADIUS


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


BEFORE = ("linear", "kernel", "quadratic", "logistic", "slope_kernel", "slope_logistic")
OF_VERSION = {9: BEFORE, 7: BEFORE[:4], 6: BEFORE[:3], 5: BEFORE[:2], 3: BEFORE[:2]}
"""Classifiers of a view in files of older versions, in the order of their weights."""


def with_older_expert(path: Path, version: int) -> dict[str, np.ndarray]:
    """Put an expert into a file as that version wrote it; return its arrays."""
    rng, kinds = np.random.default_rng(version), OF_VERSION[version]
    bands, classes, r, apart = 5, 3, 4, 2
    own, slopes = (7, 9), (6, 5)  # centers of both views
    arrays = {
        "center": rng.normal(size=bands),
        "axes": rng.normal(size=(bands, r)),
        "linear_weights": rng.normal(size=(2, bands, classes)),
        "linear_bias": rng.normal(size=(2, classes)),
        "quadratic_means": rng.normal(size=(2, classes, r)),
        "quadratic_whitening": rng.normal(size=(2, classes, r, r)),
        "quadratic_bias": rng.normal(size=(2, classes)),
        "slope_axes": rng.normal(size=(bands, apart)),
        "floor": np.array([0.03]),
        "pool": rng.random(2 * len(kinds)),
        "shift": rng.normal(size=classes),
    }
    arrays["slope_center"] = arrays["center"].copy()
    for prefix, counts, read in (("", own, r), ("slope_", slopes, apart)):
        arrays[f"{prefix}kernel_centers"] = rng.normal(size=(sum(counts), read))
        arrays[f"{prefix}kernel_coefficients"] = rng.normal(size=(sum(counts), classes))
        arrays[f"{prefix}kernel_gamma"] = rng.random(2) / 5
        arrays[f"{prefix}kernel_pixels"] = np.array(counts, float)
        arrays[f"{prefix}logistic_weights"] = rng.normal(size=(sum(counts), classes))
        arrays[f"{prefix}logistic_bias"] = rng.normal(size=(2, classes))
    since = {"shift": 4, "quadratic": 6, "logistic": 7, "slope": 8}
    later = tuple(name for name, first in since.items() if version < first)
    kept = {name: a for name, a in arrays.items() if not name.startswith(later)}

    def before(header: dict[str, Any], tensors: dict[str, Any]) -> None:
        header["version"] = version
        for name in [name for name in tensors if name.startswith("expert/")]:
            del tensors[name]
        tensors |= {f"expert/{name}": torch.from_numpy(values) for name, values in kept.items()}

    rewrite(path, before)
    return kept


def older_experts_say(arrays: dict[str, np.ndarray], kinds: tuple[str, ...], views: Any) -> Any:
    """Classify spectra, (2, n, bands), by the equations of those versions."""
    pooled = np.zeros((views.shape[1], 3))
    weights = iter(arrays["pool"])
    for view, spectra in enumerate(views):
        centred = spectra.astype(float) - arrays["center"]
        points = centred @ arrays["axes"]
        white = np.einsum(
            "nkr,krs->nks",
            points[:, None] - arrays.get("quadratic_means", np.zeros((2, 3, 4)))[view],
            arrays.get("quadratic_whitening", np.zeros((2, 3, 4, 4)))[view],
        )

        def regression(prefix: str, name: str, read: Any, view: int = view) -> Any:
            first = int(arrays[f"{prefix}kernel_pixels"][0])
            part = slice(first) if view == 0 else slice(first, None)
            centers = arrays[f"{prefix}kernel_centers"][part]
            distances = ((read[:, None] - centers) ** 2).sum(axis=2)
            near = np.exp(-arrays[f"{prefix}kernel_gamma"][view] * distances)
            if name == "kernel":
                return near @ arrays[f"{prefix}kernel_coefficients"][part]
            odds = near @ arrays[f"{prefix}logistic_weights"][part]
            return odds + arrays[f"{prefix}logistic_bias"][view]

        for kind in kinds:
            if kind == "linear":
                scores = spectra @ arrays["linear_weights"][view] + arrays["linear_bias"][view]
            elif kind == "quadratic":
                scores = arrays["quadratic_bias"][view] - (white**2).sum(axis=2) / 2
            elif kind.startswith("slope_"):
                of_slopes = centred @ arrays["slope_axes"]
                scores = regression("slope_", kind.removeprefix("slope_"), of_slopes)
            else:
                scores = regression("", kind, points)
            share = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
            pooled += next(weights) * np.log(0.97 * share + 0.03 / 3)
    odds = np.exp(pooled - pooled.max(axis=1, keepdims=True))
    odds *= np.exp(arrays.get("shift", np.zeros(3)))
    return np.log(odds / odds.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("version", OF_VERSION)
def test_a_file_of_an_older_version_maps_as_it_did(saved: Path, version: int) -> None:
    arrays = with_older_expert(saved, version)
    loaded = load_checkpoint(saved).expert
    assert loaded is not None
    spectra = np.random.default_rng(0).normal(size=(2, 7, 5)).astype(np.float32)
    expected = older_experts_say(arrays, OF_VERSION[version], spectra)
    assert np.ptp(expected) > 1
    np.testing.assert_allclose(loaded.log_probabilities(*spectra), expected, atol=1e-9)
    assert loaded.support == 0  # nor do those around a pixel have a say


@pytest.mark.parametrize("name", ["axes", "pool", "slope_kernel_gamma", "logistic_bias"])
def test_a_damaged_file_of_an_older_version_is_one_clear_error(saved: Path, name: str) -> None:
    with_older_expert(saved, 9)
    rewrite(saved, lambda _, tensors: tensors.pop(f"expert/{name}"))
    with pytest.raises(FileFormatError, match=f"missing: {name}"):
        load_checkpoint(saved)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.update({"expert/more": t["expert/pool"].clone()}), "unknown: more"),
        (
            lambda t: t.update({"expert/pool": t["expert/pool"][:10]}),
            "unknown: slope_logistic_bias",
        ),
        (lambda t: t.update({"expert/pool": t["expert/pool"][:2]}), "missing: kernel"),
        (lambda t: t.update({"expert/pool": torch.ones(14, dtype=torch.float64)}), "do not fit"),
    ],
)
def test_an_older_expert_has_the_arrays_of_its_classifiers_alone(
    saved: Path, change: Any, said: str
) -> None:
    with_older_expert(saved, 9)
    rewrite(saved, lambda _, tensors: change(tensors))
    with pytest.raises(FileFormatError, match=said):
        load_checkpoint(saved)


def test_slopes_of_an_older_version_have_the_center_of_spectra(saved: Path) -> None:
    """One array of components has one center; another one would change the map unseen."""
    with_older_expert(saved, 9)
    rewrite(saved, lambda _, tensors: tensors["expert/slope_center"].add_(1e-3))
    with pytest.raises(FileFormatError, match="two centers"):
        load_checkpoint(saved)


def test_it_is_kept_as_what_the_pixels_were_learned(tiny_checkpoint: Any, saved: Path) -> None:
    loaded = load_checkpoint(saved)
    np.testing.assert_array_equal(loaded.training_ids, tiny_checkpoint.training_ids)
    labels = loaded.learned_labels()
    assert labels.shape == (24, 20) and np.count_nonzero(labels) == len(loaded.training_pixels)
    np.testing.assert_array_equal(labels[tuple(loaded.training_pixels.T)], loaded.training_ids)

    def before(header: dict[str, Any], tensors: dict[str, Any]) -> None:
        header["version"] = 4
        del tensors["scene/training_ids"]

    with_older_expert(saved, 5)
    rewrite(saved, before)
    loaded = load_checkpoint(saved)
    assert loaded.training_ids is None and loaded.learned_labels() is None
    save_checkpoint(tiny_checkpoint, saved)
    rewrite(saved, lambda _, t: t.update({"scene/training_ids": t["scene/training_ids"][1:]}))
    with pytest.raises(FileFormatError, match="labels for"):
        load_checkpoint(saved)


def test_a_file_from_before_the_expert_is_a_network_alone(saved: Path) -> None:
    def before(header: dict[str, Any], tensors: dict[str, Any]) -> None:
        header["version"] = 1
        del header["record"]["mixture"], header["record"]["history"]
        for name in [name for name in tensors if name.startswith("expert/")]:
            del tensors[name]

    rewrite(saved, before)
    loaded = load_checkpoint(saved)
    assert loaded.expert is None and loaded.record.mixture is None
    assert loaded.record.history == ()


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
